"""An upgrade goes on in another channel: all that people follow it by goes with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clicks.clicks import Click, Clicks
from bot.clicks.orders import Approve, BreakGlass, Pause, Relocate
from bot.journal.audit import Moved
from bot.journal.bodies import Asking, Message, ProgressBody, RootBody
from bot.journal.deliveries import UNWRITABLE
from bot.journal.outbox import name_card
from bot.journal.records import FAREWELL
from bot.orders.cards import GLASS as BUTTON
from bot.reminders.channels import ChannelWatch
from steps.contract.cards import Progress
from steps.contract.step import Blocked, Done, Waiting
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.orders.test_cards import GLASS, NOBODY, open_question, order, press, stand
from tests.unit.bot.reminders.timetables import CHANNEL, ask, deliver
from tests.unit.bot.workbench import ANA, BEN, CAI, DEE, Build, Engine

OTHER = "C0OTHER001"
POSTED = "select channel, slot, body from outbox where kind = 'reminder' and channel like 'C%' order by seq"
ARCHIVED = f"{UNWRITABLE}Slack refused: is_archived; unarchive the channel"


def move(engine: Engine, by: str = ANA, channel: str = OTHER) -> str:
    """The private answer to the command."""
    return order(engine, Relocate("cluster-x", channel), by).text


def list_in(engine: Engine, channel: str) -> list[Message]:
    """The upgrade's messages in a channel, in order."""
    return [one for one in engine.outbox.list_told("cluster-x-1") if one.channel == channel]


def list_unsent(engine: Engine) -> list[Message]:
    """What Slack has not got yet of the upgrade."""
    return [one for one in engine.outbox.list_unsent(engine.clock.now()) if one.upgrade == "cluster-x-1"]


def archive(engine: Engine) -> None:
    """The channel takes nothing of what waits for it."""
    for message in list_unsent(engine):
        engine.outbox.defer_message(message.id, engine.clock.now() + timedelta(minutes=1), ARCHIVED)


def test_root_and_open_card_are_posted_anew_and_the_old_ones_ask_nothing(build: Build) -> None:
    """The card with all that it said; who asked for the move is told in the new thread."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    asked = open_question(engine)
    assert move(engine).startswith(f"cluster-x-1 goes on in <#{OTHER}>")
    assert (engine.row().channel, open_question(engine)) == (OTHER, asked)
    card, root = list_in(engine, CHANNEL)[:2]
    assert root.body == RootBody(left_for=OTHER)
    assert isinstance(card.body, Asking)
    assert card.body.closed == f"moved to <#{OTHER}> by <@{ANA}>"
    new = {one.slot: one for one in list_in(engine, OTHER)}
    assert isinstance(new["root"].body, RootBody)
    again = new[name_card(asked.step, asked.generation)]
    assert isinstance(again.body, Asking)
    assert (again.ts, again.body.closed, again.body.code) == ("", "", asked.code)
    assert f"moved here by <@{ANA}>" in str([one.body for one in new.values()])


def test_a_card_counts_once_it_stands_in_the_new_channel(build: Build) -> None:
    """It was seen in the other one, where nobody looks any more."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    archive(engine)
    move(engine)
    asked = open_question(engine)
    given = Approve("cluster-x-1", asked.step, asked.generation)
    assert "has not reached Slack yet" in order(engine, given).text
    deliver(engine)
    order(engine, given)
    assert engine.row().state == "running"


def test_what_no_channel_took_goes_to_the_new_one_and_the_trouble_is_over(build: Build) -> None:
    """Root and card were never posted; who was told directly that they can't be is told that it is over."""
    engine = stand(build, "control-plane/approve")
    archive(engine)
    watch = ChannelWatch(engine.journal, engine.outbox, engine.chronicle, engine.clock)
    watch.tick()
    assert engine.outbox.find_refusal("cluster-x-1", name_card("control-plane/approve", 1))
    move(engine)
    assert list_in(engine, CHANNEL) == []
    assert {one.slot for one in list_unsent(engine)} == {"root", name_card("control-plane/approve", 1), ""}
    assert "was told before" not in str([one.body for one in list_in(engine, OTHER)])
    assert (engine.outbox.list_unwritable(), engine.journal.list_failing_channels()) == ([], [])
    watch.tick()
    assert engine.outbox.list_notices() == []


def list_direct(engine: Engine, words: str) -> list[str]:
    """Whom the bot told directly something with these words."""
    rows = engine.store.read("select channel, body from outbox where channel like 'U%' order by seq")
    return [row["channel"] for row in rows if words in row["body"]]


