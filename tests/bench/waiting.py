"""What a bot costs whose upgrades all wait for people, while others look at their Home tabs."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.app.serving import HOMES_SECONDS
from bot.app.wiring import Bot
from bot.journal.store import Store
from bot.reminders.tick import TICK_SECONDS
from bot.settings.environment import read_settings
from tests.bench.findings import Finding
from tests.bench.years import TABLES, add, rename
from tests.scenarios.rig import ANA, Rig, World, open_world

TITLE = "300 upgrades that wait for an approval, watched by 20"
UPGRADES, WATCHERS = 300, 20
# So long is looked, in the clock's seconds; then so long again, in which somebody pauses or resumes one each ten.
SECONDS, CHANGE_EACH = 40, 10
QUIET, CHANGING = 5.0, 5.0


@dataclass
class Round:
    """One of the bot's loops: when it is next called, and how it says so."""

    work: Callable[[], float | None]
    longest: float
    due: float = 0.0


def measure() -> list[Finding]:
    """The processor's time of the thread that the loops run on one after the other; Slack is on others."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder) / "world", rate_limits=False) as world:
        rig = Rig(world)
        rig.command(ANA, "start cluster-x")
        rig.run_until(lambda: bool(rig.bot.journal.find_open_question("cluster-x-1")))
        rig.deliver()
        multiply(rig.bot.store)
        add_clusters(world)
        rig.crash()
        rig.restart()
        loops = Loops(rig)
        for number in range(WATCHERS):
            rig.bot.home_tabs.open(f"U0WATCH{number:03d}", "")
        loops.run(SECONDS)  # what is drawn once
        quiet = loops.run(SECONDS)
        changing = loops.run(SECONDS, rig.bot)
        rig.crash()
    how = f"of one core, over {SECONDS} s"
    return [
        Finding("nothing changes", quiet * 100 / SECONDS, "%", QUIET, how=how),
        Finding("one of them changes every 10 s", changing * 100 / SECONDS, "%", CHANGING, how=how),
    ]


class Loops:
    """The loops of the serving bot that look after waiting upgrades, on one thread; a commit wakes them all."""

    def __init__(self, rig: Rig) -> None:
        bot, self._clock = rig.bot, rig.world.clock
        self._woken = False
        rig.on_commit = self._wake
        self._rounds = [
            Round(leave_pause(bot.upgrades.settle_clicks), 5.0),
            Round(leave_pause(bot.runner.turn), 5.0),
            Round(bot.announcer.turn, 5.0),
            Round(bot.home_tabs.turn, HOMES_SECONDS),
            Round(bot.roster.turn, 60.0),
            Round(bot.renewals.turn, 30.0),
            *(Round(leave_pause(tick), TICK_SECONDS) for tick in bot.ticks),
            Round(leave_pause(bot.reminders.tick), TICK_SECONDS),
        ]

    def run(self, seconds: float, change: Bot | None = None) -> float:
        """The processor's seconds that so many of the clock's cost."""
        spent, ends, changes = 0.0, self._clock.seconds() + seconds, self._clock.seconds()
        while (now := self._clock.seconds()) < ends:
            if change and now >= changes:
                changes = now + CHANGE_EACH
                touch(change)
            begun = time.thread_time()
            self._turn(now)
            spent += time.thread_time() - begun
            self._clock.advance(0.25)
        return spent

    def _turn(self, now: float) -> None:
        woken, self._woken = self._woken, False
        for one in self._rounds:
            if woken or one.due <= now:
                pause = one.work()
                one.due = now + min(one.longest if pause is None else max(pause, 0.0), one.longest)

    def _wake(self) -> None:
        self._woken = True


def leave_pause(work: Callable[[], object]) -> Callable[[], None]:
    """The same work, which is called again after the loop's longest pause or once something is committed."""

    def do_work() -> None:
        work()

    return do_work


def touch(bot: Bot) -> None:
    """Pause an upgrade, or have it go on."""
    row = bot.journal.find_upgrade("cluster-x-1")
    assert row is not None
    bot.journal.change_upgrade(row.id, paused_by="" if row.paused_by else ANA)


def multiply(store: Store) -> None:
    """Give the upgrade that waits its twins, each of a cluster of its own."""
    (found,) = store.read("select * from upgrades")
    rows = {
        table: store.read(f"select * from {table} where upgrade = ?", [found["id"]]) for table in (*TABLES, "reminders")
    }
    with store.transact() as db:
        for twin in range(1, UPGRADES):
            changes = {"id": f"twin-{twin}-1", "cluster": f"twin-{twin}"}
            add(db.conn, "upgrades", [{**found, **changes, "created_at": found["created_at"] + twin}])
            for table, own in rows.items():
                add(db.conn, table, [rename(row, changes["id"], twin) for row in own])


def add_clusters(world: World) -> None:
    """Let the bot's settings know the twins."""
    place = world.settings.clusters["cluster-x"].address
    with world.folder.clusters_file.open("a", encoding="utf-8") as settings:
        for twin in range(1, UPGRADES):
            settings.write(
                f'\n[clusters.twin-{twin}]\nproject = "{place.project}"\nlocation = "{place.location}"\n'
                f'name = "twin-{twin}"\nproduction = true\n'
            )
    world.settings = replace(read_settings(world.variables), retry_cap=world.settings.retry_cap)
