"""What a person is told at once, outside the journal: nothing was committed yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from bot.slack.drawing.messages import Drawing
from bot.slack.sending.posting import Postbox
from handlers.payloads import find_channel, find_user


def tell_unopened(client: WebClient, body: Mapping[str, Any], remedy: str) -> None:
    """Say in private that Slack didn't open a form; a trigger lives three seconds and serves once."""
    user = str(body.get("user_id") or "") or find_user(body)
    channel = str(body.get("channel_id") or "") or find_channel(body)
    text = f"Slack did not open the form, so nothing was done. Try again; {remedy}"
    Postbox(client, client).answer(str(body.get("response_url") or ""), user, channel, Drawing(text))
