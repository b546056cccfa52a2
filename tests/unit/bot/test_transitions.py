"""Every transition in every state: what is legal and what results, as a table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

import bot
from bot.journal.audit import name_event
from bot.journal.records import BOT, UpgradeState
from bot.journal.rows import UpgradeRow
from bot.journal.store import Row
from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.transitions import FROM, Illegal, Taken, Transition, is_legal
from steps.contract.cards import Card
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.plan import build_plan
from tests.unit.bot.workbench import ANA, BEN, Build, Engine


@dataclass(frozen=True)
class Standing:
    """Where an upgrade stands; paused and aborted by whom."""

    state: UpgradeState
    paused: bool = False
    aborting: bool = False


RUNNING, ASKING, BLOCKED = Standing("running"), Standing("asking"), Standing("blocked")
PAUSED, PAUSED_ASKING, PAUSED_BLOCKED = (Standing(one.state, paused=True) for one in (RUNNING, ASKING, BLOCKED))
ABORTING, ABORTING_BLOCKED = Standing("running", aborting=True), Standing("blocked", aborting=True)
ABORTING_ASKING, UPGRADED = Standing("asking", aborting=True), Standing("upgraded")
ABORTED, PROPOSED = Standing("aborted", aborting=True), Standing("proposed")
STANDINGS = (
    RUNNING, ASKING, BLOCKED, PAUSED, PAUSED_ASKING, PAUSED_BLOCKED, ABORTING, ABORTING_ASKING, ABORTING_BLOCKED,
    UPGRADED, PROPOSED, ABORTED,
)  # fmt: skip
# What results where; what is missing is illegal and changes nothing.
TABLE: dict[Transition, dict[Standing, Standing]] = {
    "pause": {RUNNING: PAUSED, ASKING: PAUSED_ASKING},
    "resume": {PAUSED: RUNNING, PAUSED_ASKING: ASKING},
    "hold": {RUNNING: RUNNING, PAUSED: PAUSED, ABORTING: ABORTING},
    "go on": {RUNNING: RUNNING, PAUSED: PAUSED, ABORTING: ABORTING},
    "look again": {RUNNING: RUNNING, PAUSED: PAUSED, ABORTING: ABORTING},
    "wait": {RUNNING: RUNNING, PAUSED: PAUSED, ABORTING: ABORTING},
    "move on": {RUNNING: RUNNING, PAUSED: PAUSED, ABORTING: ABORTING},
    "end": {RUNNING: UPGRADED, PAUSED: Standing("upgraded", paused=True), ABORTING: ABORTED},
    "ask": {
        RUNNING: ASKING, PAUSED: PAUSED_ASKING, ABORTING: ABORTING_ASKING,
        ASKING: ASKING, PAUSED_ASKING: PAUSED_ASKING, ABORTING_ASKING: ABORTING_ASKING,
    },
    "carry over": {ASKING: RUNNING, PAUSED_ASKING: PAUSED, ABORTING_ASKING: ABORTING},
    "ask again": {ASKING: RUNNING, PAUSED_ASKING: PAUSED, ABORTING_ASKING: ABORTING},
    "doubt": {
        ASKING: RUNNING, BLOCKED: RUNNING, PAUSED_ASKING: PAUSED, PAUSED_BLOCKED: PAUSED,
        ABORTING_ASKING: ABORTING, ABORTING_BLOCKED: ABORTING,
    },
    "decide": {
        ASKING: RUNNING, BLOCKED: RUNNING, ABORTING_ASKING: ABORTING, ABORTING_BLOCKED: ABORTING,
    },
    "retry": {BLOCKED: RUNNING, PAUSED_BLOCKED: PAUSED, ABORTING_BLOCKED: ABORTING},
    "abort": {
        RUNNING: ABORTING, ASKING: ABORTING, BLOCKED: ABORTING, PAUSED: ABORTING, PAUSED_ASKING: ABORTING,
        PAUSED_BLOCKED: ABORTING, ABORTING_BLOCKED: ABORTED,
    },
    "roll back": {
        RUNNING: ABORTING, ASKING: ABORTING, BLOCKED: ABORTING, PAUSED: ABORTING, PAUSED_ASKING: ABORTING,
        PAUSED_BLOCKED: ABORTING,
    },
    "relocate": {
        one: one for one in STANDINGS if one.state in ("running", "asking", "blocked")
    },
}  # fmt: skip
RETURN = build_plan("rollback", UpgradeOptions())
GATE = Ask("May it go on?", Card("Card"), {"what": "this"})


def stand(build: Build, standing: Standing) -> Engine:
    """An upgrade that stands so, with an open question where one belongs to it."""
    engine = build({})
    row = engine.add_upgrade(["a/b", "a/c"])
    if standing.state in ("asking", "blocked"):
        asked = GATE if standing.state == "asking" else Blocked("no right", "Grant it.")
        engine.transitions.ask(row, asked, engine.clock.now() + timedelta(hours=1))
    paused, aborted = "U0" if standing.paused else "", "U1" if standing.aborting else ""
    engine.journal.change_upgrade(row.id, state=standing.state, paused_by=paused, aborted_by=aborted)
    return engine


def make(engine: Engine, transition: Transition) -> None:
    """Try a transition."""
    row, all_of = engine.row(), engine.transitions
    deeds: dict[Transition, Callable[[], object]] = {
        "pause": lambda: all_of.pause(row, ANA, ""),
        "resume": lambda: all_of.resume(row, ANA, ""),
        "hold": lambda: all_of.hold(row, None, "held", "held"),
        "go on": lambda: all_of.go_on(row, "goes on"),
        "look again": lambda: all_of.look_again(row),
        "wait": lambda: all_of.wait(row, Waiting("x", 1), engine.clock.now()),
        "move on": lambda: all_of.move_on(row, Done("moved")),
        "end": lambda: all_of.end(row, Done("through")),
        "ask": lambda: all_of.ask(row, GATE, None),
        "carry over": lambda: all_of.carry_over(row),
        "ask again": lambda: all_of.ask_again(row),
        "doubt": lambda: all_of.doubt(row),
        "decide": lambda: decide(engine, row),
        "retry": lambda: retry(engine, row),
        "abort": lambda: all_of.abort(row, ANA, ""),
        "roll back": lambda: all_of.roll_back(row, ANA, "slow"),
        "relocate": lambda: all_of.relocate(row, "C0OTHER001", ANA),
    }
    deeds[transition]()


def decide(engine: Engine, row: UpgradeRow) -> None:
    """Ben takes the first choice."""
    question = engine.journal.find_open_question(row.id)
    if question is None:
        raise Illegal("nothing is asked")
    assert engine.transitions.decide(row, Taken(question, "approve", BEN, ""))


def retry(engine: Engine, row: UpgradeRow) -> None:
    """Ana retries."""
    question = engine.journal.find_open_question(row.id)
    if question is None:
        raise Illegal("nothing is asked")
    engine.transitions.retry(row, question, ANA, "")


def read_tables(engine: Engine) -> list[list[Row]]:
    """Everything that a transition may change."""
    return [engine.store.read(f"select * from {name}") for name in ("upgrades", "approvals", "audit", "outbox")]


def test_the_table_has_every_transition() -> None:
    """None was forgotten."""
    assert set(TABLE) == set(FROM) == set(get_args(Transition))


@pytest.mark.parametrize(
    ("transition", "standing"), list(itertools.product(TABLE, STANDINGS)), ids=lambda one: str(one).replace(" ", "-")
)
def test_the_table(build: Build, transition: Transition, standing: Standing) -> None:
    """What is legal results in what stands there; what isn't changes nothing at all."""
    engine = stand(build, standing)
    before, expected = read_tables(engine), TABLE[transition].get(standing)
    assert is_legal(transition, engine.row()) is (expected is not None)
    if expected is None:
        with pytest.raises(Illegal):
            make(engine, transition)
        assert read_tables(engine) == before
        return
    make(engine, transition)
    row = engine.row()
    assert Standing(row.state, bool(row.paused_by), bool(row.aborted_by)) == expected


