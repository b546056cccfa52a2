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

import pytest

from tests.journals.filming import take_whole_frame
from tests.journals.frames import Frame
from tests.journals.restoring import Studio, open_studio
from tests.scenarios.rig import ANA, BEN, Rig, open_world
from tests.scenarios.test_rollback import Sight, look, run_to

# Moments at which no program runs: no frame holds how far one has come.
MOMENTS = ("sidecars/approve", "sidecars/restart")
THE_END = "the end"


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
        world = self.studio.world
        switches = [(one, dict(vars(one))) for one in (world.google.switches, world.releases.switches)]
        try:
            with self.studio.resume(self.reel.frames[moment]) as rig:
                yield rig
        finally:
            world.cluster.faults.clear()
            for one, earlier in switches:
                vars(one).update(earlier)


@contextmanager
def show_film(root: Path, shared: Path | None) -> Iterator[Film]:
    """The film in a world of its own; where the workers of a run share a file, the first of them takes the film."""
    with pytest.MonkeyPatch.context() as variables:
        for name in ("PATH", "GOOGLE_APPLICATION_CREDENTIALS"):
            variables.setenv(name, os.environ.get(name, ""))
        with open_world(root, rate_limits=False) as world:
            studio = open_studio(world)
            reel = share(shared, lambda: take_reel(studio)) if shared else take_reel(studio)
            variables.undo()
            yield Film(studio, reel)


def share(path: Path, make: Callable[[], Reel]) -> Reel:
    """What lies there, made by whoever comes first."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(make()))
        reel: Reel = pickle.loads(path.read_bytes())
        return reel


def take_reel(studio: Studio) -> Reel:
    """An upgrade, frozen at its moments and after its end."""
    before, rig, frames = look(studio.world), Rig(studio.world), {}
    rig.command(ANA, "start cluster-x")
    for moment in MOMENTS:
        run_to(rig, moment)
        frames[moment] = take_whole_frame(studio, moment)
    rig.upgrade_all(BEN)
    frames[THE_END] = take_whole_frame(studio, THE_END)
    rig.crash()
    studio.wait_until_alone()
    return Reel(before, frames)
