"""What Slack does not get is told where an operator looks, whether or not it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steps.contract.step import Waiting
from tests.unit.bot.workbench import Build, Engine


@pytest.fixture
def engine(build: Build) -> Engine:
    """Two messages wait for Slack."""
    engine = build({"prepare/a": lambda _ctx: Waiting("for pods", 5)})
    row = engine.add_upgrade(["prepare/a"])
    for sentence in ("one", "two"):
        engine.transitions.go_on(row, sentence)
    return engine


def defer(engine: Engine, why: str) -> None:
    """Slack takes none of them."""
    for message in engine.outbox.list_unsent(engine.clock.now()):
        engine.outbox.defer_message(message.id, engine.clock.now() + timedelta(minutes=1), why)


def test_messages_that_only_wait_are_no_trouble(engine: Engine) -> None:
    """Each is there for a moment."""
    assert engine.views.list_troubles() == []


def test_messages_that_are_tried_again_are_told_in_one_line(engine: Engine) -> None:
    """With why the last one was not taken."""
    defer(engine, "Slack answered channel_not_found")
    assert engine.views.list_troubles() == [
        "3 messages to Slack tried again in a while: Slack answered channel_not_found"
    ]


def test_once_slack_takes_them_nothing_is_told(engine: Engine) -> None:
    """The trouble is over."""
    defer(engine, "Slack answered channel_not_found")
    engine.clock.advance(120)
    for message in engine.outbox.list_unsent(engine.clock.now()):
        engine.outbox.mark_sent(message.id, "1.1", message.revision, engine.clock.now())
    assert engine.views.list_troubles() == []


def test_what_is_given_up_is_told_apart(engine: Engine) -> None:
    """Nobody waits for that."""
    first, *_ = engine.outbox.list_unsent(engine.clock.now())
    defer(engine, "Slack is out of reach")
    engine.outbox.drop_message(first.id, "it is too long")
    assert engine.views.list_troubles() == [
        "1 message to Slack given up, the last one as it is too long",
        "2 messages to Slack tried again in a while: Slack is out of reach",
    ]
