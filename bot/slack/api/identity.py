"""Who the bot is in Slack: asked once at start, compared with every envelope afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from slack_sdk import WebClient

from bot.slack.api.answers import Answered, Refused, TooFast, Unclear, call_slack
from steps.contract.wording import describe_seconds


class SlackUnreachable(Exception):
    """Slack could not be asked; worth another try after a pause."""


class SlackRefusal(Exception):
    """Slack does not accept the token; the text says what to do."""


@dataclass(frozen=True)
class SlackIdentity:
    """The workspace, the app and its bot user. `app_id` is "" where nothing tells it; `url` ends in a slash."""

    team_id: str
    enterprise_id: str
    bot_user_id: str
    bot_id: str
    app_id: str
    url: str = ""


def read_identity(client: WebClient, app_token: str = "") -> SlackIdentity:
    """Ask auth.test. Raises SlackUnreachable or SlackRefusal. An app-level token (xapp-1-APPID-...) names the app."""
    answer = call_slack(client.auth_test)
    match answer:
        case Answered(fields):
            return SlackIdentity(
                team_id=str(fields.get("team_id") or ""),
                enterprise_id=str(fields.get("enterprise_id") or ""),
                bot_user_id=str(fields.get("user_id") or ""),
                bot_id=str(fields.get("bot_id") or ""),
                app_id=str(fields.get("app_id") or "") or _read_app_id(app_token),
                url=str(fields.get("url") or ""),
            )
        case Refused():
            raise SlackRefusal(answer.why)
        case TooFast(seconds):
            raise SlackUnreachable(f"Slack asks to wait {describe_seconds(seconds)}")
        case Unclear(why):
            raise SlackUnreachable(why)
        case _:
            assert_never(answer)


def _read_app_id(app_token: str) -> str:
    parts = app_token.split("-")
    return parts[2] if len(parts) > 3 and parts[0] == "xapp" and parts[2].startswith("A") else ""
