"""What the doctor asks of Slack: tokens, scopes, and the time there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from bot.settings.environment import Settings
from bot.slack.api.clients import build_posting_client
from steps.contract.checks import Check, failed, passed, warned

if TYPE_CHECKING:
    from slack_sdk import WebClient

# Why each is needed stands beside it in manifests/slack-app.yaml.
SCOPES = (
    "commands",
    "chat:write",
    "im:write",
    "usergroups:read",
    "users:read",
    "files:read",
    "files:write",
    "channels:history",
    "groups:history",
    "im:history",
)
SKEW_WARNING_SECONDS = 30
SKEW_ERROR_SECONDS = 240


def check_slack(settings: Settings) -> Iterator[Check]:
    """Tokens, scopes and the clock, which is compared with Slack's."""
    from slack_sdk.errors import SlackApiError

    client = build_posting_client(settings.slack.bot_token, settings.slack.api_url)
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        code = str(error.response.get("error", error))
        yield failed("Slack bot token", f"Slack refuses it: {code}", "Set SLACK_BOT_TOKEN to the app's xoxb- token.")
        return
    except OSError as error:
        yield failed("Slack", f"Slack can't be reached: {error}", "Check the network and SLACK_API_URL.")
        return
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    yield passed("Slack bot token", f"{answer.get('user')} in {answer.get('team')}")
    yield check_scopes(headers.get("x-oauth-scopes", ""))
    yield check_clock(headers.get("date", ""), datetime.now(UTC))
    if settings.slack.mode == "socket":
        yield _check_app_token(client, settings.slack.app_token)


def _check_app_token(client: WebClient, token: str) -> Check:
    from slack_sdk.errors import SlackApiError

    try:
        client.apps_connections_open(app_token=token)
    except (SlackApiError, OSError) as error:
        return failed(
            "Slack app token",
            f"Socket Mode can't be opened: {error}",
            "Set SLACK_APP_TOKEN to an app-level token with connections:write.",
        )
    return passed("Slack app token", "Socket Mode can be opened")


def check_scopes(granted: str) -> Check:
    """The scopes of the bot token, as Slack's header x-oauth-scopes lists them."""
    names = {name.strip() for name in granted.split(",") if name.strip()}
    if not names:
        return warned("Slack scopes", "Slack did not tell the token's scopes")
    missing = [scope for scope in SCOPES if scope not in names]
    if missing:
        remedy = "Install the app again from manifests/slack-app.yaml."
        return failed("Slack scopes", f"the bot token lacks {', '.join(missing)}", remedy)
    return passed("Slack scopes", f"all {len(SCOPES)} are granted")


def check_clock(told: str, now: datetime) -> Check:
    """This machine's clock against an HTTP Date header."""
    try:
        there = parsedate_to_datetime(told)
    except ValueError:
        return warned("clock", "Slack told no time to compare with")
    skew = abs((now - there).total_seconds())
    sentence = f"{skew:.0f} s apart from Slack's"
    remedy = "Set the clock (NTP): signatures, tokens and approvals' expiry depend on it."
    if skew > SKEW_ERROR_SECONDS:
        return failed("clock", sentence, remedy)
    return warned("clock", sentence, remedy) if skew > SKEW_WARNING_SECONDS else passed("clock", sentence)
