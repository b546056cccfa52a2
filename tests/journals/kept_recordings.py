"""Runs of istioctl that were made once are taken again where nothing differs that could make others of them.

What comes out is decided by the program, its arguments, overlays and environment, the guard and its rules (kubectl,
kubeconfig, the cluster's uid, the approved record), and for one that looks by what it reads. All that is the key, by
value; the folder of the run and the deadline are not, as each run has its own. Where a key is new the program runs.

A recording changes nothing: the guard writes down. An apply is taken again where it `repeats`: then the cluster is
asked once more for all that kubectl had asked it to write. A validation always runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bot.gateways.programs.kubectl_seam.guard import read_objects
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from bot.gateways.releases.signatures import hash_file
from sandbox.cluster.api.requests import ApiRequest
from sandbox.cluster.http.server import SimulatedCluster
from steps.contract.ports import ProgramEnded, RunState
from tests.journals.digests import hash_text, look_at, look_before_apply, name_object
from tests.journals.kept_writes import Writes, hear_writes

FOLDER = b"<the folder of the run>"
# What ProgramRuns itself writes; the rest is the program's.
OWN = frozenset({"lock", "run.json", "exit", "terminated"})
# Another number or name is another recording, as istioctl makes two leaves anew each time; the try is the same one.
OF_THE_UPGRADE = re.compile(r"cluster-[a-z]-\d+-|(?<=apply)-\d+|-\d+(?=-r\d+$)")
LAY_OUT = 'cp -Rp "$0/." . && cat output.kept && rm output.kept'
# What a run may read of its cluster, by its id, its rules and where they lie; None for one that is not taken again.
Look: TypeAlias = Callable[[str, Mapping[str, Any], Path], str | None]


@dataclass(frozen=True)
class Begun:
    """A run that is made: its key, the files that it began with, and how much was written before."""

    key: str
    files: frozenset[str]
    writes: int


@dataclass(frozen=True)
class Kept:
    """What a run left: the files of its folder, and what it wrote to the cluster."""

    files: Mapping[str, bytes]
    writes: tuple[ApiRequest, ...]


@dataclass
class Shelf:
    """What runs left, by key. `made` and `taken` are the runs in their order."""

    folder: Path
    look: Look
    writes: Writes
    kept: dict[str, Kept] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def lay_out(self, key: str, place: Path) -> Path:
        """A folder with the files as they would lie in this place."""
        folder = self.folder / str(next(self.numbers))
        for name, content in self.kept[key].files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_bytes(content.replace(FOLDER, str(place).encode()))
        return folder

    def begin(self, key: str, place: Path) -> Begun:
        """A run that is made now, as it begins."""
        return Begun(key, list_files(place), len(self.writes.taken))

    def keep(self, begun: Begun, place: Path) -> None:
        """Keep what came into this place, and into the cluster, since it began."""
        files = {name: (place / name).read_bytes() for name in list_files(place) - begun.files - OWN}
        files["output.kept"] = files.pop("output")
        hidden = {name: content.replace(str(place).encode(), FOLDER) for name, content in files.items()}
        self.kept[begun.key] = Kept(hidden, self.writes.list_after(begun.writes))


class KeepingRuns(ProgramRuns):
    """Runs as any others, but the program of one that lies on the shelf only lays out what it left."""

    def __init__(self, shelf: Shelf, folder: Path, limit: Places) -> None:
        """Over the same folder as any others."""
        super().__init__(folder, limit)
        self._shelf = shelf
        self._begun: dict[str, Begun] = {}

    def start(
        self,
        run_id: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        limit_seconds: float,
        keep_alive: Callable[[], None] = lambda: None,
    ) -> bool:
        """Start the program, or one that lays out what it left when it was asked the same, and write what it wrote."""
        place = self.find_folder(run_id)
        key = find_key(run_id, place, arguments, environment, self._shelf.look)
        if key is not None and key in self._shelf.kept:
            self._shelf.taken.append(run_id)
            command = ["/bin/sh", "-c", LAY_OUT, str(self._shelf.lay_out(key, place))]
            started = super().start(run_id, command, {"PATH": "/usr/bin:/bin"}, limit_seconds, keep_alive)
            if started:
                self._shelf.writes.repeat(self._shelf.kept[key].writes)
            return started
        if key is not None:
            self._shelf.made.append(run_id)
            self._begun[run_id] = self._shelf.begin(key, place)
        return super().start(run_id, arguments, environment, limit_seconds, keep_alive)

    def observe(self, run_id: str) -> RunState:
        """How the run stands; what a real one wrote down to its end is kept."""
        state = super().observe(run_id)
        if isinstance(state, ProgramEnded) and run_id in self._begun:
            begun = self._begun.pop(run_id)
            if state.exit_code == 0:
                self._shelf.keep(begun, self.find_folder(run_id))
        return state


def list_files(place: Path) -> frozenset[str]:
    """The files below, by their path from here."""
    return frozenset(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def find_key(
    run_id: str,
    place: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    look: Look,
) -> str | None:
    """What decides all that comes out of a run; None for one that is not taken again."""
    prepared = place / "kubectl"
    if not (prepared / "rules.json").exists():
        return None
    rules = json.loads((prepared / "rules.json").read_bytes())
    seen = look(run_id, rules, prepared)
    if seen is None:
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


@contextmanager
def keep_recordings(
    cluster: SimulatedCluster, folder: Path, repeats: Callable[[str], bool], kept: dict[str, Kept] | None = None
) -> Iterator[Shelf]:
    """Bots that begin meanwhile take again what was recorded, with this one cluster, and the applies that repeat.

    What was `kept` earlier is there from the beginning.
    """

    def look(run_id: str, rules: Mapping[str, Any], prepared: Path) -> str | None:
        if rules["mode"] == "recording":
            return look_at(cluster) if rules["looks"] else ""
        return look_before_apply(cluster, list_handed(rules, prepared)) if repeats(run_id) else None

    with hear_writes(cluster) as writes, pytest.MonkeyPatch.context() as patch:
        shelf = Shelf(folder, look, writes, {} if kept is None else kept)
        patch.setattr("bot.app.wiring.ProgramRuns", partial(KeepingRuns, shelf))
        yield shelf


def list_handed(rules: Mapping[str, Any], prepared: Path) -> frozenset[str]:
    """What the approved record hands over."""
    contents = [(prepared / call["file"]).read_bytes() for call in rules["record"]]
    return frozenset(name_object(made) for content in contents for made in read_objects(content).values())
