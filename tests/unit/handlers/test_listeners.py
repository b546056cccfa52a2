"""From Slack's payload to a committed click, through the real Bolt app."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.clicks.orders import Approve, Deny, Pause, Start, StartOptions
from bot.journal.bodies import Message
from bot.journal.store import StoreBroken
from bot.slack.drawing.messages import draw_message
from steps.contract.errors import TryAgain
from tests.unit.bot.slack.samples import (
    EVERYBODYS,
    build_asking_view,
    build_blocked_body,
    build_gate_body,
    build_message,
)
from tests.unit.bot.slack.stand_in import CHANNEL
from tests.unit.handlers.front import ANA, BEN, Front

# The journal of the bot that draws the cards.
MARK = "ab12cd34"


def post_card(front: Front, message: Message) -> str:
    """Post a message as the announcer does; its ts."""
    drawing = draw_message(message, build_asking_view(), "rich", replace(EVERYBODYS, journal=MARK))
    return front.post(list(drawing.blocks))


@pytest.fixture
def gate(front: Front) -> str:
    """A gate's card in the channel."""
    return post_card(front, build_message("gate", build_gate_body()))


def test_a_command_becomes_a_click(front: Front) -> None:
    """With who, where and where to answer."""
    front.command("start cluster-x mtls=STRICT")
    click = front.book.last
    assert (click.order, click.user, click.channel) == (Start("cluster-x", StartOptions(mtls="STRICT")), ANA, CHANNEL)


def test_a_command_carries_its_response_url(front: Front) -> None:
    """The private answer goes there."""
    front.command("status")
    assert front.book.last.answer_to.startswith(front.slack.site.url)


def test_help_is_answered_at_once(front: Front) -> None:
    """Nothing is committed for it."""
    answer = front.command("help")
    assert ("start CLUSTER" in answer["ack"]["text"], front.book.clicks) == (True, [])


def test_an_unknown_command_is_answered_at_once(front: Front) -> None:
    """With what was probably meant, or with the commands that there are."""
    assert "`/asm-upgrade start everything`" in front.command("upgrade everything")["ack"]["text"]
    assert "approve" in front.command("zzz")["ack"]["text"]


def test_a_channel_stands_for_the_cluster_of_its_name(front: Front) -> None:
    """Or for the only one that it belongs to; here it belongs to two."""
    front.command("pause <#C0OTHER001|cluster-x>")
    assert front.book.last.order == Pause("cluster-x")


def test_a_button_becomes_a_click(front: Front, gate: str) -> None:
    """With the step and the generation that the card showed."""
    front.click(gate, "asm:approve")
    click = front.book.last
    assert (click.order, click.user) == (Approve("cluster-x-7", "control-plane/approve", 1), BEN)
    assert click.journal == MARK


def test_two_clicks_of_one_person_have_two_ids(front: Front, gate: str) -> None:
    """The journal decides which came first."""
    front.click(gate, "asm:approve")
    front.click(gate, "asm:approve")
    assert len(front.book.clicks) == 2


def list_duplicates(front: Front) -> list[dict[str, Any]]:
    """The payloads that came a second time and were answered."""
    return [one for one in front.slack.page.read("/ui/log")["entries"] if one["fault"] == "duplicate"]


def test_a_payload_delivered_twice_is_one_click(front: Front, gate: str) -> None:
    """Its id is made of what both have."""
    front.slack.fault("duplicate")
    front.click(gate, "asm:approve")
    front.slack.wait_for("log", lambda _state: list_duplicates(front))
    front.click(gate, "asm:pause")
    assert [click.order.action for click in front.book.clicks] == ["approve", "pause"]


def test_denying_opens_a_form(front: Front, gate: str) -> None:
    """Nothing is committed before the reason is given."""
    front.click(gate, "asm:deny")
    assert (front.slack.wait_for_form(BEN)["callback_id"], front.book.clicks) == ("asm:reason", [])


def test_the_reason_is_committed_with_the_denial(front: Front, gate: str) -> None:
    """With the channel for the private answer."""
    front.click(gate, "asm:deny")
    view = front.slack.wait_for_form(BEN)
    front.slack.act("view-submit", user=BEN, view_id=view["id"], values={"reason": {"reason": "not on a Friday"}})
    click = front.book.last
    denied = Deny("cluster-x-7", "control-plane/approve", 1, "not on a Friday")
    assert (click.order, click.channel, click.journal) == (denied, CHANNEL, MARK)


