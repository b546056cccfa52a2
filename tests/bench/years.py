"""What a person or Slack waits for beside 10,000 upgrades that have ended, each as one of 56 pods really ends."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.app.wiring import build_packs, build_pen
from bot.clicks.orders import ReadStatus
from bot.journal.bodies import MilestoneBody
from bot.journal.store import Row, Store
from bot.retention.packing import QUIET
from bot.slack.drawing.home import draw_home
from tests.bench.findings import Finding
from tests.scenarios.rig import ANA, BEN, Rig, open_world

TITLE = "Beside 10,000 upgrades that have ended"
UPGRADES = 10_000
CLUSTERS = 50
ROUNDS = 15
BOUND = 20.0
# What is kept of an upgrade beside its own row, and what came of people's orders about it, packed or not.
TABLES = ("packs", "steps", "approvals", "memory", "ledger", "audit", "outbox", "ends", "reminders")
ORDERS = {"outbox": "kind = 'answer'", "clicks": "1"}


def measure() -> list[Finding]:
    """Least of some rounds, of the processor's time of the thread that does it, as others use the machine too."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder) / "world") as world:
        rig = Rig(world)
        rig.command(ANA, "start cluster-x")
        rig.upgrade_all(BEN)
        rig.deliver()
        world.clock.advance(QUIET.total_seconds() + 60)
        build_packs(world.settings, rig.bot.store, world.clock).turn()
        before = measure_pages(rig.bot.store)
        fill(rig.bot.store)
        grown = (measure_pages(rig.bot.store) - before) / UPGRADES / 1000
        world.clock.advance(400)
        rig.command(ANA, "start cluster-x")
        findings = [time_work(what, work) for what, work in list_work(rig).items()]
        rig.crash()
    how = "of 56 pods, pages of the file"
    return [*findings, Finding("the journal grows for an upgrade by", grown, "kB", 60, how=how)]


def list_work(rig: Rig) -> dict[str, Callable[[], object]]:
    """What is waited for."""
    bot = rig.bot

    def post() -> None:
        bot.outbox.add_message("cluster-x-1", "C0MESHOPS1", MilestoneBody("said"), rig.world.clock.now())
        rig.world.clock.advance(5)
        bot.announcer.turn()

    pen = build_pen(bot.fleet, bot.journal)

    def draw() -> None:
        draw_home(bot.fleet.list_clusters(BEN), pen, (), bot.fleet.read_agenda()).to_dict()

    return {
        "status": lambda: bot.fleet.describe(ReadStatus(""), BEN),
        "Home, calendar included": draw,
        "calendar": bot.fleet.read_agenda,
        "a post": post,
        "what is due": lambda: bot.journal.list_due(rig.world.clock.now()),
    }


def time_work(what: str, work: Callable[[], object]) -> Finding:
    """Milliseconds."""
    times = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        work()
        times.append((time.thread_time() - begun) * 1000)
    return Finding(what, min(times), "ms", BOUND, how=f"least of {ROUNDS}")


def fill(store: Store) -> None:
    """Give the upgrade that has ended as many twins, over some clusters."""
    (found,) = store.read("select id, number from upgrades")
    rows = {table: store.read(f"select * from {table} where upgrade = ?", [found["id"]]) for table in TABLES}
    orders = {table: store.read(f"select * from {table} where {which}") for table, which in ORDERS.items()}
    upgrades = store.read("select * from upgrades")
    with store.transact() as db:
        for twin in range(UPGRADES):
            cluster = f"cluster-{twin % CLUSTERS}"
            changes = {"id": f"{cluster}-{twin}", "cluster": cluster, "number": twin, "created_at": 1e9 + twin}
            add(db.conn, "upgrades", [{**row, **changes, "ended_at": 1e9 + twin + 600} for row in upgrades])
            for table, own in rows.items():
                add(db.conn, table, [rename(row, changes["id"], twin) for row in own])
            for table, own in orders.items():
                add(db.conn, table, [rename(row, row.get("upgrade"), twin) for row in own])


def rename(row: Row, upgrade: object, twin: int) -> Row:
    """A row of the twin's, without the numbers that the journal gives."""
    given = {"upgrade": upgrade, "id": f"{str(row.get('id'))[:24]}{twin:08d}"}
    given |= {"created_at": 1e9 + twin, "received_at": 1e9 + twin}
    return {name: given.get(name, told) for name, told in row.items() if name != "seq"}


def add(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    """Insert rows."""
    if rows:
        names, marks = ", ".join(f'"{name}"' for name in rows[0]), ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into {table} ({names}) values ({marks})", [tuple(row.values()) for row in rows])


def measure_pages(store: Store) -> int:
    """The bytes of the journal's file."""
    return int(store.read("pragma page_count")[0]["page_count"]) * 4096
