"""A row of the journal that is damaged on the disk, each column of each kind in turn: all else goes on beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import NoReturn

import pytest

from bot.app import serving, wiring
from bot.app.metrics import build_registry
from bot.journal.rows import RowUnreadable
from bot.retention.packing import QUIET, Packing
from bot.schedule.tables import Reminder
from bot.settings.environment import read_settings
from bot.telling.reports import describe_history
from bot.windows.appointments import Appointment
from steps.contract.errors import TryAgain
from steps.contract.ledger import LedgerEntry
from steps.notes.permissions import BINDING, LEASE, KeptLease, OwnBinding
from steps.notes.prepare import NODES
from tests.children import describe_bot
from tests.unit.bot.keys import KEY
from tests.unit.bot.orders.test_cards import ask_first
from tests.unit.bot.workbench import ANA, Engine, HandClock, build_engine

DAMAGED, OTHER, ENDED = "cluster-x-1", "cluster-y-1", "cluster-z-1"
GATE = "download/approve"
# Which rows of a table are of different kinds.
KINDS = {"outbox": "kind", "memory": "key", "reminders": "kind"}
TABLES = (
    "upgrades", "steps", "approvals", "memory", "ledger", "outbox", "audit", "schedules", "extensions", "holds",
    "reminders", "packs",
)  # fmt: skip
GARBLED = ("{garbled", -1e300)
# What is asked of the damaged upgrade alone may say that it can't be read.
OWN = ("its questions", "its audit")
# What says whether there is such an upgrade at all.
UNSEEN = ("upgrades.id", "upgrades.state")
# Loops that are about Slack and Google, or that only wait for something to read.
OUTSIDE = {"slack", "search", "people", "outbox", "homes", "steps", "settings"}


@dataclass(frozen=True)
class Bench:
    """A bot over a journal with two upgrades, what it does by itself, and how the journal stood."""

    bot: wiring.Bot
    clock: HandClock
    acts: Mapping[str, Callable[[], object]]
    whole: sqlite3.Connection

    @property
    def file(self) -> sqlite3.Connection:
        """The bot's own connection."""
        connection: sqlite3.Connection = self.bot.store._db.conn
        return connection

    def restore(self) -> None:
        """Put the journal back to what it was; each look of every so often is due again."""
        self.whole.backup(self.file)
        self.clock.advance(7201)

    def list_faults(self) -> list[str]:
        """What of all that the bot does by itself fails now, or is known of the other upgrade no more."""
        found = []
        for name, act in self.acts.items():
            try:
                act()
            except RowUnreadable as fault:
                found += [] if name in OWN else [f"{name}: {fault}"]
            except Exception as fault:  # noqa: BLE001 - whatever it is ends a thread of the bot
                found.append(f"{name}: {type(fault).__name__}: {fault}")
        return found + ([self.bot.store.broken] if self.bot.store.broken else [])

    def list_shown(self) -> set[str]:
        """Which upgrades people see."""
        return {view.id for view in self.bot.views.list_open()}


def fill(folder: Path, clock: HandClock) -> None:
    """Two upgrades that ask, with a row of each kind."""
    engine = build_engine(folder, {GATE: ask_first}, clock)
    for key in ("cluster-x", "cluster-y", "cluster-z"):
        engine.add_upgrade([GATE, "validate/run"], key)
    engine.runner.turn()
    for upgrade in (DAMAGED, OTHER):
        fill_upgrade(engine, upgrade)
    clock.advance(120)
    engine.reminders.tick()
    for upgrade in (DAMAGED, OTHER):
        remind(engine, upgrade, "again")
    clock.advance(120)
    pack_ended(engine)
    engine.store.close()


def pack_ended(engine: Engine) -> None:
    """One that ended long ago, with nothing left to say."""
    long_ago = (engine.clock.now() - 2 * QUIET).timestamp()
    with engine.store.transact() as db:
        ended = "update upgrades set state = 'aborted', due = null, created_at = ?, ended_at = ? where id = ?"
        db.execute(ended, [long_ago, long_ago, ENDED])
        db.execute("update approvals set state = 'expired' where upgrade = ?", [ENDED])
        db.execute("update outbox set sent_revision = revision, created_at = ? where upgrade = ?", [long_ago, ENDED])
    assert Packing(engine.store, lambda: 10**9).pack(ENDED, engine.clock.now())


def remind(engine: Engine, upgrade: str, step: str = "") -> None:
    """One that is due in a minute."""
    now = engine.clock.now()
    due, moment = now + timedelta(minutes=1), now + timedelta(minutes=16)
    engine.schedules.add_reminders([Reminder(0, upgrade, "ends", due, moment, step)])


