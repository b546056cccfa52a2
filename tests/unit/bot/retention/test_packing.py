"""What has ended is packed, and nobody who reads or writes it can tell."""

from __future__ import annotations

import inspect
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.journal.audit import Paused
from bot.journal.bodies import Body, FinishedBody, MilestoneBody, RootBody
from bot.journal.grounds import GroundsReader
from bot.journal.journal import Journal
from bot.journal.outbox import Leaving, Outbox, name_card
from bot.journal.packs import forms
from bot.journal.packs.forms import PARTS, BadPack, Rows, write_pack
from bot.journal.rows import Question, UpgradeRow
from bot.journal.store import Store
from bot.retention.packing import QUIET, Packing
from bot.retention.parcels import Parcel
from bot.retention.past import Past
from bot.schedule.tables import Schedules
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Blocked
from steps.notes.prepare import NODES
from tests.unit.bot.journal.packs.shelves import (
    FRAMES,
    LATER,
    UPGRADE,
    open_ended,
    pack_all,
    read_everything,
    read_rows,
    read_standing,
)
from tests.unit.bot.keys import KEY

NEW = LedgerEntry("uid", "shop", "cart-1", "Deployment/cart", "upgraded")
CARD = name_card("access/approve", 1)
BEGAN = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_packed_upgrade_reads_as_before(frame: str, tmp_path: Path) -> None:
    """Every row, and all that is told of them."""
    with closing(open_ended(frame, tmp_path)) as store:
        rows, told = read_rows(store), read_everything(store)
        assert pack_all(store) == [row.id for row in reversed(Journal(store).list_upgrades())]
        assert store.read("select upgrade from memory") == []
        assert (read_rows(store), read_everything(store)) == (rows, told)


@pytest.mark.parametrize("frame", FRAMES)
def test_an_unpacked_upgrade_stands_as_before(frame: str, tmp_path: Path) -> None:
    """Cell by cell, each with its type, its order and its number."""
    with closing(open_ended(frame, tmp_path)) as store:
        standing = read_standing(store)
        for upgrade in pack_all(store):
            with store.change(upgrade):
                pass
        assert read_standing(store) == standing
        assert store.read("select * from packs") == []


def find_row(store: Store) -> UpgradeRow:
    """The upgrade's row."""
    row = Journal(store).find_upgrade(UPGRADE)
    assert row is not None
    return row


def find_question(store: Store) -> Question:
    """The first question that it asked."""
    return Journal(store).list_questions(UPGRADE)[0]


def hide_button(body: Body) -> Body:
    """A report that changed."""
    assert isinstance(body, FinishedBody)
    return replace_sentence(body)


def replace_sentence(body: FinishedBody) -> FinishedBody:
    """The same with another sentence."""
    return FinishedBody("other", body.card, body.result, body.source, body.target, body.pods)