OVER = [
    (transition, standing)
    for transition, results in TABLE.items()
    for standing, result in results.items()
    if standing.state in ("asking", "blocked") and result.state not in ("asking", "blocked")
]


@pytest.mark.parametrize(("transition", "standing"), OVER, ids=lambda one: str(one).replace(" ", "-"))
@pytest.mark.parametrize("look", ["rich", "plain"])
def test_no_root_shows_what_is_asked_no_more(
    build: Build, transition: Transition, standing: Standing, look: Look
) -> None:
    """From the commit on that ends a question, before any step has run: neither as a sentence nor as a remedy."""
    engine = stand(build, standing)
    make(engine, transition)
    (root,) = (one for one in engine.outbox.list_unsent(engine.clock.now()) if one.kind == "root")
    drawn = draw_message(root, engine.views.read_view("cluster-x-1"), look, Pen(lambda _user: True))
    shown = json.dumps([drawn.text, drawn.blocks])
    assert not any(asked in shown for asked in ("May it go on?", "no right", "Grant it."))


@pytest.mark.parametrize(
    ("transition", "standing", "actions"),
    [
        ("pause", RUNNING, ["pause"]),
        ("resume", PAUSED, ["resume"]),
        ("decide", ASKING, ["approve"]),
        ("retry", BLOCKED, ["retry"]),
        ("abort", RUNNING, ["abort"]),
        ("roll back", RUNNING, ["rollback"]),
        ("relocate", ASKING, ["move"]),
        ("move on", RUNNING, []),
        ("hold", RUNNING, []),
    ],
)
def test_what_a_person_does_stands_in_the_audit_once(
    build: Build, transition: Transition, standing: Standing, actions: list[str]
) -> None:
    """And what the bot does by itself isn't theirs."""
    engine = stand(build, standing)
    make(engine, transition)
    entries = [entry for entry in engine.journal.list_audit("cluster-x-1") if entry.actor != BOT]
    assert [name_event(entry.event) for entry in entries] == actions


