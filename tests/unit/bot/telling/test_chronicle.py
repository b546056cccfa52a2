"""Outcomes as rows of the outbox, typed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.journal.bodies import (
    AnswerBody,
    BlockedBody,
    Body,
    FileBody,
    FinishedBody,
    GateBody,
    MilestoneBody,
    PodNumbers,
    ProgressBody,
    ReminderBody,
    ReminderKind,
    RootBody,
    digest_shown,
    encode_body,
)
from bot.journal.outbox import name_card, name_reminder
from bot.journal.rows import build_code
from bot.telling.chronicle import Chronicle
from steps.contract.cards import APPROVALS, APPROVE, DENY, Attachment, Card, Choice, Progress
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Ask, Blocked, Done, Waiting
from tests.unit.bot.workbench import ANA, BEN, CAI, START, Build, Engine

PLAN = ("control-plane/approve", "control-plane/apply", "finish/report")
CARD = Card("Replace the control plane", ("istioctl manifest apply",))


@pytest.fixture
def engine(build: Build) -> Engine:
    """An upgrade at the gate of its control plane."""
    engine = build({})
    engine.add_upgrade(PLAN)
    return engine


@pytest.fixture
def chronicle(engine: Engine) -> Chronicle:
    """What tells of it; two may approve."""
    return Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [BEN, CAI])


def list_told(engine: Engine) -> list[Body]:
    """The bodies of all rows, in order."""
    return [message.body for message in engine.outbox.list_unsent(START + timedelta(days=1))]


def count_revisions(engine: Engine) -> list[int]:
    """How often each row was written."""
    return [message.revision for message in engine.outbox.list_unsent(START + timedelta(days=1))]


def test_the_root_is_drawn_again_only_where_it_shows_something_else(engine: Engine, chronicle: Chronicle) -> None:
    """Each edit counts against Slack's limits."""
    chronicle.draw_root("cluster-x-1", START)
    chronicle.draw_root("cluster-x-1", START)
    assert (list_told(engine), count_revisions(engine)) == ([RootBody("running", "", "control-plane", 0, 0, "")], [1])
    engine.journal.change_upgrade("cluster-x-1", paused_by=BEN)
    chronicle.draw_root("cluster-x-1", START)
    assert (list_told(engine), count_revisions(engine)) == ([RootBody("running", BEN, "control-plane", 0, 0, "")], [2])


def test_a_step_that_waits_with_nothing_to_show_tells_nothing(engine: Engine, chronicle: Chronicle) -> None:
    """Its sentence stands in the root."""
    chronicle.tell_waiting(engine.row(), Waiting("waits for the webhook", 5), START)
    assert list_told(engine) == []


def test_what_goes_on_is_one_message(engine: Engine, chronicle: Chronicle) -> None:
    """Edited, not repeated."""
    for done in (1, 2):
        outcome = Waiting(f"{done}/2 pods", 5, Progress(done, 2), ("web 2/2",))
        chronicle.tell_waiting(engine.row(), outcome, START)
    body = ProgressBody("2/2 pods", "control-plane", Progress(2, 2), ("web 2/2",))
    assert (list_told(engine), count_revisions(engine)) == ([body], [2])
    chronicle.close_progress(engine.row())
    ended = ProgressBody("2/2 pods", "control-plane", Progress(2, 2), ("web 2/2",), ended=True)
    assert list_told(engine) == [ended]


def test_a_gate_is_a_card_with_its_choices_and_who_may_take_them(engine: Engine, chronicle: Chronicle) -> None:
    """Until when it may be decided stands on it."""
    ask = Ask("Replace it?", CARD, {"what": "this"}, moved=("shop is paused now",))
    chronicle.tell_question(engine.row(), 1, ask, START, START + timedelta(hours=24))
    assert list_told(engine) == [
        GateBody(
            question="Replace it?",
            card=CARD,
            moved=("shop is paused now",),
            digest=ask.digest,
            approvers=(BEN, CAI),
            choices=(APPROVE, DENY),
            step="control-plane/approve",
            generation=1,
            expires_at=START + timedelta(hours=24),
            code=build_code("cluster-x-1", "control-plane/approve", 1, ask.digest),
        )
    ]


