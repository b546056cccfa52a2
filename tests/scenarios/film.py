"""One upgrade of cluster-x, filmed: a bot can begin at any of its moments, so that no test takes it there once more.

Frames hold nothing of the machine or the world, so that one worker films and the others take what it left.
"""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from tests.journals.filming import take_whole_frame
from tests.journals.frames import Frame
from tests.journals.restoring import Studio, open_studio
from tests.scenarios.desk import Desk
from tests.scenarios.rig import ANA, BEN, Rig, open_world
from tests.scenarios.sights import Sight, approve_to, look, read_row, run_to

# Moments at which no program runs: no frame holds how far one has come. At the first nobody has begun anything.
THE_BEGINNING = "the beginning"
BEFORE_WRITING = "control-plane/approve"
MOMENTS = ("sidecars/approve", "sidecars/restart")
THE_END = "the end"
T = TypeVar("T")


@dataclass(frozen=True)
class Reel:
    """Frames of the upgrade's moments, and what the cluster held before it."""

    before: Sight
    frames: dict[str, Frame]


@dataclass(frozen=True)
class Film:
    """The reel, and the world in which it is shown."""

    studio: Studio
    reel: Reel

    @contextmanager
    def reach(self, moment: str) -> Iterator[Rig]:
        """A bot whose upgrade stands at this moment; the switches of the world around are put back afterwards."""
        with self._keep_switches(), self.studio.resume(self.reel.frames[moment]) as rig:
            yield rig

    @contextmanager
    def sit(self, moment: str) -> Iterator[Desk]:
        """The same without Slack."""
        with self._keep_switches():
            self.studio.restore(self.reel.frames[moment])
            desk = Desk(self.studio.world)
            try:
                yield desk
            finally:
                desk.rig.crash()

    @contextmanager
    def _keep_switches(self) -> Iterator[None]:
        world = self.studio.world
        switches = [(one, dict(vars(one))) for one in (world.google.switches, world.releases.switches)]
        try:
            yield
        finally:
            world.clock.ahead = 0.0
            with world.cluster.lock:
                world.cluster.sky.end()
            world.cluster.faults.clear()
            for one, earlier in switches:
                vars(one).update(earlier)


@contextmanager
def show_film(root: Path, shared: Path | None) -> Iterator[Film]:
    """The film in a world of its own; where the workers of a run share a file, the first of them takes the film."""
    with pytest.MonkeyPatch.context() as variables:
        for name in ("PATH", "GOOGLE_APPLICATION_CREDENTIALS"):
            variables.setenv(name, os.environ.get(name, ""))
        with open_world(root, rate_limits=False, wire=False) as world:
            studio = open_studio(world)
            reel = share(shared, lambda: take_reel(studio)) if shared else take_reel(studio)
            variables.undo()
            yield Film(studio, reel)


def share(path: Path, make: Callable[[], T]) -> T:
    """What lies there, made by whoever comes first."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(make()))
        made: T = pickle.loads(path.read_bytes())
        return made


def take_reel(studio: Studio) -> Reel:
    """An upgrade, frozen at its moments and after its end."""
    before, rig, frames = look(studio.world), Rig(studio.world), {}
    frames[THE_BEGINNING] = take_whole_frame(studio, THE_BEGINNING)
    rig.command(ANA, "start cluster-x")
    approve_to(rig, BEFORE_WRITING)
    rig.run_until(lambda: read_row(rig, "cluster-x-1").state == "asking", 600)
    frames[BEFORE_WRITING] = take_whole_frame(studio, BEFORE_WRITING)
    for moment in MOMENTS:
        run_to(rig, moment)
        frames[moment] = take_whole_frame(studio, moment)
    rig.upgrade_all(BEN)
    frames[THE_END] = take_whole_frame(studio, THE_END)
    rig.crash()
    studio.wait_until_alone()
    return Reel(before, frames)
