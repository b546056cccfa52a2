"""What no listener of its own takes is acknowledged all the same."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from slack_bolt import App, BoltRequest

from handlers.app import build_app
from sandbox.slack.to_bot.http_mode import sign
from tests.unit.bot.slack.stand_in import HandClock, run_slack
from tests.unit.handlers.front import ANA, GuestBook, build_reception

ENVELOPE = {"team_id": "T0SANDBOX1", "api_app_id": "A0ASMUPG01"}
ANYBODY = ENVELOPE | {"user": {"id": ANA, "team_id": "T0SANDBOX1"}, "team": {"id": "T0SANDBOX1"}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The bot's listeners."""
    folder: Path = tmp_path_factory.mktemp("state")
    with run_slack(HandClock()) as slack, build_reception(slack, GuestBook(), folder) as (reception, _front):
        yield build_app(reception, slack.posting(), "s" * 32)


def send(app: App, body: str) -> int:
    """The status that a signed request is answered with."""
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    headers: dict[str, str | Sequence[str]] = {"Content-Type": kind}
    headers |= sign("s" * 32, body.encode(), int(time.time()))
    return app.dispatch(BoltRequest(body=body, headers=headers)).status


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_uninstalled"},
        {"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}},
        {"type": "subteam_members_changed"},
        {"type": "message", "subtype": "message_changed"},
        {"type": "reaction_added"},
        {"type": "something_new"},
        {"type": "app_home_opened", "user": ANA, "tab": "messages"},
    ],
)
def test_every_event_is_taken_without_a_fault(app: App, event: dict[str, Any]) -> None:
    """Slack would send it again otherwise, and switch off an app that never answers."""
    assert send(app, json.dumps(ENVELOPE | {"type": "event_callback", "event": event})) == 200


@pytest.mark.parametrize(
    "body",
    [
        {"type": "block_actions", "actions": [{"action_id": "foreign", "block_id": "b", "type": "button"}]},
        {
            "type": "block_actions",
            "actions": [{"action_id": "", "block_id": "", "type": "button", "value": "x" * 999}],
        },
        {"type": "shortcut", "callback_id": "foreign"},
        {"type": "message_action", "callback_id": "foreign"},
        {"type": "view_submission", "view": {"callback_id": "foreign", "type": "modal"}},
        {"type": "view_closed", "view": {"callback_id": "foreign", "type": "modal"}},
        {"type": "block_suggestion", "action_id": "foreign", "block_id": "b", "value": "x"},
    ],
)
def test_what_nobody_knows_is_acknowledged(app: App, body: dict[str, Any]) -> None:
    """A card of an earlier version, or a shortcut that the manifest doesn't have."""
    assert send(app, "payload=" + quote(json.dumps(ANYBODY | body))) == 200