DOORS: dict[str, Callable[[Store], object]] = {
    "Journal.change_upgrade": lambda store: Journal(store).change_upgrade(UPGRADE, sentence="other"),
    "Journal.record_step": lambda store: Journal(store).record_step(
        UPGRADE, "prepare/identify", "Done", "again", LATER, ended=True
    ),
    "Journal.open_question": lambda store: Journal(store).open_question(
        find_row(store), 99, Blocked("why", "remedy"), LATER, None
    ),
    "Journal.decide_question": lambda store: Journal(store).decide_question(
        find_question(store), "approve", "U0BEN", "", LATER
    ),
    "Journal.add_consent": lambda store: Journal(store).add_consent(find_question(store), "approve", "U0BEN", LATER),
    "Journal.close_question": lambda store: Journal(store).close_question(UPGRADE, "voided"),
    "Journal.prolong_approvals": lambda store: Journal(store).prolong_approvals(
        UPGRADE, timedelta(hours=1), BEGAN, None
    ),
    "Journal.remember": lambda store: Journal(store).remember(UPGRADE, NODES, 77),
    "Journal.remember_json": lambda store: Journal(store).remember_json(UPGRADE, "prepare/new", 7),
    "Journal.revise_json": lambda store: Journal(store).revise_json(UPGRADE, NODES.key, 7),
    "Journal.record_entries": lambda store: Journal(store).record_entries(UPGRADE, [NEW]),
    "Journal.append": lambda store: Journal(store).append(UPGRADE, "U0BEN", Paused("a/b", ""), LATER),
    "Journal.close_chain": lambda store: Journal(store).close_chain(UPGRADE, LATER),
    "Outbox.add_message": lambda store: Outbox(store).add_message(UPGRADE, "C0", MilestoneBody("new"), LATER),
    "Outbox.keep_message": lambda store: Outbox(store).keep_message(UPGRADE, "C0", MilestoneBody("new"), LATER),
    "Outbox.put_message": lambda store: Outbox(store).put_message(UPGRADE, CARD, "C0", MilestoneBody("new"), LATER),
    "Outbox.amend_message": lambda store: Outbox(store).amend_message(UPGRADE, "finished", hide_button),
    "Outbox.leave_channel": lambda store: Outbox(store).leave_channel(
        UPGRADE, Leaving("C0MESHOPS1", "C0", "gone"), {"root": RootBody(left_for="C0")}, ["root"]
    ),
    "Outbox.touch_message": lambda store: Outbox(store).touch_message(UPGRADE, CARD),
    "Outbox.close_reminders": lambda store: Outbox(store).close_reminders(UPGRADE, ["approval"], "over"),
    "Outbox.close_asking": lambda store: Outbox(store).close_asking(UPGRADE, "access/approve", 1, "over"),
    "Past.unpack": lambda store: Past(store).unpack(UPGRADE),
    "GroundsReader.doubt": lambda store: GroundsReader(store).doubt(UPGRADE),
    "GroundsReader.believe": lambda store: GroundsReader(store).believe(UPGRADE, ""),
    "Past.put_away": lambda store: Past(store).put_away(UPGRADE, Parcel(Path("parcel"), "ab"), LATER),
    "Schedules.note_times": lambda store: Schedules(store).note_times(UPGRADE, LATER, None),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same journal twice, once packed."""
    folders = [tmp_path_factory.mktemp(name) for name in ("standing", "packed")]
    for number, folder in enumerate(folders):
        with closing(open_ended("plan-ended", folder)) as store:
            assert not number or pack_all(store) == [UPGRADE]
    return [folder / "asm-upgrade.db" for folder in folders]


@pytest.fixture
def store(files: list[Path], tmp_path: Path) -> Iterator[Store]:
    """The one that stands, for one test."""
    shutil.copytree(files[0].parent, tmp_path, dirs_exist_ok=True)
    with closing(Store(tmp_path / files[0].name, KEY)) as store:
        yield store


@pytest.mark.parametrize("door", DOORS)
def test_what_is_written_to_a_packed_upgrade_is_as_if_it_stood(door: str, files: list[Path], tmp_path: Path) -> None:
    """Whatever may come late: it is unpacked in the same transaction where that needs it."""
    found = []
    for file in files:
        place = tmp_path / file.parent.name
        shutil.copytree(file.parent, place)
        with closing(Store(place / file.name, KEY)) as store:
            answer = DOORS[door](store)
            found.append((answer if isinstance(answer, bool | list) else None, read_rows(store)))
    assert found[0] == found[1]


def test_every_door_is_tried() -> None:
    """Each public method that writes and is told which upgrade it is about."""
    reading = re.compile(r"(find|list|has|was|count|read|is|next|recall)_|read$|is_")
    doors = set()
    for kind in (Journal, Outbox, GroundsReader):
        for name, method in vars(kind).items():
            if name[0] != "_" and not reading.match(name) and inspect.isfunction(method):
                told = inspect.signature(method).parameters
                doors |= {f"{kind.__name__}.{name}"} if told.keys() & {"upgrade", "row", "question"} else set()
    assert doors - set(DOORS) == {"Journal.add_upgrade"}


UNREADY = {
    "not ended": "update upgrades set ended_at = null, state = 'running'",
    "just ended": f"update upgrades set ended_at = {(LATER - QUIET).timestamp() + 1}",
    "a message that Slack has not got": "update outbox set revision = revision + 1 where slot = 'root'",
    "a message of just now": f"update outbox set created_at = {(LATER - QUIET).timestamp() + 1} where slot = 'root'",
    "a question that is open": "update approvals set state = 'open' where generation = 1",
}


@pytest.mark.parametrize("why", UNREADY)
def test_what_something_is_expected_of_is_left_alone(why: str, store: Store) -> None:
    """It stays in rows, where it is found."""
    with store.transact() as db:
        db.execute(UNREADY[why])
    standing, packing = read_standing(store), Packing(store, lambda: 10**9)
    assert (packing.list_due(LATER, 1000), packing.pack(UPGRADE, LATER)) == ([], False)
    assert read_standing(store) == standing


SMALL_PACK = 2**20
UNPACKABLE = {
    "value has bytes": "update memory set value = x'ff' where key = 'prepare/identity'",
    "too large, with": f"update memory set value = printf('%.*c', {SMALL_PACK}, 'x') where key = 'prepare/source'",
}


@pytest.mark.parametrize("why", UNPACKABLE)
def test_what_would_not_come_out_of_a_pack_stays(why: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both halves are read back from the bytes that would be stored before any row goes."""
    monkeypatch.setattr(forms, "LARGEST_PACK", SMALL_PACK)
    with store.transact() as db:
        db.execute(UNPACKABLE[why])
    standing = read_standing(store)
    with pytest.raises(BadPack, match=why):
        Packing(store, lambda: 10**9).pack(UPGRADE, LATER)
    assert read_standing(store) == standing


@pytest.mark.parametrize("half", PARTS)
def test_rows_go_only_after_they_were_read_back(half: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whichever table one is lost."""
    standing = read_standing(store)

    def lose_one(tables: Mapping[str, Rows]) -> bytes:
        return write_pack({table: rows[1:] if table == half else rows for table, rows in tables.items()})

    monkeypatch.setattr(forms, "write_pack", lose_one)
    with pytest.raises(BadPack, match=f"{half} reads otherwise"):
        Packing(store, lambda: 10**9).pack(UPGRADE, LATER)
    assert read_standing(store) == standing


def test_nothing_is_packed_that_the_disk_may_not_take(store: Store) -> None:
    """What goes is written once more before its room comes back."""
    with pytest.raises(OSError, match="there is room for 9 bytes, and"):
        Packing(store, lambda: 9).pack(UPGRADE, LATER)
    assert store.read("select * from packs") == []


def test_packing_wakes_nobody_and_changes_nothing(files: list[Path], tmp_path: Path) -> None:
    """What was read of the journal stays as it was read; whatever else is committed is a change as ever."""
    shutil.copytree(files[0].parent, tmp_path, dirs_exist_ok=True)
    commits: list[int] = []
    with closing(Store(tmp_path / files[0].name, KEY, lambda: commits.append(1))) as store:
        before, commits[:] = store.count_changes(), []
        assert pack_all(store) == [UPGRADE]
        assert (store.count_changes(), commits) == (before, [])
        Outbox(store).touch_message(UPGRADE, CARD)
        assert store.count_changes() != before
        assert commits == [1]


def test_what_changed_meanwhile_is_not_packed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack is made outside of the transaction."""

    def write_slowly(tables: Mapping[str, Rows]) -> bytes:
        Journal(store).revise_json(UPGRADE, NODES.key, 88)
        return write_pack(tables)

    monkeypatch.setattr(forms, "write_pack", write_slowly)
    assert not Packing(store, lambda: 10**9).pack(UPGRADE, LATER)
    assert Journal(store).recall(UPGRADE, NODES) == 88
    assert store.read("select * from packs") == []


def test_a_pack_that_breaks_off_leaves_all_rows(store: Store) -> None:
    """One transaction holds both."""
    standing = read_standing(store)
    with store.transact() as db:
        db.execute("create trigger full before insert on packs begin select raise(abort, 'full'); end")
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        Packing(store, lambda: 10**9).pack(UPGRADE, LATER)
    assert read_standing(store) == standing


def test_what_is_asked_for_across_upgrades_stays(store: Store) -> None:
    """The root with its thread, what Slack will never get, and the last message, whose number is no other's."""
    with store.transact() as db:
        db.execute("update outbox set trouble = 'too long' where slot = 'card:access/approve:1'")
    (last,) = store.read("select max(seq) as seq from outbox where upgrade = ?", [UPGRADE])
    assert pack_all(store) == [UPGRADE]
    stay = store.read("select seq, slot from outbox where upgrade = ? order by seq", [UPGRADE])
    assert [row["slot"] for row in stay][:2] == ["root", CARD]
    assert [row["seq"] for row in stay][2:] == [last["seq"]]
    assert Outbox(store).count_given_up() == 1


@pytest.mark.parametrize("part", ["kept", "told"])
def test_nothing_is_put_away_that_can_not_be_read(part: str, store: Store) -> None:
    """Neither a parcel is certified that lacks it, nor does a row go."""
    assert pack_all(store) == [UPGRADE]
    with store.transact() as db:
        db.execute(f"update packs set {part} = x'ff'")
    rows, past = read_rows(store), Past(store)
    with pytest.raises(BadPack, match=f"what was packed of {UPGRADE} can't be read"):
        past.unpack(UPGRADE)
    with pytest.raises(BadPack, match=f"what was packed of {UPGRADE} can't be read"):
        past.put_away(UPGRADE, Parcel(Path("parcel"), "ab"), LATER)
    assert read_rows(store) == rows
    assert Outbox(store).find_put_away(UPGRADE) is None


def test_a_packed_upgrade_is_due_no_more_until_it_was_changed(store: Store) -> None:
    """What comes late unpacks it, and it is packed once more."""
    assert pack_all(store) == [UPGRADE]
    assert Packing(store, lambda: 10**9).list_due(LATER, 1000) == []
    Outbox(store).touch_message(UPGRADE, CARD)
    assert Packing(store, lambda: 10**9).list_due(LATER, 1000) == []
    (message,) = Outbox(store).list_unsent(LATER)
    Outbox(store).mark_sent(message.id, message.ts, message.revision, LATER)
    assert Packing(store, lambda: 10**9).list_due(LATER, 1000) == [UPGRADE]
    assert pack_all(store) == [UPGRADE]


def test_a_pack_has_a_fraction_of_the_room(store: Store) -> None:
    """What it is for."""
    before = sum(len(str(cell)) for rows in read_standing(store).values() for row in rows for cell in row)
    assert pack_all(store) == [UPGRADE]
    ((size,),) = store.read_values("select length(kept) + length(told) from packs")
    assert size < before / 2


# What is asked of rows that stand: of open upgrades, of what Slack has not got, of what belongs to no upgrade, of roots
# and of an upgrade that its transaction has just unpacked.
STANDING = re.compile(
    r"state = 'open'|sent_revision|kind = '(answer|reminder)'|upgrade = ''|where id = \?|where (seq|\{)|trouble"
    r"|slot = 'root'|kind = 'root'|select id, slot, body|state = 'decided' and expires_at|kind not in {KEPT_KINDS}$"
)
QUERY = re.compile(rf"\b(select|delete)\b[^\"]*\bfrom ({'|'.join(PARTS)})\b(?!\.)[^\"]*")


def test_what_is_read_of_an_upgrade_is_read_whole(project_root: Path) -> None:
    """A query of a table alone would miss what is packed."""
    found = []
    for path in sorted((project_root / "bot").rglob("*.py")):
        if "packs" not in path.parts and path.name not in (
            "packing.py",
            "migrations.py",
            "proofs.py",
            "first_tables.py",
        ):
            found += [
                f"{path.name}: {query[0]}"
                for query in QUERY.finditer(path.read_text())
                if not STANDING.search(query[0])
            ]
    assert found == []
