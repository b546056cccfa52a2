"""SQL reads what is packed; what somebody did to a pack is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from bot.journal.grounds import GroundsReader
from bot.journal.journal import Journal, JournalView
from bot.journal.outbox import Outbox
from bot.journal.packs import views
from bot.journal.packs.forms import Columns, KnownColumn, Pack, list_rows, read_pack, write_pack
from bot.journal.packs.views import Unpacked, find_columns
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import Chains, verify_journal
from steps.notes.prepare import NODES
from tests.unit.bot.journal.packs.shelves import UPGRADE, pack_all, read_everything, read_rows
from tests.unit.bot.keys import KEY


@pytest.fixture
def packed(store: Store) -> Store:
    """The same journal, packed."""
    assert pack_all(store) == [UPGRADE]
    return store


def forge(store: Store, table: str, name: str, old: str, new: str) -> None:
    """Write another pack whose cells say something else."""
    ((body,),) = store.read_values("select kept from packs")
    pack = read_pack(body, find_columns(store.read_values))
    rows = {other: [dict(row) for row in list_rows(packed)] for other, packed in pack.items()}
    for row in rows[table]:
        row[name] = new if row[name] == old else row[name]
    with store.transact() as db:
        db.execute("update packs set kept = ?", [write_pack(rows)])


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


HALVES = {"kept": ("memory", "ledger", "approvals", "steps"), "told": ("outbox",)}


@pytest.mark.parametrize("part", HALVES)
def test_a_pack_that_can_not_be_read_is_told_and_ends_nothing(packed: Store, part: str) -> None:
    """It stays for whoever repairs it; what stands is read and written, and counts as what the bot did not write."""
    with packed.transact() as db:
        db.execute(f"update packs set {part} = x'ff'")
    faults = verify_journal(Chains(packed)).faults
    assert any(fault.startswith(f"{UPGRADE}: what was packed of it can't be read: ") for fault in faults)
    Outbox(packed).touch_message(UPGRADE, "root")
    assert packed.broken == ""
    assert packed.read_values(f"select {part} from packs") == [(b"\xff",)]
    assert "what was packed of it, which can't be read" in GroundsReader(packed).read(UPGRADE).faults


@pytest.mark.parametrize("part", HALVES)
def test_each_half_of_a_pack_stands_by_itself(packed: Store, part: str) -> None:
    """What of an upgrade can be read is written as ever, and what is repaired later stands beside it."""
    rows, whole = read_rows(packed), packed.read_values(f"select {part} from packs")[0]
    with packed.transact() as db:
        db.execute(f"update packs set {part} = x'ff'")
    with structlog.testing.capture_logs() as logs, packed.change(UPGRADE):
        pass
    assert "pack_unreadable" in [one["event"] for one in logs]
    standing = read_rows(packed)
    for other, tables in HALVES.items():
        assert [standing[table] == rows[table] for table in tables] == [other != part] * len(tables)
    with packed.transact() as db:
        db.execute(f"update packs set {part} = ?", whole)
    assert read_rows(packed) == rows
    with packed.change(UPGRADE):
        pass
    assert (read_rows(packed), packed.read("select * from packs")) == (rows, [])


BESIDE = {
    "a note": "insert into memory (upgrade, key, value) values ('cluster-x-1', 'prepare/identity', '1')",
    "a step": "insert into steps (upgrade, step, started_at, seen_at) values ('cluster-x-1', 'prepare/identify', 1, 1)",
    "a message with another's number": "insert into outbox (seq, id, upgrade, kind, channel, body, created_at) "
    "values ((select min(seq) from whole_outbox where kind = 'file'), 'x', 'cluster-x-2', 'file', 'C0', '{}', 1)",
    "a message with another's id": "insert into outbox (id, upgrade, kind, channel, body, created_at) "
    "values ((select id from whole_outbox where kind = 'file'), 'cluster-x-2', 'file', 'C0', '{}', 1)",
    "a message in another's place": "insert into outbox (id, upgrade, slot, kind, channel, body, created_at) "
    "values ('x', 'cluster-x-1', 'card:access/approve:1', 'gate', 'C0', '{}', 1)",
}


@pytest.mark.parametrize("what", BESIDE)
def test_a_row_beside_a_pack_takes_no_packed_ones_place(packed: Store, what: str) -> None:
    """The bot writes none: what it packed stays, and both the log and `verify` tell of it."""
    rows = read_rows(packed)
    with packed.transact() as db:
        forged = db.execute(BESIDE[what]).lastrowid
    with structlog.testing.capture_logs() as logs, packed.change(UPGRADE):
        pass
    assert [one["event"] for one in logs] == ["pack_not_unpacked"]
    table = BESIDE[what].split()[2]
    fault = f"{UPGRADE}: rows of {table} stand beside the same ones that are packed"
    assert fault in verify_journal(Chains(packed)).faults
    with packed.transact() as db:
        db.execute(f"delete from {table} where rowid = ?", [forged])
    with packed.change(UPGRADE):
        pass
    assert (read_rows(packed), packed.read("select * from packs")) == (rows, [])


def test_a_pack_whose_rows_can_not_stand_stays(packed: Store) -> None:
    """None of them is lost for another's sake."""
    ((body,),) = packed.read_values("select kept from packs")
    pack = read_pack(body, find_columns(packed.read_values))
    steps = [{**row, "sentence": None} for row in list_rows(pack["steps"])]
    forged = write_pack({"memory": list_rows(pack["memory"]), "steps": steps})
    with packed.transact() as db:
        db.execute("update packs set kept = ?", [forged])
    with packed.change(UPGRADE):
        pass
    assert packed.read_values("select kept from packs") == [(forged,)]
    assert packed.read("select * from memory") == []


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


