"""SQL reads what is packed; what somebody did to a pack is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.journal.grounds import GroundsReader
from bot.journal.journal import Journal
from bot.journal.outbox import Outbox
from bot.journal.packs.forms import PackedTable, read_pack, restore_cell, write_pack
from bot.journal.packs.views import MOST_KNOWN
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import Chains, verify_journal
from steps.notes.prepare import NODES
from tests.unit.bot.journal.packs.shelves import UPGRADE, pack_all, read_everything
from tests.unit.bot.keys import KEY


@pytest.fixture
def packed(store: Store) -> Store:
    """The same journal, packed."""
    assert pack_all(store) == [UPGRADE]
    return store


def forge(store: Store, table: str, name: str, old: str, new: str) -> None:
    """Write another pack whose cells say something else."""
    ((body,),) = store.read_values("select kept from packs")
    rows = {other: list_rows(packed) for other, packed in read_pack(body).items()}
    for row in rows[table]:
        row[name] = new if row[name] == old else row[name]
    with store.transact() as db:
        db.execute("update packs set kept = ?", [write_pack(rows)])


def list_rows(table: PackedTable) -> list[dict[str, object]]:
    """A packed table's rows."""
    return [dict(zip(table.names, map(restore_cell, cells), strict=True)) for cells in zip(*table.columns, strict=True)]


def test_a_note_that_was_changed_in_a_pack_is_found(packed: Store) -> None:
    """As one is that was changed in its row: its proof is in the pack with it."""
    assert GroundsReader(packed).read(UPGRADE).faults == ()
    forge(packed, "memory", "value", str(Journal(packed).recall(UPGRADE, NODES)), "77")
    assert GroundsReader(packed).read(UPGRADE).faults == (f"the notes {NODES.key}",)


def test_a_decision_that_was_changed_in_a_pack_is_found(packed: Store) -> None:
    """By whoever verifies the journal."""
    before = verify_journal(Chains(packed)).faults
    forge(packed, "approvals", "choice", "approve", "deny")
    assert any("the approvals have deny" in fault for fault in set(verify_journal(Chains(packed)).faults) - set(before))


@pytest.mark.parametrize("part", ["kept", "told"])
def test_a_pack_that_can_not_be_read_is_told_and_ends_nothing(packed: Store, part: str) -> None:
    """It stays for whoever repairs it; what stands is read and written."""
    with packed.transact() as db:
        db.execute(f"update packs set {part} = x'ff'")
    assert f"{UPGRADE}: what was packed of it can't be read" in verify_journal(Chains(packed)).faults
    Outbox(packed).touch_message(UPGRADE, "root")
    assert packed.broken == ""
    assert len(packed.read("select * from packs")) == 1
    faults = GroundsReader(packed).read(UPGRADE).faults
    assert bool(faults) == (part == "kept")


def test_a_copy_reads_what_is_packed(packed: Store, tmp_path: Path) -> None:
    """Commands beside the bot open the file for themselves, read-only."""
    told = read_everything(packed)
    with closing(StoredCopy(tmp_path / "asm-upgrade.db")) as copy:
        assert verify_journal(Chains(copy)) == told[0]
        rows = copy.read("select value from whole_memory where upgrade = ? and key = ?", [UPGRADE, NODES.key])
        assert len(rows) == 1


def test_a_journal_without_packs_is_read(store: Store, tmp_path: Path) -> None:
    """A command may be newer than the bot that has the journal."""
    store.close()
    with closing(sqlite3.connect(tmp_path / "asm-upgrade.db")) as db:
        db.execute("drop table packs")
        db.commit()
    with closing(StoredCopy(tmp_path / "asm-upgrade.db")) as copy:
        assert copy.read("select count(*) as n from whole_memory")[0]["n"] > 50
        assert not any("packed" in fault for fault in verify_journal(Chains(copy)).faults)


def test_a_column_that_came_later_has_its_default(packed: Store, tmp_path: Path) -> None:
    """As rows that stand have it."""
    packed.close()
    with closing(sqlite3.connect(tmp_path / "asm-upgrade.db")) as db:
        db.execute("alter table ledger add column later text not null default 'none yet'")
        db.execute("alter table ledger add column number integer")
        db.commit()
    with closing(Store(tmp_path / "asm-upgrade.db", KEY)) as store:
        rows = store.read("select distinct later, number from whole_ledger where upgrade = ?", [UPGRADE])
        assert rows == [{"later": "none yet", "number": None}]
        with store.change(UPGRADE):
            pass
        assert store.read("select distinct later, number from ledger") == rows


def test_more_packs_are_read_than_are_known_at_once(packed: Store) -> None:
    """The oldest are forgotten and read again."""
    with packed.transact() as db:
        db.execute("pragma defer_foreign_keys = on")
        for number in range(MOST_KNOWN["kept"] + 2):
            db.execute(
                "insert into packs select ?, at, kept, told from packs where upgrade = ?", [f"x-{number}", UPGRADE]
            )
        counted = "select upgrade, count(*) as n from whole_ledger group by upgrade"
        assert len({row["n"] for row in packed.read(counted)}) == 1
        db.execute("delete from packs where upgrade <> ?", [UPGRADE])
