"""Who is told, and how often, of a channel that takes nothing."""

from __future__ import annotations

from datetime import timedelta

from bot.journal.deliveries import UNWRITABLE
from bot.journal.outbox import Outbox
from bot.reminders.channels import ChannelWatch
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


def list_direct(engine: Engine) -> list[str]:
    """To whom the bot wrote directly, in order."""
    rows = engine.store.read("select channel from outbox where kind = 'milestone' and channel like 'U%' order by seq")
    return [row["channel"] for row in rows]


def test_who_asked_and_who_approves_are_told_once(build: Build) -> None:
    """However often it is tried, and after a restart of the bot."""
    engine, watch = begin(build)
    refuse_all(engine)
    watch.tick()
    watch.tick()
    ChannelWatch(engine.journal, Outbox(engine.store), engine.chronicle, engine.clock).tick()
    assert list_direct(engine) == [ANA, BEN, CAI]
    (told, *_) = engine.store.read("select body from outbox where channel = ?", [ANA])
    assert f"cluster-x: nothing can be posted in <#{CHANNEL}>, where cluster-x-1 is told. {ARCHIVED}." in told["body"]
    assert "cluster-x-1 stays where it is, but a way back and any later upgrade are told there" in told["body"]


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
