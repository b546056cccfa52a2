"""What the sandbox sends to the bot and what the bot calls in return, judged by Slack's own types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.slack.drawing.messages import draw_message
from tests.contracts.slack.oracle import find_answer_faults, find_call_faults, find_log_faults, find_payload_faults
from tests.unit.bot.slack.samples import EVERYBODYS, build_asking_view, build_gate_body, build_message
from tests.unit.bot.slack.stand_in import HandClock, run_slack
from tests.unit.handlers.front import ANA, BEN, Front, GuestBook, open_http, open_socket


@pytest.fixture(params=["socket", "http"])
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """The bot's front door in either mode."""
    opener = open_socket if request.param == "socket" else open_http
    with run_slack(HandClock()) as slack, opener(slack, GuestBook(), tmp_path) as opened:
        yield opened


def read_log(front: Front) -> list[dict[str, Any]]:
    """Everything that went between Slack and the bot."""
    entries = requests.get(f"{front.slack.site.url}/ui/log", timeout=15).json()["entries"]
    assert isinstance(entries, list)
    return entries


def test_a_session_holds_to_slacks_types(front: Front) -> None:
    """Commands, buttons, both forms, the Home tab and all that the bot calls for them."""
    front.command("status")
    drawing = draw_message(build_message("gate", build_gate_body()), build_asking_view(), "rich", EVERYBODYS)
    ts = front.post(list(drawing.blocks))
    front.click(ts, "asm:approve")
    front.click(ts, "asm:deny")
    front.slack.wait_for_form(BEN)
    submit_form(front, BEN, {"reason": {"reason": "not today"}})
    front.command("start")
    view = front.slack.wait_for_form(ANA)
    front.slack.act("click", user=ANA, view_id=view["id"], action_id="asm-start:cluster", value="cluster-y")
    front.slack.wait_for("views", lambda state: "us-central1-a/cluster-y" in str(state["views"][ANA]))
    submit_form(front, ANA, {"set": {"set": "values.kiali.enabled=true"}})
    front.slack.act("home", user=ANA)
    front.tabs.turn()
    assert (len(front.book.clicks), find_log_faults(read_log(front))) == (4, [])


def submit_form(front: Front, user: str, values: dict[str, Any]) -> None:
    """Submit the form that is open for a person."""
    view = front.slack.state()["views"][user][-1]
    assert front.slack.act("view-submit", user=user, view_id=view["id"], values=values)["ok"]


def test_the_search_in_a_form_holds_to_slacks_types(front: Front) -> None:
    """The schedule form with its zones, and a form that is closed."""
    front.command("schedule cluster-y")
    view = front.slack.wait_for_form(ANA)
    front.slack.act("suggest", user=ANA, view_id=view["id"], action_id="asm-schedule:zone", value="Seo")
    front.slack.act("view-close", user=ANA, view_id=view["id"])
    entries = read_log(front)
    kinds = {str((entry["request"].get("payload") or entry["request"]).get("type")) for entry in list_sent(entries)}
    assert ("block_suggestion" in kinds, find_log_faults(entries)) == (True, [])


def list_sent(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was sent to the bot."""
    return [one for one in entries if one["kind"] in ("envelope", "http") and isinstance(one["request"], dict)]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "event_callback", "event": {"type": "app_home_opened", "user": 7}},
        {"type": "view_closed", "user": {}},
        {"type": "block_suggestion", "value": 1},
    ],
)
def test_the_judge_knows_a_wrong_payload(payload: dict[str, Any]) -> None:
    """A judge that takes everything proves nothing."""
    assert find_payload_faults(payload) != []


def test_the_judge_knows_a_wrong_answer() -> None:
    """A ts is text."""
    assert find_answer_faults("chat.postMessage", {"ok": True, "ts": 1.5}) != []


def test_the_judge_knows_a_method_that_it_has_no_type_for() -> None:
    """A new call of the bot needs a type first."""
    assert find_call_faults("chat.delete", {"channel": "C0"}) != []