def test_a_transition_is_one_commit(build: Build) -> None:
    """So that a kill leaves all of it or nothing, and the loops are woken once."""
    commits: list[int] = []
    engine = build({}, on_commit=lambda: commits.append(1))
    engine.add_upgrade(["a/b"])
    commits.clear()
    engine.transitions.abort(engine.row(), ANA, "enough")
    ending = build_plan("abort", UpgradeOptions())
    assert (len(commits), engine.row().plan, engine.row().step) == (1, ("a/b", *ending), ending[0])


def test_an_upgrade_that_is_taken_back_ends_as_its_way_back_begins(build: Build) -> None:
    """One commit, and a row of its own that is linked to it."""
    commits: list[int] = []
    engine = build({}, on_commit=lambda: commits.append(1))
    engine.add_upgrade(["a/b"])
    engine.transitions.roll_back(engine.row(), ANA, "slow")
    row = engine.row()
    assert (row.plan, row.step) == (("a/b", "landing/land"), "landing/land")
    commits.clear()
    engine.transitions.end(row, Done("landed"))
    back = engine.row("cluster-x-2")
    assert (len(commits), engine.row("cluster-x-1").state) == (1, "rolled back")
    assert (back.takes_back, back.requester, back.state, back.plan) == ("cluster-x-1", ANA, "running", RETURN)
    assert engine.journal.find_return("cluster-x-1") == back


def test_a_way_back_is_not_taken_back(build: Build) -> None:
    """Whoever wants to go forth again starts an upgrade."""
    engine = build({})
    engine.add_upgrade(["a/b"])
    engine.journal.change_upgrade("cluster-x-1", state="upgraded")
    back = engine.transitions.begin_return(engine.row(), ANA, "slow")
    assert not is_legal("roll back", back)


def test_a_question_is_decided_once(build: Build) -> None:
    """The second is told so and changes nothing."""
    engine = stand(build, ASKING)
    row, question = engine.row(), engine.journal.find_open_question("cluster-x-1")
    assert question
    assert engine.transitions.decide(row, Taken(question, "approve", BEN, ""))
    before = read_tables(engine)
    assert not engine.transitions.decide(row, Taken(question, "deny", ANA, "late"))
    assert read_tables(engine) == before


def test_nothing_else_changes_an_upgrade() -> None:
    """One module has every state change."""
    callers = [
        path.name
        for path in sorted(Path(str(bot.__file__)).parent.rglob("*.py"))
        if "change_upgrade(" in path.read_text(encoding="utf-8")
    ]
    assert callers == ["journal.py", "transitions.py"]