def test_a_count_of_packed_pods_reads_none_of_them(
    packed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home counts those of each cluster's last upgrade after each change of the journal."""
    counted = Journal(packed).count_ledger(UPGRADE)
    monkeypatch.setattr(Unpacked, "read_cell", lambda *_told: pytest.fail("a cell was read"))
    with closing(StoredCopy(tmp_path / "asm-upgrade.db")) as copy:
        assert JournalView(copy).count_ledger(UPGRADE) == counted == {"manual": 2, "upgraded": 56}


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


class Reader:
    """Counts which packs are decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded: list[object] = []
        monkeypatch.setattr(views, "read_pack", self.read)

    def read(self, body: object, known: Columns) -> Pack:
        """As the pack says."""
        self.decoded.append(body)
        return read_pack(body, known)


def test_the_packs_of_a_fleet_are_known_at_once(packed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no change of the journal has all of them decoded again: 150 clusters of as many pods as this one's."""
    ((kept,),) = packed.read_values("select kept from packs")
    reader, unpacked = Reader(monkeypatch), Unpacked(find_columns(packed.read_values))
    for _ in range(2):
        for number in range(150):
            unpacked.list_places(str(number), kept, "memory")
    assert len(reader.decoded) == 150


def test_known_packs_take_no_more_than_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten and read again; the last one is known however large it is."""
    monkeypatch.setattr(views, "MOST_KNOWN", {"kept": 0, "told": 8 * 2**16})
    large = {size: write_pack({"outbox": [{"seq": size, "body": "x" * (size * 2**16)}]}) for size in (1, 2, 5, 12)}
    reader, unpacked = Reader(monkeypatch), Unpacked({"outbox": {"seq": KnownColumn(), "body": KnownColumn()}})
    for size in (1, 2, 5, 2, 1, 12, 12, 1):
        unpacked.list_places(str(size), large[size], "outbox")
    assert reader.decoded == [large[size] for size in (1, 2, 5, 1, 12, 1)]


def test_more_packs_are_read_than_are_known_at_once(packed: Store) -> None:
    """The oldest are forgotten and read again."""
    with packed.transact() as db:
        db.execute("pragma defer_foreign_keys = on")
        for number in range(66):
            db.execute(
                "insert into packs select ?, at, kept, told from packs where upgrade = ?", [f"x-{number}", UPGRADE]
            )
        counted = "select upgrade, count(*) as n from whole_ledger group by upgrade"
        assert len({row["n"] for row in packed.read(counted)}) == 1
        db.execute("delete from packs where upgrade <> ?", [UPGRADE])
