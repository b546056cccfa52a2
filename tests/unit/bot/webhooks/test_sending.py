"""Each event reaches each webhook at least once, or it is told that it never will."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bot.journal import deliveries as table
from bot.journal.audit import AuditEvent, Decided, Halted, Paused, Resumed
from bot.journal.deliveries import Deliveries
from bot.settings.webhooks import Webhook
from bot.webhooks.sending import BATCH, PAUSES, WebhookSender
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.workbench import ANA, Build, Engine

PAGER = Webhook("pager", "https://pager.example/", b"s" * 24)


@dataclass
class Receiver:
    """Takes events as long as nothing is wrong with it; `taken` are the ids that it has."""

    fault: Exception | None = None
    refused: str = ""
    taken: list[str] = field(default_factory=list)
    tries: int = 0

    def post(self, _url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take an event or fail."""
        self.tries += 1
        if self.fault:
            raise self.fault
        if self.refused and self.refused in body.decode():
            raise GiveUp("it answered 400", "Look at it.")
        assert json.loads(body)["id"] == headers["webhook-id"]
        self.taken.append(json.loads(body)["data"]["row"]["action"])


@pytest.fixture
def engine(build: Build) -> Engine:
    """An engine with one upgrade."""
    made = build({})
    made.add_upgrade(["a/b"])
    return made


def build_sender(engine: Engine, receiver: Receiver, webhook: Webhook = PAGER) -> WebhookSender:
    """The sender of one webhook over the engine's journal."""
    return WebhookSender(webhook, Deliveries(engine.store), receiver.post, engine.clock)


def note(engine: Engine, *events: AuditEvent) -> None:
    """Let events come into the audit."""
    for event in events:
        engine.journal.append("cluster-x-1", ANA, event, engine.clock.now())


PAUSE, RESUME = Paused("a/b", ""), Resumed("a/b", "")
BLOCK, DECIDE = Halted("a/b", 1, "no", "retry"), Decided("approve", "a/b", 1, "9f", "")


def test_what_comes_into_the_audit_is_sent_in_order(engine: Engine) -> None:
    """And once, as long as the receiver takes it; a new webhook isn't told what was before it."""
    note(engine, RESUME)
    receiver = Receiver()
    sender = build_sender(engine, receiver)
    note(engine, PAUSE, BLOCK, DECIDE)
    assert sender.turn() is None
    assert sender.turn() is None
    assert receiver.taken == ["pause", "block", "approve"]
    assert engine.store.read("select * from deliveries") == []


def test_a_webhook_gets_the_kinds_that_it_asked_for(engine: Engine) -> None:
    """A pager is not called for every step."""
    receiver = Receiver()
    sender = build_sender(engine, receiver, Webhook("p", "https://p.example/", b"s" * 24, "", frozenset({"blocked"})))
    note(engine, PAUSE, BLOCK, DECIDE)
    sender.turn()
    assert receiver.taken == ["block"]


def test_a_bot_that_is_started_again_goes_on(engine: Engine) -> None:
    """Also with what came while it was down."""
    build_sender(engine, Receiver(TryAgain("it answered 503"))).turn()
    note(engine, PAUSE)
    receiver = Receiver()
    build_sender(engine, receiver).turn()
    assert receiver.taken == ["pause"]


def test_a_receiver_that_was_down_gets_everything(engine: Engine) -> None:
    """In order; while it is down only the first is tried."""
    receiver = Receiver(TryAgain("it answered 503"))
    sender = build_sender(engine, receiver)
    note(engine, PAUSE, BLOCK)
    sender.turn()
    assert receiver.tries == 1
    receiver.fault = None
    engine.clock.advance(PAUSES[0])
    sender.turn()
    assert receiver.taken == ["pause", "block"]


def test_the_pauses_grow_to_an_hour(engine: Engine) -> None:
    """Nobody hammers at a receiver that is down."""
    receiver = Receiver(TryAgain("it answered 503"))
    sender = build_sender(engine, receiver)
    note(engine, PAUSE)
    waits = []
    for _ in range(len(PAUSES) + 2):
        waits.append(sender.turn())
        engine.clock.advance(waits[-1] or 0)
    assert waits == [*PAUSES, PAUSES[-1], PAUSES[-1]]


