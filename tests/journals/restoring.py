"""A world put into the state of a frame, and a bot of today's code over it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from bot.journal.proofs import EARLIER, Key, find_proof_place, prove_rows
from bot.settings.environment import read_settings
from tests.journals.frames import Frame
from tests.journals.placeholders import Placeholders, list_placeholders
from tests.journals.programs import RunningProgram, start_again
from tests.journals.rows import build_journal, save_journal
from tests.journals.surroundings import restore_surroundings
from tests.scenarios.rig import KEY, World
from tests.scenarios.test_downtime import DowntimeRig

SECONDS = 30.0


@dataclass
class Studio:
    """A world that is put into the state of one frame after the other."""

    world: World
    placeholders: Placeholders
    running: list[RunningProgram] = field(default_factory=list)

    @contextmanager
    def resume(self, frame: Frame) -> Iterator[DowntimeRig]:
        """The bot, started over what the frame left behind."""
        self.restore(frame)
        rig = DowntimeRig(self.world)
        try:
            yield rig
        finally:
            for program in self.running:
                program.end()
            rig.crash()
            self.wait_until_alone()

    def restore(self, frame: Frame) -> None:
        """Files, cluster, Slack and time as the frame has them."""
        world = self.world
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = world.variables["GOOGLE_APPLICATION_CREDENTIALS"]
        world.clock.time = datetime.fromtimestamp(frame.now, UTC)
        running = restore_surroundings(world, frame.around, self.placeholders)
        world.settings = replace(read_settings(world.variables), retry_cap=5.0)
        write_journal(frame, self.placeholders, world.settings.state / "asm-upgrade.db")
        self.running = [start_again(world, run, start) for run, start in running.items()]

    def wait_until_alone(self) -> None:
        """Wait until Slack has seen that the bot is gone."""
        end = time.monotonic() + SECONDS
        while self.world.count_connections():
            assert time.monotonic() < end, "Slack did not see the bot go"
            time.sleep(0.01)


def write_journal(frame: Frame, placeholders: Placeholders, path: Path) -> None:
    """The frame's journal as the file that a bot opens."""
    db = build_journal(map(placeholders.fill, frame.scripts))
    prove_filled(db, Key(KEY.encode()))
    save_journal(db, path)
    db.close()


def prove_filled(journal: sqlite3.Connection, key: Key) -> None:
    """The proofs of what holds this world's names by now: the bot that was filmed had others of its own."""
    db = Database(journal)
    for name, where in [pair for believed in EARLIER.values() for pair in believed.items()]:
        table, column = find_proof_place(name)
        if column in db[table].columns_dict:
            prove_rows(db, key, name, where, [])
    journal.commit()


def open_studio(world: World) -> Studio:
    """The studio in this world."""
    return Studio(world, list_placeholders(world))