def test_whoever_is_called_is_told_of_each_move_directly(build: Build) -> None:
    """But whoever ordered it: the others may not be in the channel that was chosen for them."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    move(engine)
    assert list_direct(engine, f"moved to <#{OTHER}> by <@{ANA}>") == [BEN, CAI]
    move(engine, BEN, CHANNEL)
    assert list_direct(engine, f"moved to <#{CHANNEL}> by <@{BEN}>") == [ANA, CAI]


def test_the_old_thread_says_below_its_last_line_where_it_goes_on(build: Build) -> None:
    """An edit of its root calls nobody."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    _, root = engine.outbox.read_thread("cluster-x-1")
    move(engine)
    (line,) = (one for one in list_unsent(engine) if one.channel == CHANNEL and one.kind == "milestone")
    assert (line.slot, f"moved to <#{OTHER}>" in str(line.body)) == (f"{FAREWELL}{root}", True)


@pytest.mark.parametrize("moved", [True, False])
def test_a_broken_glass_is_told_directly_where_the_upgrade_was_moved(build: Build, moved: bool) -> None:
    """A channel that somebody chose may have no witness in it."""
    engine = stand(build, "control-plane/approve", policy=GLASS)
    if moved:
        move(engine, CAI)
    engine.post_cards()
    asked = open_question(engine)
    order(engine, BreakGlass("cluster-x-1", code=asked.code, reason="outage"), DEE)
    order(engine, press(BUTTON, asked, "outage"), DEE)
    assert engine.row().state == "running"
    assert list_direct(engine, "glass broken") == ([ANA, BEN, CAI] if moved else [])


@pytest.mark.parametrize("by", [BEN, DEE])
@pytest.mark.parametrize(("action", "detail"), [("start", "{"), ("teleport", "{}")])
def test_an_audit_that_can_not_be_read_holds_up_no_decision(build: Build, action: str, detail: str, by: str) -> None:
    """A damaged row, or an action of a later version: neither an approval nor a broken glass reads it."""
    engine = stand(build, "control-plane/approve", policy=GLASS)
    engine.post_cards()
    with engine.store.transact() as db:
        db.execute(
            "insert into audit (upgrade, at, actor, action, detail) values ('cluster-x-1', 0, 'x', ?, ?)",
            [action, detail],
        )
    asked = open_question(engine)
    shown = order(engine, Approve("cluster-x-1", code=asked.code), BEN).card
    assert shown
    order(engine, press(BUTTON if by == DEE else shown.choices[0], asked, "outage"), by)
    assert engine.row().state == "running"


def test_the_farewell_to_a_thread_goes_nowhere_else(build: Build) -> None:
    """A second move before Slack has it leaves it where it belongs."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    move(engine)
    move(engine, channel="C0THIRD001")
    said = engine.store.read(
        "select channel from outbox where slot like ? and sent_revision < revision", [f"{FAREWELL}%"]
    )
    assert [row["channel"] for row in said] == [CHANNEL]


def test_every_thread_that_was_left_says_where_it_goes_on_now(build: Build) -> None:
    """Not where it went on for a while."""
    engine = stand(build, "control-plane/approve")
    for channel in (OTHER, "C0THIRD001", CHANNEL):
        deliver(engine)
        move(engine, channel=channel)
    left = [one.body for one in engine.outbox.list_told("cluster-x-1") if isinstance(one.body, RootBody)][:-1]
    assert left == [RootBody(left_for=CHANNEL)] * 3


@pytest.mark.parametrize(("by", "moved"), [(ANA, True), (BEN, True), (CAI, True), (DEE, False), (NOBODY, False)])
def test_who_asked_for_an_upgrade_or_may_approve_it_may_move_it(build: Build, by: str, moved: bool) -> None:
    """Nobody else: who may only break the glass would choose as well who sees it."""
    engine = stand(build, "control-plane/approve", policy=GLASS)
    move(engine, by)
    assert (engine.row().channel == OTHER) is moved


@pytest.mark.parametrize(
    ("channel", "why"), [("", "Name the channel"), ("mesh-ops", "Name the channel"), (CHANNEL, "is told in <#")]
)
def test_where_it_can_not_go_nothing_changes(build: Build, channel: str, why: str) -> None:
    """With what to write instead."""
    engine = stand(build, "control-plane/approve")
    before = engine.outbox.list_told("cluster-x-1")
    assert why in move(engine, channel=channel)
    assert engine.outbox.list_told("cluster-x-1") == before


def test_an_upgrade_that_has_ended_stays_where_it_is(build: Build) -> None:
    """Nothing more is told of it."""
    engine = build({"a/b": lambda _c: Done("")})
    engine.add_upgrade(["a/b"])
    engine.runner.turn()
    assert "No upgrade of cluster-x is under way" in move(engine)


def test_the_audit_keeps_both_places(build: Build) -> None:
    """With the ts of the root that stays behind; the upgrade's row is proven as before."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    _, root = engine.outbox.read_thread("cluster-x-1")
    move(engine)
    (event,) = (one.event for one in engine.journal.list_audit("cluster-x-1") if isinstance(one.event, Moved))
    assert (event, root != "") == (Moved(CHANNEL, root, OTHER), True)
    assert engine.journal.standing.is_proven("cluster-x-1")