def test_after_a_day_it_is_given_up_and_told(engine: Engine) -> None:
    """By `status` and doctor."""
    receiver = Receiver(TryAgain("it answered 503"))
    sender = build_sender(engine, receiver)
    note(engine, PAUSE)
    while (wait := sender.turn()) is not None:
        engine.clock.advance(wait)
    assert receiver.tries < 35
    assert engine.views.list_troubles() == ["1 event for the webhook pager given up: it answered 503"]


def test_a_receiver_that_takes_nothing_is_told_before_that(engine: Engine) -> None:
    """After a few attempts."""
    sender = build_sender(engine, Receiver(TryAgain("it answered 503")))
    note(engine, PAUSE)
    sender.turn()
    assert engine.views.list_troubles() == []
    for _ in range(3):
        engine.clock.advance(3600)
        sender.turn()
    assert engine.views.list_troubles() == ["1 event for the webhook pager tried again and again: it answered 503"]


def test_an_event_that_is_refused_holds_no_other(engine: Engine) -> None:
    """It may be too large for the receiver; the others go on."""
    receiver = Receiver(refused='"action":"pause"')
    sender = build_sender(engine, receiver)
    note(engine, PAUSE, BLOCK)
    sender.turn()
    assert receiver.taken == ["block"]


def test_a_fault_of_the_bot_itself_holds_no_other(engine: Engine) -> None:
    """It has a number that the log has too."""
    receiver = Receiver(ValueError("oops"))
    sender = build_sender(engine, receiver)
    note(engine, PAUSE)
    assert sender.turn() == PAUSES[0]
    (row,) = engine.store.read("select trouble from deliveries")
    assert row["trouble"].startswith("a fault of the bot itself (incident ")


def test_one_webhook_holds_no_other(engine: Engine) -> None:
    """Each has rows and a place of its own."""
    down, up = Receiver(TryAgain("it answered 503")), Receiver()
    siem = build_sender(engine, up, Webhook("siem", "https://siem.example/", b"s" * 24))
    pager = build_sender(engine, down)
    note(engine, PAUSE)
    pager.turn()
    siem.turn()
    assert (up.taken, down.taken) == (["pause"], [])


def test_what_waits_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are given up where too many wait."""
    monkeypatch.setattr(table, "MOST_WAITING", 3)
    sender = build_sender(engine, Receiver(TryAgain("it answered 503")))
    for _ in range(3):
        note(engine, PAUSE, RESUME)
    sender.turn()
    states = [row["state"] for row in engine.store.read("select state from deliveries order by seq")]
    assert states == ["given up"] * 3 + ["waiting"] * 3


def test_a_turn_is_bounded(engine: Engine) -> None:
    """A thousand events are sent in many turns, so that the bot can end in between."""
    receiver = Receiver()
    sender = build_sender(engine, receiver)
    note(engine, *[PAUSE] * (BATCH + 5))
    assert sender.turn() == 0.0
    assert len(receiver.taken) == BATCH
    assert sender.turn() is None
    assert len(receiver.taken) == BATCH + 5


class Killed(BaseException):
    """The bot is gone."""


def test_a_kill_after_the_post_sends_it_again_under_the_same_id(engine: Engine) -> None:
    """At least once, and known by its id."""
    ids: list[str] = []

    def take_and_die(_url: str, headers: Mapping[str, str], _body: bytes) -> None:
        ids.append(headers["webhook-id"])
        if len(ids) == 1:
            raise Killed

    sender = WebhookSender(PAGER, Deliveries(engine.store), take_and_die, engine.clock)
    note(engine, PAUSE)
    with pytest.raises(Killed):
        sender.turn()
    WebhookSender(PAGER, Deliveries(engine.store), take_and_die, engine.clock).turn()
    assert ids == [ids[0]] * 2


def test_status_in_slack_tells_it_too(engine: Engine) -> None:
    """Whoever asks where things stand hears that nobody is paged."""
    sender = build_sender(engine, Receiver(GiveUp("it answered 401", "Look at it.")))
    note(engine, PAUSE)
    for _ in range(3):
        sender.turn()
        engine.clock.advance(3600)
    told = engine.click("status", target="")
    assert "⚠️ 1 event for the webhook pager tried again and again: it answered 401" in told
