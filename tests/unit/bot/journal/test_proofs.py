"""Rows that somebody else wrote into the journal decide nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.clicks.clicks import BadClick, Clicks, encode_click
from bot.journal.migrations import build_migrations
from bot.journal.proofs import PROVEN, Key, find_proof_place
from bot.journal.store import Store
from steps.contract.cards import APPROVE, APPROVE_HEALTHY, DENY, THROUGH, Card
from steps.contract.step import Ask, Context, Outcome
from steps.gates import pass_gate
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import ANA, BEN, Build, Engine, write_click

EARLIER_CLICK = '{"id":"a","user":"U0ANA00001","received_at":"2027-01-01T00:00:00Z","action":"status","target":""}'


def ask(ctx: Context) -> Outcome:
    """A gate that is never passed by itself."""
    return pass_gate(ctx, Ask("May it?", Card("Card"), {"what": "shown"}, (APPROVE, APPROVE_HEALTHY, THROUGH, DENY)))


@pytest.fixture
def asked(build: Build) -> Engine:
    """An upgrade that asks."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    return engine


def write(engine: Engine, statement: str, *parameters: object) -> None:
    """Write into the journal as somebody who has its file, and not the key."""
    with engine.store.transact() as db:
        assert db.execute(statement, list(parameters)).rowcount >= 1


def is_decided(engine: Engine) -> bool:
    """Whether the step is given a decision."""
    return engine.journal.find_decision(engine.row()) is not None


def test_a_decision_of_a_person_holds(asked: Engine) -> None:
    """Also for another instance of the bot with the same key."""
    asked.click("approve", BEN)
    assert is_decided(asked)


def test_a_decision_that_was_written_into_the_file_is_none(asked: Engine) -> None:
    """The question is asked again."""
    write(asked, "update approvals set state = 'decided', choice = 'approve', decided_by = ?, decided_at = 1", BEN)
    write(asked, "update upgrades set state = 'running', due = 0")
    assert not is_decided(asked)
    asked.runner.turn()
    assert (asked.row().state, asked.row().generation) == ("asking", 2)


@pytest.mark.parametrize(
    "change",
    [
        "choice = 'deny'",
        f"decided_by = '{ANA}'",
        "decided_at = decided_at + 1",
        "digest = 'other'",
        "binding = '{}'",
        "reason = 'other'",
        "kind = 'blocked'",
        "proof = ''",
        "expires_at = expires_at + 1",
        "expires_at = null",
        "term_proof = ''",
    ],
)
def test_a_decision_that_was_changed_is_none(asked: Engine, change: str) -> None:
    """Whatever of it was changed."""
    asked.click("approve", BEN)
    write(asked, f"update approvals set {change}")
    assert not is_decided(asked)


@pytest.mark.parametrize("later", ["expires_at + 86400", "null"])
def test_a_question_whose_time_was_prolonged_takes_no_decision(asked: Engine, later: str) -> None:
    """The step asks anew, with an end of its own."""
    write(asked, f"update approvals set expires_at = {later}")
    asked.click("approve", BEN)
    assert not is_decided(asked)


@pytest.mark.parametrize("later", ["expires_at + 86400", "null"])
def test_an_approval_whose_end_was_moved_has_ended(asked: Engine, later: str) -> None:
    """And a window that holds it makes it no younger."""
    asked.click("approve", BEN)
    ends = asked.journal.find_approval_end("cluster-x-1", "access")
    assert ends is not None
    write(asked, f"update approvals set expires_at = {later}")
    asked.journal.prolong_approvals("cluster-x-1", timedelta(hours=1), asked.clock.now(), None)
    ended = asked.journal.find_approval_end("cluster-x-1", "access")
    assert ended == asked.clock.now()


def test_the_bot_itself_prolongs_an_approval(asked: Engine) -> None:
    """Time in which a window held the upgrade."""
    asked.click("approve", BEN)
    ends = asked.journal.find_approval_end("cluster-x-1", "access")
    assert ends is not None
    asked.journal.prolong_approvals("cluster-x-1", timedelta(hours=1), asked.clock.now(), None)
    assert asked.journal.find_approval_end("cluster-x-1", "access") == ends + timedelta(hours=1)
    assert is_decided(asked)