def test_a_blank_reason_is_a_fault_at_its_field(front: Front, gate: str) -> None:
    """The form stays open."""
    front.click(gate, "asm:deny")
    view = front.slack.wait_for_form(BEN)
    answer = front.slack.act("view-submit", user=BEN, view_id=view["id"], values={"reason": {"reason": "  "}})
    assert "reason" in answer["ack"]["errors"]


def test_a_choice_that_needs_a_reason_opens_a_form(front: Front) -> None:
    """Accepting a failed validation, for instance."""
    ts = post_card(front, build_message("blocked", build_blocked_body()))
    front.click(ts, "asm:decide:accept")
    assert "accept" in json.loads(front.slack.wait_for_form(BEN)["private_metadata"])["action_id"]


def test_a_form_that_slack_does_not_open_is_said(front: Front, gate: str) -> None:
    """The trigger lives three seconds."""
    front.slack.fault("error", method="views.open", error="expired_trigger_id")
    front.click(gate, "asm:deny")
    assert "did not open the form" in front.slack.wait_for_whisper(BEN)


def test_a_forged_value_is_answered_and_not_committed(front: Front) -> None:
    """A value that the bot can't have written."""
    button = {"type": "button", "action_id": "asm:approve", "value": "x", "text": {"type": "plain_text", "text": "A"}}
    ts = front.post([{"type": "actions", "elements": [button]}])
    front.click(ts, "asm:approve")
    assert ("could not be read" in front.slack.wait_for_whisper(BEN), front.book.clicks) == (True, [])


@pytest.mark.parametrize(
    ("field", "value"), [("team_id", "T0OTHER001"), ("api_app_id", "A0OTHER001"), ("team_id", None)]
)
def test_an_envelope_of_another_workspace_or_app_is_turned_away(front: Front, field: str, value: str | None) -> None:
    """The app token is the only proof in Socket Mode, so the ids are checked."""
    payload = copy.deepcopy(COMMAND) | {field: value}
    front.slack.act("payload", kind="slash_commands", payload=payload)
    assert front.book.clicks == []


def test_a_journal_that_can_not_be_written_is_said(front: Front) -> None:
    """Nobody believes that it was done."""
    front.book.fault = StoreBroken("the journal could not be written: disk full")
    assert "nothing was done" in front.command("pause cluster-x")["ack"]["text"]


def test_an_incident_shows_no_inner_words(front: Front) -> None:
    """They stand in the log under its id."""
    front.book.fault = StoreBroken("secret path")
    assert "secret path" not in front.command("pause cluster-x")["ack"]["text"]


def test_a_form_that_no_thread_can_open_is_said(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the acknowledgement's place, and none opens later."""

    def refuse(*_given: object) -> None:
        raise TryAgain("no thread could be started for a form: can't start new thread")

    monkeypatch.setattr("handlers.app.hand_over", refuse)
    opened = len(front.slack.calls("views.open"))
    assert "nothing was done" in front.command("start")["ack"]["text"]
    assert len(front.slack.calls("views.open")) == opened


def test_http_mode_takes_a_command(http: Front) -> None:
    """Signed with the app's secret."""
    http.command("status cluster-x")
    assert http.book.last.order.target == "cluster-x"


def test_http_mode_takes_a_button(http: Front) -> None:
    """The same listeners serve both modes."""
    ts = post_card(http, build_message("gate", build_gate_body()))
    http.click(ts, "asm:approve")
    assert isinstance(http.book.last.order, Approve)
    assert http.book.last.order.step == "control-plane/approve"


COMMAND: dict[str, Any] = {
    "token": "t",
    "team_id": "T0SANDBOX1",
    "team_domain": "sandbox",
    "channel_id": CHANNEL,
    "channel_name": "mesh-upgrades",
    "user_id": ANA,
    "user_name": "ana",
    "command": "/asm-upgrade",
    "text": "status",
    "api_app_id": "A0ASMUPG01",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.com/commands/x",
    "trigger_id": "1.2.3",
}
