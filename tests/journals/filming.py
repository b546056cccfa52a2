"""Freezes moments of an upgrade: a rig that looks at the journal between settling clicks and running steps."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.journal.rows import UpgradeRow
from tests.journals.frames import FROZEN, Frame, load_frame, save_frame
from tests.journals.programs import RUNS, read_pid
from tests.journals.restoring import Studio
from tests.journals.rows import JournalRows, read_rows, write_changes
from tests.journals.surroundings import take_surroundings
from tests.scenarios.rig import World
from tests.scenarios.test_downtime import DowntimeRig

SECONDS = 30.0
# The first frames of a way back, by the step at which they stand.
RETURNING = {
    "rollback/prepare": "returning-prepare",
    "control-plane/apply": "returning-apply",
    "sidecars/restart": "returning-sidecars",
    "authorization/return": "returning-policies",
    "finish/report-return": "returning-report",
}


class FilmRig(DowntimeRig):
    """Calls `look` when clicks are settled and no step was run yet; without `speaks` nothing is sent to Slack."""

    def __init__(self, world: World, speaks: bool = True) -> None:
        self.look: Callable[[], None] = lambda: None
        self.speaks = speaks
        super().__init__(world)

    def turn(self) -> float:
        """One turn, looked at in its middle."""
        self.bot.upgrades.settle_clicks()
        self.look()
        if self.speaks:
            return super().turn()
        self.bot.reminders.tick()
        self.bot.runner.turn()
        self.world.cluster.tick()
        return 1.0


@dataclass
class Film:
    """Takes frames in one world, each as a change of the one before it, and writes them into a folder."""

    studio: Studio
    folder: Path = FROZEN
    last: str = ""
    taken: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        """What is filmed."""
        return self.studio.world

    def freeze(self, name: str, ends: str = "upgraded") -> None:
        """Write down this moment."""
        frame, rows = take_frame(self.studio, name, self.last, ends)
        earlier = load_frame(self.last, self.folder if self.last in self.taken else FROZEN) if self.last else None
        save_frame(self.folder, frame, rows, earlier)
        self.last = name
        self.taken.append(name)

    @contextmanager
    def go_back(self, name: str, speaks: bool = True, clusters: str = "") -> Iterator[FilmRig]:
        """A bot over a frame that is there, with another clusters.toml where one is given."""
        frame = load_frame(name)
        if clusters:
            frame.around["clusters.toml"] = clusters
        self.studio.restore(frame)
        self.last = name
        rig = FilmRig(self.world, speaks)
        try:
            yield rig
        finally:
            for program in self.studio.running:
                program.end()
            rig.crash()
            self.studio.wait_until_alone()

    def has(self, name: str) -> bool:
        """Whether the frame was written already, now or by an earlier bot."""
        return (self.folder / f"{name}.sql").exists()


def take_frame(studio: Studio, name: str, after: str = "", ends: str = "upgraded") -> tuple[Frame, JournalRows]:
    """What stands around the journal at this moment, and the journal's rows."""
    world, placeholders = studio.world, studio.placeholders
    around = take_surroundings(world, placeholders)
    db = sqlite3.connect(world.settings.state / "asm-upgrade.db")
    found = read_rows(db)
    db.close()
    rows = {place: placeholders.hide(line) for place, line in found.rows.items()}
    return Frame(name, after, world.clock.seconds(), ends, (), around), JournalRows(found.schema, rows)


def take_whole_frame(studio: Studio, name: str) -> Frame:
    """This moment as a frame that goes on from no other."""
    frame, rows = take_frame(studio, name)
    return replace(frame, scripts=("\n".join(write_changes(JournalRows(), rows)),))


def find_row(rig: DowntimeRig) -> UpgradeRow | None:
    """The latest upgrade."""
    return next(iter(rig.bot.journal.list_upgrades()), None)


def is_in(rig: DowntimeRig, state: str) -> bool:
    """Whether the latest upgrade is in this state."""
    row = find_row(rig)
    return row is not None and row.state == state


@contextmanager
def hold_program(rig: DowntimeRig) -> Iterator[None]:
    """Turn until a child program was started and has said something; it stands still, and is killed afterwards."""
    folder = rig.world.folder.bot / RUNS
    known = set(folder.glob("*"))
    end = time.monotonic() + SECONDS
    while not (fresh := set(folder.glob("*")) - known):
        rig.pass_time(min(rig.turn(), 1.0))
        assert time.monotonic() < end, rig.describe()
    (place,) = fresh
    while not (place / "output").read_text():
        assert time.monotonic() < end, "the program says nothing"
    pid = read_pid(place)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGKILL)


@contextmanager
def cut_downloads(world: World, after: int = 1_000_000) -> Iterator[None]:
    """Cut each download after so many bytes."""
    world.releases.switches.truncate = after
    try:
        yield
    finally:
        world.releases.switches.truncate = 0


def name_returning(plan: Sequence[str], step: str) -> str:
    """The frame of a step of the way back."""
    return RETURNING.get(step) or f"return-{plan.index(step) + 1:02}-{step.replace('/', '-')}"