def test_an_approval_through_has_an_age_in_the_phases_after_it_too(asked: Engine) -> None:
    """They have no approval of their own."""
    asked.click("decide", BEN, choice="through")
    ends = asked.journal.find_approval_end("cluster-x-1", "sidecars")
    assert ends is not None
    assert ends == asked.journal.find_approval_end("cluster-x-1", "access")


def test_an_approval_in_part_has_the_age_of_any(asked: Engine) -> None:
    """Otherwise it would count for ever; and nobody approves their own upgrade in part either."""
    asked.click("decide", ANA, choice="approve:healthy")
    assert not is_decided(asked)
    asked.click("decide", BEN, choice="approve:healthy")
    assert is_decided(asked)
    assert asked.journal.find_approval_end("cluster-x-1", "access") is not None
    assert asked.journal.find_approval_end("cluster-x-1", "sidecars") is None


def test_an_approval_through_counts_until_anything_is_asked(asked: Engine) -> None:
    """Whichever step stands there then."""
    asked.click("decide", BEN, choice="through")
    row = asked.row()
    assert asked.journal.find_through(replace(row, step="validate/approve")) is not None
    assert asked.journal.find_through(replace(row, generation=row.generation + 1)) is None


@pytest.mark.parametrize(
    "change", ["binding = '{}'", "decided_by = 'U0CAI00003'", "expires_at = expires_at + 9", "state = 'open'"]
)
def test_an_approval_through_that_was_changed_is_none(asked: Engine, change: str) -> None:
    """Nor is one that was made of another choice."""
    asked.click("decide", BEN, choice="through")
    write(asked, f"update approvals set {change}")
    assert asked.journal.find_through(asked.row()) is None


def test_an_approval_that_was_turned_into_one_through_is_none(asked: Engine) -> None:
    """Its proof holds for the choice."""
    asked.click("approve", BEN)
    write(asked, "update approvals set choice = 'through'")
    assert asked.journal.find_through(asked.row()) is None


def test_a_plain_approval_has_none_in_other_phases(asked: Engine) -> None:
    """Each phase has its own."""
    asked.click("approve", BEN)
    assert asked.journal.find_approval_end("cluster-x-1", "sidecars") is None


def test_an_approval_that_was_written_into_the_file_prolongs_none(asked: Engine) -> None:
    """The end of the phase's approval is that of the last one with a proof."""
    asked.click("approve", BEN)
    ends = asked.journal.find_approval_end("cluster-x-1", "access")
    write(
        asked,
        """
        insert into approvals (upgrade, step, generation, kind, question, choices, binding, digest, asked_at, state,
            choice, decided_by, decided_at, expires_at)
        select upgrade, step, 9, kind, question, choices, binding, digest, asked_at, state, choice, decided_by,
            decided_at, expires_at + 864000 from approvals
        """,
    )
    assert asked.journal.find_approval_end("cluster-x-1", "access") == ends


def test_a_decision_is_not_moved_to_another_question(asked: Engine) -> None:
    """Its proof names the question."""
    asked.click("approve", BEN)
    write(asked, "update approvals set generation = 7")
    write(asked, "update upgrades set generation = 7")
    assert not is_decided(asked)


def test_another_key_asks_again(asked: Engine) -> None:
    """The same as a lost one."""
    asked.click("approve", BEN)
    asked.store.key = Key(b"another key")
    assert not is_decided(asked)


def test_a_click_that_was_written_into_the_file_is_none(asked: Engine) -> None:
    """It is settled, and nothing is done."""
    click = write_click("forged", "approve", BEN, asked.clock.now(), "cluster-x", channel="C0")
    write(asked, "insert into clicks (id, body, received_at) values ('forged', ?, 0)", encode_click(click))
    asked.upgrades.settle_clicks()
    assert not is_decided(asked)
    assert "Nothing was done" in (Clicks(asked.store).find_answer("forged") or "")


@pytest.mark.parametrize("proof", ["''", "'\u00e9'", "x'ff'", "5"])
@pytest.mark.parametrize("body", ["x'ff00'", "5", "''", "'['"])
def test_a_click_of_another_type_is_none(asked: Engine, body: str, proof: str) -> None:
    """SQLite keeps whatever it is given; the loop goes on."""
    write(asked, f"insert into clicks (id, body, received_at, proof) values ('forged', {body}, 0, {proof})")
    asked.upgrades.settle_clicks()
    assert "Nothing was done" in (Clicks(asked.store).find_answer("forged") or "")


