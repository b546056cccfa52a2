"""Who is told, and how often, of a channel that takes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.journal.bodies import MilestoneBody, NoticeBody, decode_body
from bot.journal.deliveries import UNWRITABLE
from bot.journal.outbox import Outbox
from bot.journal.records import OPERATOR
from bot.reminders.channels import ChannelWatch
from bot.slack.drawing.notices import OVER, write_notice
from bot.slack.drawing.text import Pen
from bot.telling.chronicle import Chronicle
from steps.contract.step import Done
from steps.contract.wording import begin_sentence
from tests.unit.bot.reminders.timetables import CHANNEL, ask, deliver
from tests.unit.bot.workbench import ANA, BEN, CAI, Build, Engine

ARCHIVED = "Slack refused: is_archived; unarchive the channel"


def begin(build: Build) -> tuple[Engine, ChannelWatch]:
    """An upgrade that asks, of which Slack has nothing yet."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("bound")})
    engine.add_upgrade(["access/approve", "access/bind"])
    engine.runner.turn()
    return engine, ChannelWatch(engine.journal, engine.outbox, engine.chronicle, engine.clock)


def refuse_all(engine: Engine) -> None:
    """The channel takes nothing of what waits for it."""
    for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
        if message.channel == CHANNEL:
            engine.outbox.defer_message(
                message.id, engine.clock.now() + timedelta(minutes=1), f"{UNWRITABLE}{ARCHIVED}"
            )


def begin_ten(build: Build) -> tuple[Engine, ChannelWatch]:
    """Ten upgrades that ask in one channel, each with its root there; nothing more of them arrives."""
    engine = build({"access/approve": ask, "access/bind": lambda _c: Done("bound")})
    for number in range(1, 11):
        engine.add_upgrade(["access/approve", "access/bind"], f"cluster-{number}")
    engine.runner.turn()
    for message in engine.outbox.list_unsent(engine.clock.now()):
        if message.kind == "root":
            engine.outbox.mark_sent(message.id, f"17.{message.upgrade}", message.revision, engine.clock.now())
    return engine, ChannelWatch(engine.journal, engine.outbox, engine.chronicle, engine.clock)


def refuse_of(engine: Engine, *upgrades: str) -> None:
    """The channel takes nothing of what these have to say."""
    for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
        if message.upgrade in upgrades:
            until = engine.clock.now() + timedelta(minutes=1)
            engine.outbox.defer_message(message.id, until, f"{UNWRITABLE}{ARCHIVED}")


def read_notices(engine: Engine) -> dict[str, list[str]]:
    """What each person reads now, with the links of the message."""
    pen, told = Pen(lambda _user: True, "https://w.slack.com/"), dict[str, list[str]]()
    for row in engine.store.read("select channel, body from outbox where kind = 'notice' order by seq"):
        body = decode_body("notice", row["body"])
        assert isinstance(body, NoticeBody)
        told.setdefault(row["channel"], []).append("\n".join(write_notice(body, pen)))
    return told


def deliver_notices(engine: Engine) -> None:
    """Slack takes what people are told directly."""
    for message in engine.outbox.list_unsent(engine.clock.now()):
        if message.kind == "notice":
            engine.outbox.mark_sent(message.id, "9.9", message.revision, engine.clock.now())


NAMES = [f"cluster-{number}-1" for number in range(1, 11)]


def test_ten_upgrades_of_one_channel_make_one_message_a_person(build: Build) -> None:
    """It names all of them, with a link to each thread."""
    engine, watch = begin_ten(build)
    refuse_of(engine, *NAMES)
    watch.tick()
    watch.tick()
    told = read_notices(engine)
    assert {user: len(texts) for user, texts in told.items()} == {ANA: 1, BEN: 1, CAI: 1}
    for (text,) in told.values():
        assert text.startswith(f"cluster-1 and 9 other upgrades: nothing can be posted in <#{CHANNEL}>")
        assert all(f"/archives/{CHANNEL}/p17{name}|{name}>" in text for name in NAMES)


@pytest.mark.parametrize(("passed", "messages"), [(timedelta(minutes=59), 1), (timedelta(minutes=60), 2)])
def test_those_that_come_later_are_added_to_it_for_an_hour(build: Build, passed: timedelta, messages: int) -> None:
    """After that a message of their own tells of them, and of none that was told of before."""
    engine, watch = begin_ten(build)
    refuse_of(engine, *NAMES[:3])
    watch.tick()
    engine.clock.time += passed
    refuse_of(engine, *NAMES)
    watch.tick()
    watch.tick()
    texts = read_notices(engine)[BEN]
    assert len(texts) == messages
    assert [text.count("|cluster-") for text in texts] == ([10] if messages == 1 else [3, 7])


def test_what_is_heard_again_is_told_of_no_more_and_the_last_says_that_it_is_over(build: Build) -> None:
    """By edits; nobody is called for good news."""
    engine, watch = begin_ten(build)
    refuse_of(engine, *NAMES)
    watch.tick()
    deliver_notices(engine)
    for names in (NAMES[:4], NAMES[4:]):
        for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
            if message.upgrade in names:
                engine.outbox.mark_sent(message.id, "1.1", message.revision, engine.clock.now())
        watch.tick()
        (text,) = read_notices(engine)[ANA]
        assert [name for name in NAMES if f"|{name}>" in text] == (NAMES[4:] if names == NAMES[:4] else [])
    assert text == OVER


