"""A move while something is under way: a step runs, a post is in the air, or what was told can't be told as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot.clicks.orders import Approve, Retry
from bot.journal.bodies import Asking, GateBody, Message, ProgressBody, RootBody
from bot.journal.outbox import name_card
from bot.journal.records import FAREWELL
from bot.schedule.tables import Reminder
from steps.contract.cards import Progress
from steps.contract.options import UpgradeOptions
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from steps.notes.way_back import ORDERED_RETURN, OrderedReturn
from steps.plan import build_plan
from tests.unit.bot.orders.test_cards import ask_first, open_question, order, stand
from tests.unit.bot.orders.test_moves import ARCHIVED, OTHER, list_in, list_unsent, move
from tests.unit.bot.reminders.timetables import CHANNEL, deliver
from tests.unit.bot.workbench import ANA, Build, Engine

CARD = name_card("control-plane/approve", 1)


def move_within(built: list[Engine], then: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """A step while which the upgrade is moved, once."""

    def run(ctx: Context) -> Outcome:
        if built[0].row().channel == CHANNEL:
            move(built[0])
        return then(ctx)

    return run


def list_slots(engine: Engine, channel: str) -> dict[str, Message]:
    """The upgrade's editable messages in a channel."""
    return {one.slot: one for one in list_in(engine, channel) if one.slot}


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (ask_first, "gate"),
        (lambda _ctx: Blocked("no right", "Grant it."), "blocked"),
        (lambda _ctx: Waiting("40/56 pods", 1, Progress(40, 56, "pods")), "progress"),
        (lambda _ctx: Done("moved 56 pods"), "milestone"),
    ],
)
def test_what_a_step_answers_is_told_where_its_upgrade_is_now(
    build: Build, outcome: Callable[[Context], Outcome], kind: str
) -> None:
    """It was moved while the step ran; what the step answers first and what comes of it later."""
    built: list[Engine] = []
    engine = build({"sidecars/restart": move_within(built, outcome), "a/b": lambda _ctx: Waiting("", 60)})
    built.append(engine)
    engine.add_upgrade(["sidecars/restart", "a/b"])
    engine.chronicle.draw_root("cluster-x-1", engine.clock.now())
    deliver(engine)
    for _ in range(2):
        engine.runner.turn()
        deliver(engine)
        engine.clock.advance(2)
    assert engine.row().channel == OTHER
    assert kind in [one.kind for one in list_in(engine, OTHER)]
    assert {one.kind for one in list_in(engine, CHANNEL) if not one.slot.startswith(FAREWELL)} == {"root"}


def test_a_way_back_begins_where_its_upgrade_was_moved_to(build: Build) -> None:
    """Its last step ran meanwhile."""
    plan, built = build_plan("landing", UpgradeOptions()), list[Engine]()
    steps: dict[str, Callable[[Context], Outcome]] = {step: lambda _ctx: Done("landed") for step in plan}
    engine = build({**steps, plan[-1]: move_within(built, steps[plan[-1]])})
    built.append(engine)
    engine.add_upgrade(plan)
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    ordered = ORDERED_RETURN.write(OrderedReturn(ANA, "slow"))
    engine.journal.revise_json("cluster-x-1", ORDERED_RETURN.key, ordered)
    engine.journal.change_upgrade("cluster-x-1", aborted_by=ANA)
    for _ in plan:
        engine.runner.turn()
    assert engine.row("cluster-x-2").channel == OTHER


@pytest.mark.parametrize("slot", ["root", CARD])
def test_a_post_in_the_air_stays_where_it_was_sent(build: Build, slot: str) -> None:
    """It comes to stand in the old channel and says there what was left; the new one gets its own."""
    engine = stand(build, "control-plane/approve")
    begun = next(one for one in list_unsent(engine) if one.slot == slot)
    engine.outbox.mark_posting(begun.id)
    move(engine)
    engine.outbox.mark_sent(begun.id, "17.1", begun.revision, engine.clock.now())
    (old,) = list_in(engine, CHANNEL)
    assert (old.id, old.ts, old.revision > old.sent_revision) == (begun.id, "17.1", True)
    assert "moved to" in getattr(old.body, "closed", "") or old.body == RootBody(left_for=OTHER)
    new = list_slots(engine, OTHER)[slot]
    assert (new.ts, new.attempts, new.id != begun.id) == ("", 0, True)
    asked = open_question(engine)
    told = order(engine, Approve("cluster-x-1", asked.step, asked.generation)).text
    assert "has not reached Slack yet" in told


@pytest.mark.parametrize("given_up", [False, True])
def test_what_the_old_channel_refuses_after_the_move_is_nobodys_trouble(build: Build, given_up: bool) -> None:
    """The refusal came when the upgrade was told elsewhere: nobody is called for a channel that nobody follows."""
    engine = stand(build, "control-plane/approve")
    begun = next(one for one in list_unsent(engine) if one.slot == CARD)
    engine.outbox.mark_posting(begun.id)
    move(engine)
    if given_up:
        engine.outbox.drop_message(begun.id, ARCHIVED)
    else:
        engine.outbox.defer_message(begun.id, engine.clock.now() + timedelta(minutes=1), ARCHIVED)
    assert (engine.outbox.list_unwritable(), engine.outbox.count_given_up()) == ([], 0)
    assert engine.journal.list_failing_channels() == []


