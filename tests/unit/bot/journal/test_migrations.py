"""Migrations are final once they are on main: what each does is written down here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.journal.journal import Journal
from bot.journal.migrations import build_migrations
from bot.journal.store import Store, StoreBroken
from tests.unit.bot.keys import KEY

# Name and hash of each migration in order. One that is here is never changed; a new one is added at the end of both.
LANDED = (
    ("create_upgrades", "106b621f2c6ca552ae1b81aa205bbece"),
    ("create_steps", "78af09d8577ae9f2e462b18102620ea3"),
    ("create_approvals", "ce3bfd79e41f7a03231d594e9b83e09a"),
    ("create_memory", "a2c672a0c28695f86f9fa101c9d1ea4f"),
    ("create_ledger", "b5d515f76e7e5559c4f33678078ae657"),
    ("create_clicks", "d66083eb35114b59d38b1063137d9f82"),
    ("create_outbox", "c5a95164eaff427c248cef3ca624ba1a"),
    ("create_audit", "df3312b930d8346c706e9f65e64d68e9"),
    ("create_consents", "b55cb92e76fc331eb44bdf5c78d0be74"),
    ("create_schedules", "6d66f220c36a52ffc83d24e4b9b51a80"),
    ("create_reminders", "4b312bb8e3fcb84eaa6282fd3d1b22d2"),
    ("create_presence", "fcf502078c9766d81c1be9a7eb42bb6e"),
    ("chain_audit", "0227166b7578199744e6848bcd685ce0"),
    ("add_proofs", "d84a59365986c6a5a6eb5158812b1328"),
    ("create_deliveries", "ac68cedfb0e60ed0dddeb5b0810d8ef2"),
    ("add_terms", "e11380545be549e54188efd7bc9209b5"),
    ("add_identity", "0363e2856d01a2591a997f12e0449315"),
    ("prove_grounds", "1a5f59d1135b527c8a89fe9cfe0353a3"),
    ("add_indexes", "2ab62e2ad0a1bcf9452e88fc30919c44"),
    ("link_returns", "4cb31e2c1c5278d537f7fc8f8157b6f4"),
    ("prove_times", "23ac345400849ea8649abb645bdda625"),
    ("index_threads", "ada298a5b5ae2cd1824399eceffbe75c"),
    ("create_put_away", "63feb1120837633a75101ceb0a2dd06e"),
    ("keep_local_times", "7ca7b3b87af2972c26f04c18c69be146"),
    ("index_waiting", "63c836974232de2db231114600d4bf74"),
    ("create_packs", "c2c72b1bffdbad76b4c44534df7e0097"),
)


def list_migrations() -> Iterator[tuple[str, str]]:
    """Name and hash of what each migration executes; layout makes no difference."""
    with closing(Database(memory=True)) as db:
        for migration in build_migrations().pending(db):
            said: list[str] = []
            db.conn.set_trace_callback(said.append)
            migration.fn(db)
            db.conn.set_trace_callback(None)
            yield migration.name, hash_statements(said)


def hash_statements(statements: list[str]) -> str:
    """The first half of the SHA-256 of statements without their layout."""
    return hashlib.sha256("\n".join(" ".join(said.split()) for said in statements).encode()).hexdigest()[:32]


def test_what_a_landed_migration_does_never_changes() -> None:
    """A journal that is out there has run it already: a change is a new migration at the end."""
    assert tuple(list_migrations())[: len(LANDED)] == LANDED


def test_a_new_migration_is_written_down() -> None:
    """Add what this prints to LANDED, once the migration does what it should."""
    assert tuple(list_migrations())[len(LANDED) :] == ()


def test_layout_makes_no_difference() -> None:
    """A formatter may indent what a migration says."""
    assert hash_statements(["create  table\n a (b)"]) == hash_statements(["create table a (b)"])
    assert hash_statements(["create table a (b)"]) != hash_statements(["create table a (c)"])


@pytest.mark.parametrize("count", range(len(LANDED)))
def test_an_earlier_schema_is_brought_up_to_date(count: int, tmp_path: Path) -> None:
    """A journal that has run only the first migrations opens, and runs the rest."""
    path = tmp_path / "asm-upgrade.db"
    build_migrations().apply(db := Database(path), stop_before=LANDED[count][0])
    db.close()
    store = Store(path, KEY)
    assert Journal(store).list_upgrades() == []
    store.close()
    with closing(Database(path)) as db:
        assert [migration.name for migration in build_migrations().applied(db)] == [name for name, _ in LANDED]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_start_that_fails_leaves_the_journal_as_it_was(count: int, tmp_path: Path) -> None:
    """All that is missing is migrated at once, or nothing is."""
    path = tmp_path / "asm-upgrade.db"
    db = Database(path)
    build_migrations().apply(db, stop_before=LANDED[count][0])
    db.table("deliveries").insert({"in": "the way"})
    before = sorted(table.name for table in db.tables)
    with pytest.raises(StoreBroken):
        Store(path, KEY)
    assert sorted(table.name for table in db.tables) == before
    assert [migration.name for migration in build_migrations().applied(db)] == [name for name, _ in LANDED[:count]]
    db.close()