def test_reminders_follow_and_the_old_ones_lose_their_buttons(build: Build) -> None:
    """Also one that somebody had put off in the old channel."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    engine.click("schedule", ANA, arguments={"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"})
    deliver(engine)
    engine.clock.time += timedelta(hours=25)
    engine.reminders.tick()
    deliver(engine)
    (before,) = (one for one in engine.store.read(POSTED) if one["channel"] == CHANNEL)
    seq = int(before["slot"].split(":")[1])
    engine.click("snooze", BEN, "cluster-x-1", choice="300", arguments={"reminder": seq, "place": CHANNEL})
    move(engine)
    engine.clock.time += timedelta(minutes=6)
    engine.reminders.tick()
    rows = engine.store.read(
        "select channel, body from outbox where kind = 'reminder' and channel like 'C%' order by seq"
    )
    assert [row["channel"] for row in rows] == [CHANNEL, OTHER]
    assert '"closed":""' not in rows[0]["body"]


def test_what_moves_goes_on_in_the_new_channel(build: Build) -> None:
    """And stands still in the old one."""
    waiting = Waiting("40/56 pods", 60, Progress(40, 56, "pods"))
    engine = build({"sidecars/restart": lambda _c: waiting})
    engine.add_upgrade(["sidecars/restart"])
    engine.runner.turn()
    deliver(engine)
    move(engine)
    ended = {
        one.channel: one.body.ended
        for one in engine.outbox.list_told("cluster-x-1")
        if isinstance(one.body, ProgressBody)
    }
    assert ended == {CHANNEL: True, OTHER: False}


def test_a_blocked_step_is_told_anew(build: Build) -> None:
    """With what may be done."""
    engine = build({"access/check": lambda _c: Blocked("no right", "Grant it.")})
    engine.add_upgrade(["access/check"])
    engine.runner.turn()
    deliver(engine)
    move(engine)
    assert [one.kind for one in list_in(engine, OTHER)] == ["blocked", "milestone", "root"]


def test_orders_are_taken_in_the_new_channel(build: Build) -> None:
    """Also where clusters.toml names the channels for them; the channel stands for the cluster there."""
    engine = stand(build, "control-plane/approve", policy=replace(GLASS, channels=frozenset({CHANNEL})))
    for given, channel in ((Relocate("cluster-x", OTHER), CHANNEL), (Pause("cluster-x"), OTHER)):
        engine.upgrades.receive(Click(f"in {channel}", ANA, engine.clock.now(), given, channel=channel))
        engine.upgrades.settle_clicks()
    assert (
        Clicks(engine.store).find_answer(f"in {OTHER}")
        == "Paused cluster-x-1. `/asm-upgrade resume cluster-x` goes on."
    )


def test_a_move_closes_no_channel_that_orders_were_taken_from(build: Build) -> None:
    """Neither the cluster's own nor those that clusters.toml names; others stay closed."""
    engine = stand(build, "control-plane/approve", policy=replace(GLASS, channels=frozenset({"C0OPS00001"})))
    engine.transitions.relocate(engine.row(), OTHER, ANA)
    answers = {}
    for channel in (CHANNEL, "C0OPS00001", OTHER, "C0RANDOM01"):
        given = Click(f"in {channel}", ANA, engine.clock.now(), Pause("cluster-x"), channel=channel)
        engine.upgrades.receive(given)
        engine.upgrades.settle_clicks()
        answers[channel] = "takes no orders" in (Clicks(engine.store).find_answer(given.id) or "")
    assert answers == {CHANNEL: False, "C0OPS00001": False, OTHER: False, "C0RANDOM01": True}


def test_the_answer_to_a_schedule_names_the_channel_that_the_upgrade_is_in(build: Build) -> None:
    """Not the one that it began in."""
    engine = stand(build, "control-plane/approve")
    move(engine)
    given = {"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"}
    assert f"Its thread is in <#{OTHER}>" in engine.click("schedule", ANA, arguments=given)


def test_its_way_back_follows_it(build: Build) -> None:
    """A person said so later than clusters.toml."""
    engine = build({"a/b": ask})
    engine.add_upgrade(["a/b"])
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    move(engine)
    engine.journal.change_upgrade("cluster-x-1", state="upgraded", ended_at=engine.clock.now())
    back = engine.transitions.begin_return(engine.row(), ANA, "slow")
    assert back.channel == OTHER


def test_moved_twice_it_is_told_where_it_went_last(build: Build) -> None:
    """And may come home."""
    engine = stand(build, "control-plane/approve")
    deliver(engine)
    for channel in (OTHER, CHANNEL):
        move(engine, channel=channel)
        deliver(engine)
    assert (engine.row().channel, engine.outbox.read_thread("cluster-x-1")[0]) == (CHANNEL, CHANNEL)
    cards = [one for one in engine.outbox.list_told("cluster-x-1") if one.kind == "gate"]
    assert [bool(getattr(one.body, "closed", "")) for one in cards] == [True, True, False]
