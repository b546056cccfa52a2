"""The folder of one guarded run: our kubectl, its rules, the kubeconfig, the approved record; for this user alone."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bot.gateways.programs.kubectl_seam.guard as guard
from bot.files import sync_folder
from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.kubectl_seam.recording import HandedOver
from bot.gateways.programs.kubectl_seam.rules import (
    ApprovedCall,
    BoundFile,
    Ground,
    RenewedLeaf,
    RunLimits,
    write_rules,
)
from steps.contract.errors import GiveUp
from steps.contract.record import Leaf

GUARD = "guard.py"
RULES = "rules.json"
SUBFOLDERS = ("bin", "calls", "claims", "home", "record")


@dataclass(frozen=True)
class RunFolder:
    """A prepared folder. `bin` is all of istioctl's PATH; `kubeconfig` is what istioctl is given.

    `rules_sha256` is of the rules, which cover the record and the kubeconfig; "" where the folder is only read.
    """

    path: Path
    rules_sha256: str = ""

    @property
    def bin(self) -> Path:
        """The folder that holds our kubectl and nothing else."""
        return self.path / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The run's own kubeconfig, which nobody writes to any more."""
        return self.path / "kubeconfig.json"

    @property
    def home(self) -> Path:
        """Where kubectl keeps what it learns about the server."""
        return self.path / "home"

    @property
    def calls(self) -> Path:
        """Where the guard writes each call down."""
        return self.path / "calls"


def prepare_recording(path: Path, lock: Path, ground: Ground, limits: RunLimits) -> RunFolder:
    """Make the folder of a run that only writes down. Raises GiveUp where one is there already, TryAgain."""
    return _prepare(path, lock, ground, limits, None)


def prepare_guarding(path: Path, lock: Path, ground: Ground, limits: RunLimits, approved: HandedOver) -> RunFolder:
    """Make the folder of a run that passes on what was approved. Raises GiveUp, TryAgain."""
    return _prepare(path, lock, ground, limits, approved)


def check_run_folder(folder: RunFolder) -> None:
    """Raises GiveUp unless the folder and its rules are this user's own and unchanged since they were prepared."""
    try:
        for place in (folder.path, folder.bin, folder.bin / "kubectl", folder.path / GUARD, folder.path / RULES):
            found = place.lstat()
            if place.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise _refuse(f"{place} is not this user's own")
        rules = hashlib.sha256((folder.path / RULES).read_bytes()).hexdigest()
        if rules != folder.rules_sha256 or (folder.path / GUARD).read_bytes() != _read_guard():
            raise _refuse(f"{folder.path} was changed after it was prepared")
    except OSError as error:
        raise judge_disk(error, folder.path) from error


def _prepare(path: Path, lock: Path, ground: Ground, limits: RunLimits, approved: HandedOver | None) -> RunFolder:
    folder = RunFolder(path.absolute())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.mkdir(mode=0o700)
        for name in SUBFOLDERS:
            (path / name).mkdir(mode=0o700)
        kubeconfig = _write(folder.kubeconfig, ground.kubeconfig)
        record = _write_record(folder, approved) if approved else []
        ground = replace(ground, environment={"HOME": str(folder.home), **ground.environment})
        rules = write_rules(
            "guarding" if approved else "recording", ground, kubeconfig, lock.absolute(), limits, record
        )
        _write(folder.path / GUARD, _read_guard())
        bound = _write(folder.path / RULES, rules)
        _write(folder.bin / "kubectl", _write_starter(folder, bound.sha256), 0o700)
        sync_folder(path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise _refuse(f"{path} is there already, so this run was begun before") from error
    except OSError as error:
        raise judge_disk(error, path) from error
    return replace(folder, rules_sha256=bound.sha256)


def _write_record(folder: RunFolder, approved: HandedOver) -> list[ApprovedCall]:
    described: list[ApprovedCall] = []
    for number, (call, content) in enumerate(zip(approved.record.calls, approved.contents, strict=True)):
        name = f"record/{number:03d}"
        bound = _write(folder.path / name, content)
        if bound.sha256 != call.sha256:
            raise _refuse(f"the recorded objects of {call.component} were changed on disk")
        keys = {made.key for made in call.objects}
        renewed = _describe_leaves([leaf for leaf in approved.record.renewed if leaf.key in keys])
        described.append(
            {
                "component": call.component,
                "arguments": list(call.arguments),
                "file": name,
                "sha256": call.sha256,
                "renewed": renewed,
            }
        )
    return described


def _describe_leaves(leaves: Sequence[Leaf]) -> list[RenewedLeaf]:
    return [{"object": str(leaf.key), "path": list(leaf.path), "line": leaf.line} for leaf in leaves]


def _write_starter(folder: RunFolder, sha256: str) -> bytes:
    """A shell line, for a #! line takes neither a path with a space nor one longer than 127 characters."""
    words = [sys.executable, "-I", "-S", str(folder.path / GUARD), sha256]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'.encode()


def _read_guard() -> bytes:
    return Path(guard.__file__).read_bytes()


def _write(path: Path, content: bytes, mode: int = 0o600) -> BoundFile:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return BoundFile(path, hashlib.sha256(content).hexdigest())


def _refuse(why: str) -> GiveUp:
    return GiveUp(why, "Find out who wrote there, then retry: the next run gets a folder of its own.")