def test_a_channel_is_not_over_because_nobody_is_known_for_a_while(build: Build) -> None:
    """The approvers' group could not be read, and the operator of the machine started the upgrade."""
    engine, watch = begin(build)
    with engine.store.transact() as db:
        db.execute("update upgrades set requester = ?", [OPERATOR])
    refuse_all(engine)
    people = [BEN, CAI]
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: people)
    watch = ChannelWatch(engine.journal, engine.outbox, chronicle, engine.clock)
    watch.tick()
    before = read_notices(engine)
    people.clear()
    watch.tick()
    people += [BEN, CAI]
    watch.tick()
    assert (sorted(before), read_notices(engine)) == ([BEN, CAI], before)


@pytest.mark.parametrize("posted", [True, False])
def test_what_is_over_is_told_to_those_who_read_that_it_failed(build: Build, posted: bool) -> None:
    """It is nobody's first message."""
    engine, watch = begin(build)
    refuse_all(engine)
    watch.tick()
    if posted:
        deliver_notices(engine)
    deliver_upgrade(engine)
    watch.tick()
    told = [one.channel for one in engine.outbox.list_unsent(engine.clock.now()) if one.kind == "notice"]
    assert told == ([ANA, BEN, CAI] if posted else [])


def deliver_upgrade(engine: Engine) -> None:
    """The channel takes what waits for it."""
    for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
        if message.upgrade:
            engine.outbox.mark_sent(message.id, f"17.{message.id}", message.revision, engine.clock.now())


def test_what_an_earlier_version_told_is_not_told_again(build: Build) -> None:
    """It wrote a message for each upgrade."""
    engine, watch = begin(build)
    refuse_all(engine)
    for user in (ANA, BEN, CAI):
        slot = f"unwritable:{CHANNEL}:cluster-x-1:{user}"
        engine.outbox.put_message("", slot, user, MilestoneBody("told"), engine.clock.now())
    watch.tick()
    assert read_notices(engine) == {}
    deliver(engine)
    watch.tick()
    assert engine.outbox.list_notices() == []


def list_direct(engine: Engine) -> list[str]:
    """To whom the bot wrote directly, in order."""
    rows = engine.store.read("select channel from outbox where kind = 'notice' and channel like 'U%' order by seq")
    return [row["channel"] for row in rows]


def test_who_asked_and_who_approves_are_told_once(build: Build) -> None:
    """However often it is tried, and after a restart of the bot."""
    engine, watch = begin(build)
    refuse_all(engine)
    watch.tick()
    watch.tick()
    ChannelWatch(engine.journal, Outbox(engine.store), engine.chronicle, engine.clock).tick()
    assert list_direct(engine) == [ANA, BEN, CAI]
    (told,) = read_notices(engine)[ANA]
    assert told.startswith(f"cluster-x: nothing can be posted in <#{CHANNEL}>, where cluster-x-1 is told. {ARCHIVED}.")
    assert "`/asm-upgrade move CLUSTER #CHANNEL` lets an open upgrade go on elsewhere" in told


def test_a_channel_that_works_is_not_told_of(build: Build) -> None:
    """Nor one that is only slow."""
    engine, watch = begin(build)
    watch.tick()
    (message, *_) = engine.outbox.list_unsent(engine.clock.now())
    engine.outbox.defer_message(message.id, engine.clock.now() + timedelta(minutes=1), "Slack did not answer clearly")
    watch.tick()
    assert list_direct(engine) == []


def test_what_fails_again_is_told_again(build: Build) -> None:
    """Once it had worked in between."""
    engine, watch = begin(build)
    refuse_all(engine)
    watch.tick()
    deliver(engine)
    watch.tick()
    engine.chronicle.tell(engine.row(), "more", engine.clock.now())
    refuse_all(engine)
    watch.tick()
    assert list_direct(engine) == [ANA, BEN, CAI] * 2


def test_an_upgrade_that_has_ended_is_told_of_no_more(build: Build) -> None:
    """Nothing of it waits for anybody."""
    engine, watch = begin(build)
    engine.click("abort", ANA)
    refuse_all(engine)
    with engine.store.transact() as db:
        db.execute("update upgrades set ended_at = 1, state = 'aborted'")
    watch.tick()
    assert list_direct(engine) == []


def test_status_names_the_channel_with_what_to_do(build: Build) -> None:
    """As long as it takes nothing."""
    engine, _ = begin(build)
    refuse_all(engine)
    told = f"nothing can be posted in <#{CHANNEL}>: {ARCHIVED}"
    for target in ("", "cluster-x"):
        assert f"⚠️ {begin_sentence(told)}" in engine.click("status", ANA, target)
    assert engine.journal.list_failing_channels() == [told]
    deliver(engine)
    assert engine.journal.list_failing_channels() == []
