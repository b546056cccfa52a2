"""What came of a call to Slack, in the terms in which the announcer decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeAlias

from slack_sdk.errors import SlackApiError, SlackClientError

# A JSON object of Slack's, in which anything may be missing.
Fields: TypeAlias = Mapping[str, Any]

GONE = frozenset({"edit_window_closed", "message_not_found", "cant_update_message"})
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"})
BAD_CONTENT = frozenset({"msg_too_long", "no_text", "invalid_metadata_format", "metadata_too_large"}) | {
    "invalid_arguments",
    "invalid_arg_name",
    "block_mismatch",
    "markdown_text_conflict",
}
# Some aspect of the operation may have succeeded, Slack's documentation says.
UNCERTAIN = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})
# Timeouts and "too many requests", of the address that takes a file.
PASSING = (408, 429)
LOST_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message"})
# The channel of an upgrade is that of its start until somebody moves it.
OTHER = (
    ", or let the upgrade go on in another one (`/asm-upgrade move CLUSTER #CHANNEL`); "
    "another `channel` in clusters.toml is for what begins after that"
)
REMEDIES: Mapping[str, str] = {
    "not_in_channel": "invite the bot into the channel",
    "channel_not_found": f"invite the bot into the channel{OTHER}",
    "is_archived": f"unarchive the channel{OTHER}",
    "invalid_auth": "set SLACK_BOT_TOKEN to the app's bot token",
    "account_inactive": "install the app in the workspace again",
    "token_revoked": "install the app in the workspace again",
    "missing_scope": "add the scopes of manifests/slack-app.yaml and install the app again",
    "restricted_action": "let the app post in this channel",
    "restricted_action_read_only_channel": "let the app post in this channel, which is read-only",
    "restricted_action_thread_only_channel": "let the app post in this channel, which takes replies only",
    "restricted_action_non_threadable_channel": f"let threads be in this channel{OTHER}",
    "restricted_action_thread_locked": "unlock the upgrade's thread",
    "ekm_access_denied": "give Slack its keys back: the workspace's key management withholds them",
    "team_access_not_granted": "give the app access to this workspace of the organisation",
    "token_expired": "turn token rotation off, and set SLACK_BOT_TOKEN to the app's bot token",
    "not_authed": "set SLACK_BOT_TOKEN to the app's bot token",
    "org_login_required": "wait: the workspace moves into an organisation",
}
# Whatever is posted there is refused: the channel is archived, the bot is not in it, or it may not post.
CHANNEL_CODES = frozenset({"not_in_channel", "channel_not_found", "is_archived"}) | {
    code for code in REMEDIES if code.startswith("restricted_action")
}


@dataclass(frozen=True)
class Answered:
    """Slack did it; `fields` is its answer."""

    fields: Fields


@dataclass(frozen=True)
class TooFast:
    """Slack did nothing and wants to be left alone for this many seconds."""

    seconds: float


@dataclass(frozen=True)
class Refused:
    """Slack did nothing and said why, with its error code."""

    code: str

    @property
    def concerns_all(self) -> bool:
        """Whether anything else posted there would be refused as well, until a person mends it."""
        return self.code in REMEDIES

    @property
    def concerns_channel(self) -> bool:
        """Whether it is the channel that takes nothing."""
        return self.code in CHANNEL_CODES

    @property
    def why(self) -> str:
        """The code, with what a person can do about it."""
        remedy = REMEDIES.get(self.code)
        return f"Slack refused: {self.code}" + (f"; {remedy}" if remedy else "")


@dataclass(frozen=True)
class Unclear:
    """Slack may or may not have done it."""

    why: str


# What the SDK itself finds no message.
MALFORMED = Refused("invalid_blocks")

SlackAnswer: TypeAlias = Answered | TooFast | Refused | Unclear


def call_slack(call: Callable[[], object]) -> SlackAnswer:
    """Make one Web API call and sort what comes of it; lost connections, timeouts and server errors are Unclear."""
    try:
        response = call()
    except SlackApiError as error:
        return _sort_error(error)
    except (OSError, HTTPException, SlackClientError) as error:
        # URLError, timeouts and resets are OSErrors; the request may have arrived.
        return Unclear(f"{type(error).__name__}: {error}")
    fields = getattr(response, "data", None)
    return Answered(fields if isinstance(fields, dict) else {})


def _sort_error(error: SlackApiError) -> SlackAnswer:
    response = error.response
    status = getattr(response, "status_code", 200)
    if status == 429:
        headers = {str(name).lower(): value for name, value in getattr(response, "headers", {}).items()}
        return TooFast(_read_seconds(headers.get("retry-after")))
    code = str(response.get("error") or "") if hasattr(response, "get") else ""
    if code in ("ratelimited", "rate_limited"):
        return TooFast(_read_seconds(None))
    if status >= 500 or code in UNCERTAIN or " " in code or not code:
        # The SDK puts a whole sentence into `error` where the body is not JSON.
        return Unclear(f"HTTP {status} {code[:120]}".strip())
    return Refused(code)


def sort_upload(status: int) -> SlackAnswer | None:
    """What came of the bytes of a file by the status of their address, None where they are there."""
    if 200 <= status < 300:
        return None
    told = f"upload: HTTP {status}"
    return Refused(told) if 400 <= status < 500 and status not in PASSING else Unclear(told)


def sort_lost_upload(error: Exception) -> Unclear:
    """The same where the address gave no answer."""
    return Unclear(f"upload: {type(error).__name__}")


def _read_seconds(header: object) -> float:
    value = header[0] if isinstance(header, list) and header else header
    try:
        return min(600.0, max(1.0, float(str(value))))
    except (TypeError, ValueError):
        return 30.0
