"""A row that was changed, removed, inserted or moved is found, and named."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.journal.audit import Started
from bot.journal.chain import SealedRow, find_breaks, seal_row
from bot.journal.journal import Journal
from bot.journal.migrations import build_migrations
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import BadExport, Chains, read_rows, verify_journal, verify_rows, write_rows
from steps.contract.cards import Card
from steps.contract.step import Ask, Done
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import ANA, BEN, Build


def chain(*actions: str) -> list[SealedRow]:
    """An audit of these actions."""
    rows: list[SealedRow] = []
    for number, action in enumerate(actions):
        said = SealedRow("cluster-x-1", 1000.5 + number, "U0ANA00001", action, "{}")
        rows.append(seal_row(said, rows[-1].seal if rows else ""))
    return rows


ROWS = chain("start", "approve", "pause", "resume", "abort")


def test_an_untouched_chain_is_whole() -> None:
    """Also one without rows."""
    assert (find_breaks(ROWS), find_breaks([])) == ([], [])


@pytest.mark.parametrize(
    "changed",
    [
        replace(ROWS[2], upgrade="cluster-y-1"),
        replace(ROWS[2], at=1.0),
        replace(ROWS[2], actor="U0EVE00001"),
        replace(ROWS[2], action="approve"),
        replace(ROWS[2], detail='{"digest":"9f"}'),
    ],
)
def test_a_changed_row_is_named(changed: SealedRow) -> None:
    """Whatever of it was changed."""
    (fault,) = find_breaks([*ROWS[:2], changed, *ROWS[3:]])
    assert fault == f"row 3 ({changed.action} by {changed.actor}) was changed"


def test_a_row_that_was_changed_and_sealed_anew_contradicts_the_next_one() -> None:
    """Whoever changes one has to seal all that follow, and that changes the head."""
    changed = seal_row(replace(ROWS[2], actor="U0EVE00001"), ROWS[1].seal)
    assert find_breaks([*ROWS[:2], changed, *ROWS[3:]]) == [
        "a row before row 4 (resume by U0ANA00001) was removed or replaced"
    ]


def test_a_removed_row_is_missed() -> None:
    """By the one that follows it."""
    assert find_breaks([*ROWS[:1], *ROWS[2:]]) == ["a row before row 2 (pause by U0ANA00001) was removed or replaced"]
    assert find_breaks(ROWS[1:]) == ["a row before row 1 (approve by U0ANA00001) was removed or replaced"]


def test_an_inserted_row_is_found() -> None:
    """However well it fits to the one before it."""
    forged = seal_row(replace(ROWS[1], actor="U0EVE00001"), ROWS[1].seal)
    assert find_breaks([*ROWS[:2], forged, *ROWS[2:]]) == [
        "what stands between row 2 and row 4 (pause by U0ANA00001) was inserted, or moved there"
    ]
    assert "was the first one" in find_breaks([seal_row(forged, ""), *ROWS])[0]


def test_a_moved_row_is_found() -> None:
    """With the place that it belongs to."""
    found = find_breaks([ROWS[0], ROWS[2], ROWS[1], *ROWS[3:]])
    assert found[0] == "row 2 (pause by U0ANA00001) was moved: it belongs behind row 3"


def test_a_cut_end_is_found_by_the_head_that_was_noted() -> None:
    """Nothing in the file itself could tell."""
    assert verify_rows(ROWS[:-1]).faults == ()
    assert "no row has the head" in verify_rows(ROWS[:-1], ROWS[-1].seal[:16]).faults[0]
    assert verify_rows(ROWS, ROWS[-1].seal[:16]).faults == ()
    assert verify_rows(ROWS, ROWS[1].seal[:16]).faults == ()
    assert verify_rows(ROWS, ROWS[1].seal[:16]).looked.endswith(f", 3 of them after {ROWS[1].seal[:16]}")
    assert "too short" in verify_rows(ROWS, "ab").faults[0]
    assert "no row has the head" in verify_rows([], "a" * 16).faults[0]


def test_rows_of_two_upgrades_are_no_audit_of_one() -> None:
    """However they were joined."""
    other = seal_row(SealedRow("cluster-y-1", 1.0, "U0ANA00001", "start", "{}"), ROWS[-1].seal)
    assert verify_rows([*ROWS, other]).faults == ("it holds rows of several upgrades",)


def test_an_export_is_read_as_it_was_written() -> None:
    """Line by line."""
    assert read_rows(write_rows(ROWS)) == ROWS


@pytest.mark.parametrize("text", ["x", "{}", "[" * 100_000, '{"upgrade": 5}'])
def test_another_file_is_no_export(text: str) -> None:
    """It is told in a sentence."""
    with pytest.raises(BadExport, match="no export of an audit"):
        read_rows(text)


@pytest.fixture
def ended(build: Build, tmp_path: Path) -> Path:
    """The journal of an upgrade that was paused, resumed and has ended."""
    engine = build({"access/approve": lambda _ctx: Done("bound")})
    engine.add_upgrade(["access/approve"])
    engine.click("pause", ANA)
    engine.click("resume", ANA)
    engine.runner.turn()
    return tmp_path / "asm-upgrade.db"


def verify(path: Path, head: str = "") -> tuple[str, ...]:
    """What is wrong with the journal."""
    copy = StoredCopy(path)
    try:
        return verify_journal(Chains(copy), head).faults
    finally:
        copy.close()


def tamper(path: Path, statement: str) -> tuple[str, ...]:
    """What is wrong with the journal after somebody wrote into its file."""
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()
    return verify(path)


def test_a_journal_is_whole(ended: Path) -> None:
    """With the upgrade that has ended in a chain of its own."""
    assert verify(ended) == ()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (f"update audit set actor = '{BEN}' where action = 'pause'", f"row 1 (pause by {BEN}) was changed"),
        ("update audit set detail = '{}' where action = 'resume'", "cluster-x-1: row 2 (resume by"),
        ("delete from audit where action = 'pause'", "cluster-x-1: a row before row 1 (resume by"),
        ("delete from audit where action = 'resume'", "cluster-x-1: a row before row 2 (end by bot)"),
        ("delete from audit where action = 'end'", "cluster-x-1: its last rows were removed or replaced"),
        ("delete from audit", "cluster-x-1: its last rows were removed or replaced"),
        ("delete from ends", "cluster-x-1: it has ended and is not in the journal's own chain"),
        ("update ends set head = ''", "the journal's own chain: row 1 (the end of cluster-x-1) was changed"),
        ("update audit set seq = 100 - seq", "was moved: it belongs behind"),
    ],
)
def test_who_writes_into_the_file_is_found_out(ended: Path, statement: str, why: str) -> None:
    """And the row is named."""
    assert any(why in fault for fault in tamper(ended, statement))


def test_a_head_that_was_noted_is_looked_for(ended: Path) -> None:
    """A journal that was written anew as a whole has another."""
    copy = StoredCopy(ended)
    head = Chains(copy).list_rows("cluster-x-1")[-1].seal
    copy.close()
    assert verify(ended, head[:16]) == ()
    assert verify(ended, "0" * 16) == (f"no row has the head {'0' * 16}: the row that had it was changed or removed",)


def test_rows_from_before_are_sealed_as_they_stand(tmp_path: Path) -> None:
    """Once, when the bot is brought up to date."""
    path = tmp_path / "asm-upgrade.db"
    build_migrations().apply(db := Database(path), stop_before="chain_audit")
    for number, upgrade in enumerate(["a-1", "b-1", "a-1"]):
        values = [float(number), upgrade, "U0ANA00001", "retry", '{"step":"x"}']
        db.execute("insert into audit (at, upgrade, actor, action, detail) values (?, ?, ?, ?, ?)", values)
    db.conn.commit()
    db.close()
    store = Store(path, KEY)
    assert verify_journal(Chains(store)).faults == ()
    assert [len(Journal(store).list_audit(upgrade)) for upgrade in ("a-1", "b-1")] == [2, 1]
    store.close()


@pytest.fixture
def decided(build: Build, tmp_path: Path) -> Path:
    """The journal of an upgrade whose question Ben has decided."""
    ask = Ask("Bind?", Card("Access"), {})
    engine = build({"access/approve": lambda ctx: Done("bound") if ctx.decision else ask})
    engine.add_upgrade(["access/approve"])
    engine.journal.append("cluster-x-1", ANA, Started("1.4.10-asm.18"), engine.clock.now())
    engine.runner.turn()
    engine.click("approve", BEN)
    engine.runner.turn()
    return tmp_path / "asm-upgrade.db"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("update approvals set choice = 'deny'", "the approvals have deny by"),
        (f"update approvals set decided_by = '{ANA}'", f"the approvals have approve by {ANA}"),
        ("delete from approvals", "the decision of access/approve is gone from the approvals"),
        ("update approvals set generation = 7", "access/approve (7) is decided, and the audit knows nothing of it"),
        (f"update upgrades set requester = '{BEN}'", "the upgrade's own row names another requester"),
        (
            "update outbox set body = json_set(body, '$.question', 'Harmless?') where kind = 'gate'",
            "the card of access/approve in the outbox says something else than was shown",
        ),
    ],
)
def test_a_table_that_contradicts_the_audit_is_found(decided: Path, statement: str, why: str) -> None:
    """What a decision rests on stands in the audit as well."""
    assert verify(decided) == ()
    assert any(why in fault for fault in tamper(decided, statement))


def test_the_card_has_the_head_of_its_decision(decided: Path) -> None:
    """So that Slack contradicts a journal that was written anew as a whole."""
    copy = StoredCopy(decided)
    rows = Chains(copy).list_rows("cluster-x-1")
    (card,) = copy.read("select body ->> 'head' as head from outbox where kind = 'gate'")
    copy.close()
    assert [row.action for row in rows] == ["start", "ask", "approve", "end"]
    assert card["head"] == rows[2].seal
    assert verify(decided, card["head"][:16]) == ()
