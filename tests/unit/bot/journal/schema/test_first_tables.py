"""What the first version made, as later ones find it."""

from __future__ import annotations

from contextlib import closing

from sqlite_utils import Database

from bot.journal.migrations import build_migrations


def test_every_table_of_the_first_version_is_there() -> None:
    """Whatever later ones added to them; none was taken away."""
    with closing(Database(memory=True)) as db:
        build_migrations().apply(db)
        first = {"upgrades", "steps", "approvals", "memory", "ledger", "clicks", "outbox", "audit", "consents"}
        assert first | {"schedules", "reminders", "presence"} <= set(db.table_names())