def test_a_sentence_in_the_air_is_told_in_the_new_channel_as_well(build: Build) -> None:
    """What comes of its post is none of the row that is posted anew."""
    engine = stand(build, "control-plane/approve")
    engine.chronicle.tell(engine.row(), "looked at", engine.clock.now())
    begun = list_unsent(engine)[-1]
    engine.outbox.mark_posting(begun.id)
    move(engine)
    engine.outbox.mark_sent(begun.id, "17.1", begun.revision, engine.clock.now())
    again = [one for one in list_in(engine, OTHER) if one.body == begun.body]
    assert [(one.ts, one.attempts) for one in again] == [("", 0)]
    assert list_in(engine, CHANNEL) == []


@pytest.mark.parametrize("slot", ["root", CARD])
def test_what_the_old_channel_refused_for_good_is_posted_in_the_new_one(build: Build, slot: str) -> None:
    """Its attempts there don't count here."""
    engine = stand(build, "control-plane/approve")
    refused = next(one for one in list_unsent(engine) if one.slot == slot)
    for _ in range(3):
        engine.outbox.mark_posting(refused.id)
    engine.outbox.drop_message(refused.id, "Slack refused: no_permission")
    move(engine)
    again = next(one for one in list_unsent(engine) if one.slot == slot)
    assert (again.channel, again.attempts) == (OTHER, 0)
    assert list_in(engine, CHANNEL) == []


def test_what_moved_before_it_blocked_goes_on_in_the_new_channel(build: Build) -> None:
    """Once it is retried there."""
    answers: Iterator[Outcome] = iter(
        [
            Waiting("40/56 pods", 1, Progress(40, 56, "pods")),
            Blocked("stuck", "Look."),
            Waiting("41/56 pods", 1, Progress(41, 56, "pods")),
        ]
    )
    engine = build({"sidecars/restart": lambda _ctx: next(answers)})
    engine.add_upgrade(["sidecars/restart"])
    for _ in range(2):
        engine.runner.turn()
        deliver(engine)
        engine.clock.advance(2)
    move(engine)
    deliver(engine)
    order(engine, Retry("cluster-x"), ANA)
    engine.runner.turn()
    told = {one.channel: one.body for one in engine.outbox.list_told("cluster-x-1") if one.kind == "progress"}
    assert isinstance(told[OTHER], ProgressBody)
    assert {channel: getattr(body, "ended", None) for channel, body in told.items()} == {CHANNEL: True, OTHER: False}


def test_reminders_on_their_way_go_along_and_keep_their_buttons(build: Build) -> None:
    """Those in the old channel that Slack has not got, and those that are written to people directly."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    now = engine.clock.now()
    engine.schedules.add_reminders([Reminder(0, "cluster-x-1", "ends", now, now + timedelta(minutes=15))])
    engine.reminders.tick()
    before = [row["channel"] for row in engine.store.read("select channel from outbox where kind = 'reminder'")]
    assert CHANNEL in before
    move(engine)
    engine.clock.advance(10)
    engine.reminders.tick()
    rows = engine.store.read(
        "select channel, slot, body, sent_revision from outbox where kind = 'reminder' order by seq"
    )
    assert [row["channel"] for row in rows] == [OTHER if one == CHANNEL else one for one in before]
    assert {(json.loads(row["body"])["closed"], row["sent_revision"]) for row in rows} == {("", 0)}
    assert all(row["slot"].endswith(row["channel"]) for row in rows)


def test_a_card_that_can_not_be_read_is_kept_as_it_stands(build: Build) -> None:
    """In both channels: its row is the only trace of what was asked."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    stored = '{"question": 5, "keep": "evidence"}'
    with engine.store.transact() as db:
        db.execute("update outbox set body = ? where kind = 'gate'", [stored])
    move(engine)
    rows = engine.store.read("select channel, body from outbox where kind = 'gate' order by seq")
    assert [(row["channel"], row["body"]) for row in rows] == [(CHANNEL, stored), (OTHER, stored)]


def test_every_root_that_was_left_says_where_the_upgrade_is_now(build: Build) -> None:
    """Also the first one after the second move; where nothing stood, nobody is sent to."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    move(engine)
    move(engine, channel="C0THIRD001")
    roots = {one.channel: one.body for one in engine.outbox.list_told("cluster-x-1") if one.kind == "root"}
    assert roots[CHANNEL] == RootBody(left_for="C0THIRD001")
    assert OTHER not in roots
    told = [str(one.body) for one in list_in(engine, "C0THIRD001") if "moved here" in str(one.body)]
    assert [f"stands in <#{OTHER}>" in one for one in told] == [False, False]


def test_cards_that_were_decided_keep_what_they_said(build: Build) -> None:
    """The proof of the audit looks for them under their slots."""
    engine = stand(build, "download/approve", "control-plane/approve")
    deliver(engine)
    asked = open_question(engine)
    order(engine, Approve("cluster-x-1", asked.step, asked.generation))
    for _ in range(2):
        engine.runner.turn()
    deliver(engine)
    move(engine)
    body = engine.outbox.find_body("cluster-x-1", name_card(asked.step, asked.generation))
    assert isinstance(body, GateBody)
    assert isinstance(engine.outbox.find_body("cluster-x-1", CARD.replace(":1", ":2")), Asking)