def fill_upgrade(engine: Engine, upgrade: str) -> None:
    """What a person scheduled and extended, what holds it, what it remembers, and a pod."""
    now = engine.clock.now()
    remind(engine, upgrade)
    appointment = Appointment(now + timedelta(hours=1), now + timedelta(hours=300), "UTC")
    engine.schedules.set_appointment(upgrade, appointment, ANA, now)
    engine.schedules.add_extension(upgrade, now + timedelta(hours=2), ANA, "why", now)
    engine.schedules.put_hold(upgrade, GATE, "why", now + timedelta(hours=1), now)
    engine.journal.record_entries(
        upgrade, [LedgerEntry(uid="u", namespace="shop", pod="p", workload="shop/Deployment/web", state="manual")]
    )
    engine.journal.remember(upgrade, LEASE, KeptLease(now))
    engine.journal.remember(upgrade, BINDING, OwnBinding("binding", ours=True))
    engine.journal.remember(upgrade, NODES, 4)


def list_acts(served: serving.Serving, clock: HandClock) -> dict[str, Callable[[], object]]:
    """What the bot's threads do, and what people and Prometheus read of all upgrades, and of the damaged one."""
    bot = served.bot
    journal, outbox, schedules, views = bot.journal, bot.outbox, bot.schedules, bot.views
    signs = serving.read_signs(bot, served.front)
    registry = build_registry(journal, outbox, clock, bot.keeper.find_window, signs)
    loops = {loop.name: loop._work for loop in served._loops if loop.name not in OUTSIDE}
    ticks = {f"tick {number}": tick for number, tick in enumerate(bot.ticks)}
    return {
        **loops,
        **ticks,
        "steps": bot.runner.turn,
        "reminders": bot.reminders.tick,
        "settling": bot.upgrades.settle_clicks,
        "held": bot.keeper.wake_held,
        "metrics": lambda: list(registry.collect()),
        "troubles": views.list_troubles,
        "failing": views.list_failing_channels,
        "views": lambda: [views.read_view(one) for one in (DAMAGED, OTHER, ENDED)],
        "told": lambda: [outbox.list_told(one) for one in (DAMAGED, OTHER, ENDED, "")],
        "history": lambda: describe_history([views.build_view(row) for row in journal.list_upgrades()], ()),
        "unsent": lambda: outbox.list_unsent(clock.now()),
        "reminders unsent": outbox.list_unsent_reminders,
        "next message": lambda: outbox.find_next_due(clock.now()),
        "notices": outbox.list_notices,
        "upgrades": journal.list_upgrades,
        "reminders of it": lambda: schedules.list_reminders(DAMAGED),
        "scheduled": lambda: schedules.list_scheduled(clock.now()),
        "its questions": lambda: journal.list_questions(DAMAGED),
        "its audit": lambda: journal.list_audit(DAMAGED),
    }


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bot for all, whose journal is put back after each damage."""
    folder, clock = tmp_path_factory.mktemp("garbled"), HandClock()

    def away(_address: object) -> NoReturn:
        raise TryAgain("the cluster is away")

    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("SLACK_", "ASM_UPGRADE_")):
                patch.delenv(name)
        for name, value in describe_bot(folder).items():
            patch.setenv(name, value)
        patch.setattr(wiring, "open_key", lambda _asked: KEY)
        patch.setattr(wiring, "build_ports_for", lambda *_given: away)
        patch.setattr(serving, "SystemClock", lambda: clock)
        fill(folder / "state", clock)
        served = serving.Serving(read_settings(), Event(), Event(), 0.0)
        whole = sqlite3.connect(":memory:")
        made = Bench(served.bot, clock, list_acts(served, clock), whole)
        made.file.execute("pragma synchronous = off")
        made.file.backup(whole)
        yield made
    served.bot.store.close()
    whole.close()


def test_all_goes_well_where_nothing_is_damaged(bench: Bench) -> None:
    """Otherwise the others would prove nothing."""
    bench.restore()
    assert bench.list_faults() == []


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_row_stands_in_the_way_of_nothing_else(bench: Bench, table: str) -> None:
    """No thread of the bot ends by it, all upgrades are shown, and what can't be read is said in one sentence."""
    columns = {str(one[1]): str(one[2]).lower() for one in bench.whole.execute(f"pragma table_info({table})")}
    kind = f"group by {KINDS[table]}" if table in KINDS else ""
    rows = [row for (row,) in bench.whole.execute(f"select min(rowid) from {table} {kind}")]
    damaged = 0
    for column, form in columns.items():
        for row in rows:
            for garbled in GARBLED[: 1 if form in ("text", "blob") else 2]:
                bench.restore()
                try:
                    bench.file.execute(f'update {table} set "{column}" = ? where rowid = ?', [garbled, row])
                except sqlite3.IntegrityError:  # SQLite keeps such a row out
                    bench.file.rollback()
                    continue
                bench.file.commit()
                damaged += 1
                assert bench.list_faults() == [], f"{table}.{column} = {garbled!r}"
                shown = {OTHER} if f"{table}.{column}" in UNSEEN else {DAMAGED, OTHER}
                assert shown <= bench.list_shown(), f"{table}.{column} = {garbled!r}"
    assert damaged
