"""Recordings that were made once are taken again where nothing differs that could make another of them.

A recording changes nothing: istioctl renders, and the guard writes down. What comes out is decided by the program, its
arguments, overlays and environment, the guard and its rules (kubectl, kubeconfig, the cluster's uid), and for one that
looks by what it reads. All that is the key, by value; the folder of the run and the deadline are not, as each run has
its own. Where a key is new the real program runs. An apply and a validation always do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from sandbox.cluster.http.server import SimulatedCluster
from steps.contract.ports import ProgramEnded, RunState

COMPONENT = "operator.istio.io/component"
# Who may read what, and which kinds there are to be read.
RULED_BY = ("rbac.authorization.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io")
FOLDER = b"<the folder of the run>"
# What ProgramRuns itself writes; the rest is the program's.
OWN = frozenset({"lock", "run.json", "exit", "terminated"})
# Another number or name is another recording, as istioctl makes two leaves anew each time; the try is the same one.
OF_THE_UPGRADE = re.compile(r"cluster-[a-z]-\d+-|(?<=apply)-\d+|-\d+(?=-r\d+$)")
LAY_OUT = 'cp -Rp "$0/." . && cat output.kept && rm output.kept'


@dataclass
class Shelf:
    """What was recorded: by key the files of the run's folder. `made` and `taken` are the runs in their order."""

    folder: Path
    look: Callable[[], str | None]
    kept: dict[str, dict[str, bytes]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def lay_out(self, key: str, place: Path) -> Path:
        """A folder with the files as they would lie in this place."""
        folder = self.folder / str(next(self.numbers))
        for name, content in self.kept[key].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_bytes(content.replace(FOLDER, str(place).encode()))
        return folder

    def keep(self, key: str, place: Path, before: frozenset[str]) -> None:
        """Keep what came into this place since then."""
        files = {name: (place / name).read_bytes() for name in list_files(place) - before - OWN}
        files["output.kept"] = files.pop("output")
        self.kept[key] = {name: content.replace(str(place).encode(), FOLDER) for name, content in files.items()}


class KeepingRuns(ProgramRuns):
    """Runs as any others, but the program of a recording that lies on the shelf only lays it out."""

    def __init__(self, shelf: Shelf, folder: Path, limit: Places) -> None:
        """Over the same folder as any others."""
        super().__init__(folder, limit)
        self._shelf = shelf
        self._begun: dict[str, tuple[str, frozenset[str]]] = {}

    def start(
        self,
        run_id: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        limit_seconds: float,
        keep_alive: Callable[[], None] = lambda: None,
    ) -> bool:
        """Start the program, or one that lays out what it left when it was asked the same."""
        place = self.find_folder(run_id)
        key = find_key(run_id, place, arguments, environment, self._shelf.look)
        if key is not None and key in self._shelf.kept:
            self._shelf.taken.append(run_id)
            command = ["/bin/sh", "-c", LAY_OUT, str(self._shelf.lay_out(key, place))]
            return super().start(run_id, command, {"PATH": "/usr/bin:/bin"}, limit_seconds, keep_alive)
        if key is not None:
            self._shelf.made.append(run_id)
            self._begun[run_id] = key, list_files(place)
        return super().start(run_id, arguments, environment, limit_seconds, keep_alive)

    def observe(self, run_id: str) -> RunState:
        """How the run stands; what a real one wrote down to its end is kept."""
        state = super().observe(run_id)
        if isinstance(state, ProgramEnded) and run_id in self._begun:
            key, before = self._begun.pop(run_id)
            if state.exit_code == 0:
                self._shelf.keep(key, self.find_folder(run_id), before)
        return state


def list_files(place: Path) -> frozenset[str]:
    """The files below, by their path from here."""
    return frozenset(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def find_key(
    run_id: str,
    place: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    look: Callable[[], str | None],
) -> str | None:
    """What decides all that comes out of a run; None for one that is no recording, or that reads what may change."""
    prepared = place / "kubectl"
    if not (prepared / "rules.json").exists():
        return None
    rules = json.loads((prepared / "rules.json").read_bytes())
    seen = look() if rules["looks"] else ""
    if rules["mode"] != "recording" or seen is None:
        return None
    del rules["deadline"]
    decides = {
        "name": OF_THE_UPGRADE.sub("", run_id),
        "program": hash_file(Path(arguments[0])),
        "guard": hash_file(prepared / "guard.py"),
        "arguments": list(arguments),
        "environment": dict(environment),
        "rules": rules,
        "seen": seen,
    }
    return hash_text(json.dumps(decides, sort_keys=True).replace(str(place), FOLDER.decode()))


def look_at(cluster: SimulatedCluster) -> str | None:
    """A digest of all that a recording may read: components, rights and kinds; None in bad weather."""
    with cluster.lock:
        if cluster.faults.requests or cluster.sky.show()["in_force"]:
            return None
        objects = cluster.snapshot()["objects"]
        read: dict[str, Any] = {kind: [one for one in held if is_read(one)] for kind, held in objects.items()}
        return hash_text(json.dumps(read, sort_keys=True))


def is_read(one: Mapping[str, Any]) -> bool:
    """Whether istioctl's `kubectl get all --selector` may answer with it, or answers otherwise because of it."""
    labels = one["metadata"].get("labels") or {}
    return COMPONENT in labels or str(one["apiVersion"]).partition("/")[0] in RULED_BY


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hash_text(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def keep_recordings(cluster: SimulatedCluster, folder: Path) -> Iterator[Shelf]:
    """Bots that begin meanwhile take again what was recorded, with this one cluster."""
    shelf = Shelf(folder, partial(look_at, cluster))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.app.wiring.ProgramRuns", partial(KeepingRuns, shelf))
        yield shelf