def test_a_blocked_step_ends_its_progress_and_keeps_its_files(engine: Engine, chronicle: Chronicle) -> None:
    """What runs no more is not shown as running."""
    chronicle.tell_waiting(engine.row(), Waiting("istioctl runs", 5, details=("Pilot: applying",)), START)
    blocked = Blocked("istioctl failed", "Retry.", (Choice("accept", "Accept"),), (Attachment("out.txt", "line"),))
    chronicle.tell_question(engine.row(), 2, blocked, START, None)
    assert list_told(engine) == [
        ProgressBody("istioctl failed", "control-plane", None, ("Pilot: applying",), ended=True),
        BlockedBody(
            "istioctl failed",
            "Retry.",
            (Choice("accept", "Accept"),),
            step="control-plane/approve",
            generation=2,
            code=build_code("cluster-x-1", "control-plane/approve", 2, ""),
            people=(ANA, BEN, CAI),
        ),
        FileBody("out.txt", "line"),
    ]


def test_a_decided_question_closes_its_card_and_the_reminders_that_carry_its_buttons(
    engine: Engine, chronicle: Chronicle
) -> None:
    """Nobody clicks in vain."""
    row = replace(engine.row(), generation=1)
    chronicle.tell_question(row, 1, Ask("Replace it?", CARD, {}), START, None)
    asking = ReminderBody(upgrade=row.id, kind="starts", choices=(APPROVE,), step=row.step, generation=1)
    telling = ReminderBody(upgrade=row.id, kind="before")
    for seq, body in enumerate((asking, telling)):
        engine.outbox.put_message("", name_reminder(seq, "C0"), "C0", body, START)
    chronicle.close_card(row, f"approved by <@{BEN}>", START)
    closed = [getattr(body, "closed", "") for body in list_told(engine)]
    assert closed == [f"approved by <@{BEN}>", f"approved by <@{BEN}>", ""]


@pytest.mark.parametrize(
    ("kinds", "closed"), [((), ["moved", "moved", "moved"]), (("before", "ends"), ["moved", "", "moved"])]
)
def test_reminders_of_some_kinds_are_closed(
    engine: Engine, chronicle: Chronicle, kinds: tuple[ReminderKind, ...], closed: list[str]
) -> None:
    """Of all kinds where none is named."""
    known: tuple[ReminderKind, ...] = ("before", "approval", "ends")
    for seq, kind in enumerate(known):
        body = ReminderBody(upgrade="cluster-x-1", kind=kind)
        engine.outbox.put_message("", name_reminder(seq, "C0"), "C0", body, START)
    chronicle.close_reminders(engine.row(), "moved", *kinds)
    assert [getattr(body, "closed", "") for body in list_told(engine)] == closed


def test_a_step_that_is_done_is_a_milestone(engine: Engine, chronicle: Chronicle) -> None:
    """With its card and its files."""
    outcome = Done("kept the old state", CARD, (Attachment("backup.yaml", "kind: List"),))
    chronicle.tell_done(engine.row(), outcome, START)
    assert list_told(engine) == [
        MilestoneBody("kept the old state", "control-plane", CARD),
        FileBody("backup.yaml", "kind: List"),
    ]


def test_the_last_step_tells_how_many_pods_moved(engine: Engine, chronicle: Chronicle) -> None:
    """In numbers that a program can read; they add up without the pods that are gone, as in the report's sentence."""
    web = LedgerEntry("u-1", "shop", "web-1", "shop/Deployment/web", "upgraded")
    others = replace(web, uid="u-2", pod="web-2"), replace(web, uid="u-3", pod="db-0", state="manual")
    engine.journal.record_entries("cluster-x-1", [replace(web, uid="u-4", pod="web-3", state="gone")])
    engine.journal.record_entries("cluster-x-1", [web, *others])
    row = replace(engine.row(), step=PLAN[-1])
    chronicle.tell_done(row, Done("upgraded cluster-x", CARD), START)
    assert list_told(engine) == [
        FinishedBody("upgraded cluster-x", CARD, "upgraded", "", "1.4.10-asm.18", PodNumbers(2, 1, 3)),
        FileBody("cluster-x-1-change-record.html", made="change record"),
    ]


