"""A journal of each earlier schema, with rows in it, is opened, brought up to date and read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.clock import SystemClock
from bot.journal.journal import Journal
from bot.journal.migrations import build_migrations
from bot.journal.outbox import Outbox
from bot.journal.store import Store
from bot.schedule.tables import Schedules
from bot.telling.views import Views
from tests.journals.frames import load_scripts
from tests.journals.rows import build_journal
from tests.unit.bot.keys import KEY

# Rows for nearly every table; tables that the schema has not yet are left out.
FRAME = "scheduled-snoozed-and-moved"
with closing(Database(memory=True)) as empty:
    NAMES = [migration.name for migration in build_migrations().pending(empty)]


def build_earlier(path: Path, stop_before: str) -> None:
    """A journal that has run the migrations before this one, filled."""
    with closing(Database(path)) as db, closing(build_journal(load_scripts(FRAME))) as frozen:
        build_migrations().apply(db, stop_before=stop_before)
        build_migrations().apply(Database(frozen))
        fill_tables(db, frozen)


def fill_tables(db: Database, frozen: sqlite3.Connection) -> None:
    """The rows of the frozen journal, as far as the other one has their tables and columns."""
    for table in db.table_names():
        if table == "_sqlite_migrations":
            continue
        names = ", ".join(f'"{column.name}"' for column in db[table].columns)
        rows = frozen.execute(f"select {names} from {table}").fetchall()
        db.conn.executemany(f"insert into {table} values ({', '.join('?' * len(db[table].columns))})", rows)
    db.conn.commit()


@pytest.mark.parametrize("stop_before", NAMES[NAMES.index("create_steps") :])
def test_a_journal_of_an_earlier_schema_is_read(stop_before: str, tmp_path: Path) -> None:
    """Nothing of it is lost, and what it has not yet is empty."""
    path = tmp_path / "asm-upgrade.db"
    build_earlier(path, stop_before)
    store = Store(path, KEY)
    journal = Journal(store)
    (row,) = journal.list_upgrades()
    assert Views(journal, SystemClock()).read_view(row.id).state == "asking"
    run = NAMES[: NAMES.index(stop_before)]
    assert bool(journal.list_questions(row.id)) == ("create_approvals" in run)
    assert bool(journal.recall_json(row.id, "prepare/identity")) == ("create_memory" in run)
    assert bool(Outbox(store).read_thread(row.id)[1]) == ("create_outbox" in run)
    assert bool(Schedules(store).list_reminders(row.id)) == ("create_reminders" in run)
    store.close()
