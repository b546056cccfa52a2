"""A run of the guard: a shell in istioctl's place, and a script in the real kubectl's."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.gateways.programs.kubectl_seam.recording import HandedOver, read_recording
from bot.gateways.programs.kubectl_seam.rules import BoundFile, Ground, RunLimits
from bot.gateways.programs.kubectl_seam.run_folder import RunFolder, prepare_guarding, prepare_recording

UID = "7b1f7f5e-0000-4000-8000-000000000001"
# What the program in istioctl's place does: hold the lock on descriptor 9, write its id there, call kubectl.
PARENT = 'exec 9>>"$0"; echo $$ >"$0"; "$@"; code=$?; exit $code'
# Prints what `answer` says, on its first calls what `fault` says; notes its arguments and whether it holds the lock.
# The write that is `lost` is the last one to this cluster: another one answers from then on.
KUBECTL = """\
#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
[ -e /proc/self/fd/9 ] || [ -e /dev/fd/9 ] || echo none >"$here/unlocked"
if [ -s "$here/faults" ]; then
  head -n 1 "$here/faults" >&2
  tail -n +2 "$here/faults" >"$here/faults.left"
  mv "$here/faults.left" "$here/faults"
  exit 1
fi
case "$*" in *kube-system*) cat "$here/uid"; exit 0 ;; esac
if [ -e "$here/lost" ]; then
  cat "$here/lost" >&2
  rm "$here/lost"
  echo another >"$here/uid"
  exit 1
fi
cat >"$here/stdin"
env >"$here/environment"
[ -e "$here/errors" ] && cat "$here/errors" >&2
echo "$*" | cut -c 1-20
exit "$(cat "$here/code")"
"""
SELECTOR = "operator.istio.io/component"
BASE = ("apply", "-n", "istio-system", "--force", "-f", "-")


def apply_of(component: str) -> tuple[str, ...]:
    """The arguments of a component's apply, as istioctl gives them."""
    pruning = ("--force", "--prune", "--selector", f"{SELECTOR}={component}")
    return ("apply", "-n", "istio-system", *pruning, "-f", "-")


def made(kind: str, name: str, component: str = "Pilot", **fields: Any) -> dict[str, Any]:
    """An object as istioctl hands it over."""
    metadata = {"name": name, "namespace": "istio-system", "labels": {SELECTOR: component}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def stream(*objects: dict[str, Any]) -> bytes:
    """Objects as istioctl writes them on kubectl's standard input."""
    return "\n\n".join(json.dumps(one) for one in objects).encode()


@dataclass(frozen=True)
class Answer:
    """What our kubectl left."""

    code: int
    out: str
    errors: str


@dataclass(frozen=True)
class Rig:
    """A prepared run and the real kubectl behind it."""

    folder: RunFolder
    kubectl: Path
    lock: Path

    def call(self, arguments: Sequence[str], stdin: bytes = b"", parent: str = PARENT) -> Answer:
        """Call kubectl as istioctl does."""
        command = ["/bin/sh", "-c", parent, str(self.lock), str(self.folder.bin / "kubectl"), *arguments]
        ended = subprocess.run(command, input=stdin, env={}, capture_output=True, timeout=30, check=False)
        return Answer(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def tell(self, name: str, text: str) -> None:
        """Tell the real kubectl what to do."""
        (self.kubectl.parent / name).write_text(text)

    def read(self, name: str) -> str:
        """Read what the real kubectl noted."""
        path = self.kubectl.parent / name
        return path.read_text() if path.exists() else ""


@dataclass(frozen=True)
class Yard:
    """Where runs are made: recordings and guarded ones, with one real kubectl."""

    folder: Path

    def record(self, name: str = "recording") -> Rig:
        """A run that only writes down."""
        lock = self._lock(name)
        return Rig(prepare_recording(self.folder / name, lock, self.ground(), limits()), self.kubectl, lock)

    def guard(self, approved: HandedOver, name: str = "guarded", most: RunLimits | None = None) -> Rig:
        """A run that passes on what was recorded."""
        lock = self._lock(name)
        folder = prepare_guarding(self.folder / name, lock, self.ground(), most or limits(), approved)
        return Rig(folder, self.kubectl, lock)

    def approve(self, *calls: tuple[tuple[str, ...], bytes]) -> HandedOver:
        """Record these calls and read the recording back."""
        rig = self.record(f"approved-{time.monotonic_ns()}")
        for arguments, stdin in calls:
            assert rig.call(arguments, stdin).code == 0
        return read_recording(rig.folder.calls).recording

    @property
    def kubectl(self) -> Path:
        """The script in the real kubectl's place."""
        return self.folder / "real" / "kubectl"

    def ground(self) -> Ground:
        """What kubectl is started with."""
        sha256 = hashlib.sha256(self.kubectl.read_bytes()).hexdigest()
        environment = {"PATH": "/usr/bin:/bin"}
        return Ground(BoundFile(self.kubectl, sha256), b'{"kind": "Config"}', UID, environment)

    def _lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def limits(seconds: float = 60.0, patience: float = 120.0) -> RunLimits:
    """A run that may go on for a minute."""
    return RunLimits(time.monotonic() + seconds, patience)


def make_yard(folder: Path) -> Yard:
    """A yard with a kubectl that succeeds."""
    yard = Yard(folder)
    yard.kubectl.parent.mkdir()
    yard.kubectl.write_text(KUBECTL)
    yard.kubectl.chmod(0o755)
    for name, text in (("uid", UID), ("code", "0")):
        (yard.kubectl.parent / name).write_text(text)
    return yard