def test_a_private_answer_belongs_to_no_upgrade(engine: Engine, chronicle: Chronicle) -> None:
    """It goes where the person asked."""
    chronicle.answer(AnswerBody(BEN, "C0", "", "Paused cluster-x-1."), START)
    (message,) = engine.outbox.list_unsent(START)
    assert (message.upgrade, message.channel, message.kind) == ("", "C0", "answer")
    assert name_card("a/b", 1) == "card:a/b:1"


def ask_with(engine: Engine, chronicle: Chronicle, *risks: str, generation: int = 1, end: str = "approve") -> object:
    """Which risks of the upgrade's gate count as known; the question ends as `end` says."""
    row = engine.row(engine.journal.list_upgrades("cluster-x", 1)[0].id)
    ask = Ask("Replace it?", Card("Card", risks=risks), {})
    chronicle.tell_question(row, generation, ask, START, None)
    engine.journal.open_question(row, generation, ask, START, None)
    question = engine.journal.find_question(row.id, row.step, generation)
    assert question
    if end in ("expired", "voided"):
        engine.journal.close_question(row.id, end)
    elif end:
        engine.journal.decide_question(question, end, CAI, "", START)
    body = engine.outbox.find_body(row.id, name_card(row.step, generation))
    assert isinstance(body, GateBody)
    return body.known


def test_a_risk_that_was_on_an_earlier_card_is_known(engine: Engine, chronicle: Chronicle) -> None:
    """Of this upgrade's cards."""
    assert ask_with(engine, chronicle, "one", "two") == ()
    assert ask_with(engine, chronicle, "two", "three", generation=2) == ("two",)


def test_a_risk_of_the_last_upgrades_gate_is_known(engine: Engine, chronicle: Chronicle) -> None:
    """What was decided about then; an upgrade that never came to the gate says nothing of it."""
    ask_with(engine, chronicle, "one")
    first = engine.row()
    for number in (2, 3):
        engine.journal.change_upgrade(f"cluster-x-{number - 1}", state="aborted", ended_at=START)
        engine.journal.add_upgrade(replace(first, id=f"cluster-x-{number}", number=number))
    assert ask_with(engine, chronicle, "one", "two") == ("one",)


@pytest.mark.parametrize("end", ["", "deny", "expired", "voided"])
def test_a_risk_that_nobody_approved_is_new(engine: Engine, chronicle: Chronicle, end: str) -> None:
    """A card that was denied, or that nobody decided and maybe nobody saw, of this upgrade or the last one."""
    ask_with(engine, chronicle, "one", end=end)
    assert ask_with(engine, chronicle, "one", generation=2, end=end) == ()
    first = engine.row()
    engine.journal.change_upgrade("cluster-x-1", state="aborted", ended_at=START)
    engine.journal.add_upgrade(replace(first, id="cluster-x-2", number=2))
    assert ask_with(engine, chronicle, "one") == ()


@pytest.mark.parametrize("end", APPROVALS)
def test_a_risk_is_known_whichever_approval_was_given(engine: Engine, chronicle: Chronicle, end: str) -> None:
    """In part, in full, or with all that follows."""
    ask_with(engine, chronicle, "one", end=end)
    assert ask_with(engine, chronicle, "one", generation=2) == ("one",)


def test_what_is_known_is_no_part_of_what_a_card_says() -> None:
    """An approval holds for all of its risks, wherever they stand."""
    card = Card("Card", risks=("one",))
    told = [encode_body(GateBody("?", card, known=known)) for known in ((), ("one",))]
    assert digest_shown(told[0]) == digest_shown(told[1])