def test_a_click_that_was_changed_before_it_was_settled_is_none(asked: Engine) -> None:
    """A status becomes no approval."""
    asked.upgrades.receive(write_click("real", "status", ANA, asked.clock.now(), "cluster-x", channel="C0"))
    forged = write_click("real", "approve", BEN, asked.clock.now(), "cluster-x", channel="C0")
    write(asked, "update clicks set body = ? where id = 'real'", encode_click(forged))
    (click,) = Clicks(asked.store).list_unsettled()
    assert isinstance(click, BadClick)


def test_a_consent_that_was_written_into_the_file_counts_for_nobody(asked: Engine) -> None:
    """And the person may still give theirs."""
    question = asked.journal.find_open_question("cluster-x-1")
    assert question is not None
    write(
        asked, "insert into consents values (?, ?, ?, ?, ?, 1, '')", "cluster-x-1", "access/approve", 1, "approve", BEN
    )
    assert asked.journal.list_consents(question, "approve") == []
    assert asked.journal.add_consent(question, "approve", BEN, asked.clock.now()) == [BEN]


def test_what_is_there_when_proofs_begin_is_believed_once(tmp_path: Path) -> None:
    """A bot that is brought up to date goes on; a row that comes later without a proof is none."""
    path = tmp_path / "asm-upgrade.db"
    build_migrations().apply(db := Database(path), stop_before="add_proofs")
    db.execute("insert into clicks (id, body, received_at) values ('a', ?, 0)", [EARLIER_CLICK])
    db.conn.commit()
    db.close()
    Store(path, KEY).close()
    with sqlite3.connect(path) as later:
        later.execute("insert into clicks (id, body, received_at) values ('b', ?, 0)", [EARLIER_CLICK])
    later.close()
    store = Store(path, KEY)
    assert [isinstance(click, BadClick) for click in Clicks(store).list_unsettled()] == [False, True]
    store.close()


def test_a_key_is_not_shown() -> None:
    """Neither by a log nor by a traceback."""
    assert "secret" not in repr(Key(b"a secret"))


def test_a_proof_is_of_its_table() -> None:
    """So that one can't stand in for another."""
    row = {name: "x" for names in PROVEN.values() for name in names}
    assert len({KEY.prove(table, row) for table in PROVEN}) == len(PROVEN)


@pytest.mark.parametrize(
    "change", [{"value": "2"}, {"value": b"1"}, {"value": 1}, {"key": "b"}, {"proof": "0" * 64}, {"upgrade": "y-1"}]
)
def test_a_row_that_differs_holds_no_longer(change: dict[str, object]) -> None:
    """In a value, or in its type alone, right after it held."""
    key = Key(b"a secret that is long enough for this")
    row: dict[str, object] = {"upgrade": "x-1", "key": "a", "value": "1"}
    row["proof"] = key.prove("memory", row)
    assert (key.holds("memory", row), key.holds("memory", row | change)) == (True, False)


@pytest.mark.parametrize("name", PROVEN)
def test_what_tells_two_rows_apart_is_proven(asked: Engine, name: str) -> None:
    """A proof is of one row and can't stand beside another."""
    table, _ = find_proof_place(name)
    keys = {str(row["name"]) for row in asked.store.read(f"select name from pragma_table_info('{table}') where pk > 0")}
    assert keys == {"seq"} or keys <= set(PROVEN[name])


# What no proof is made over, for it decides nothing, or is the proof, or has one of its own (`terms`).
NOT_PROVEN = {
    "approvals": {"question", "choices", "state", "asked_at", "expires_at", "proof", "term_proof"},
    "consents": {"proof"},
    "clicks": {"seq", "received_at", "settled_at", "answer", "proof"},
    "memory": {"proof"},
    "schedules": {"written", "shown", "proof"},
    "extensions": {"seq", "proof"},
    "holds": {"proof"},
    "upgrades": {"proof"},
}


@pytest.mark.parametrize("table", NOT_PROVEN)
def test_every_column_is_proven_or_named_here(asked: Engine, table: str) -> None:
    """A new one that counts and has no proof could be changed in the file."""
    columns = {str(row["name"]) for row in asked.store.read(f"select name from pragma_table_info('{table}')")}
    assert columns - set(PROVEN[table]) == NOT_PROVEN[table]
