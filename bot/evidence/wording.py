"""Names, times and sentences of the journal as plain text: neither Slack nor a reader's time zone is at hand."""

from __future__ import annotations

import re
from datetime import datetime

from bot.journal.records import BOT, OPERATOR

MENTION = re.compile(r"<@([A-Z0-9]+)>")


def write_moment(at: datetime | None) -> str:
    """A time in UTC to the second, "" where there is none."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def write_name(actor: str) -> str:
    """Who acted: a person by their Slack id, the bot, or the command line of its machine."""
    return {BOT: "the bot", OPERATOR: "the command line", "": ""}.get(actor, f"@{actor}")


def write_unmarked(sentence: str) -> str:
    """A sentence of the thread without Slack's syntax for people."""
    return MENTION.sub(r"@\1", sentence)
