"""Foreign text made safe for Slack: escaped, cut visibly, with the mentions that we put there kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from steps.contract.redaction import redact

Knows: TypeAlias = Callable[[str], bool]

MENTION = re.compile(r"(<@[UW][A-Z0-9]{2,20}>|<#[CG][A-Z0-9]{2,20}>)")
UTC_TIME = re.compile(r"`[^`\n]*`|(?P<time>\b\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")


def clean(text: str) -> str:
    """Redact, and drop control and bidirectional characters that could disguise a text; line ends and tabs stay."""
    return CONTROL.sub("", redact(text))


def escape(text: str) -> str:
    """Foreign text as mrkdwn that can't mention, link or broadcast."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_sentence(text: str, knows: Knows) -> str:
    """A sentence of ours: `<@U...>` of a known person and `<#C...>` stay mentions, everything else is escaped.

    Times in UTC are shown in the reader's own zone, except in code.
    """
    return "".join(part if is_mention(part, knows) else _show_times(escape(part)) for part in MENTION.split(text))


def _show_times(written: str) -> str:
    def show(found: re.Match[str]) -> str:
        if found["time"] is None:
            return found[0]
        try:
            return write_time(datetime.strptime(found["time"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
        except ValueError:
            return found[0]

    return UTC_TIME.sub(show, written)


def is_mention(part: str, knows: Knows) -> bool:
    """Whether a part of a sentence mentions a channel or a known person; a channel's mention notifies nobody."""
    return bool(MENTION.fullmatch(part)) and (part.startswith("<#") or knows(part[2:-1]))


def write_code(text: str) -> str:
    """Foreign text in a code span; backticks, which would end it, become quotes."""
    written = escape(text).replace("`", "'").replace("\n", " ")
    return f"`{written or ' '}`"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what is missing is said."""
    if len(text) <= limit:
        return text
    note = f" … ({len(text) - limit} more characters)"
    if len(note) >= limit:
        return text[: limit - 1] + "…"
    return text[: limit - len(note)] + note


def cut_written(text: str, limit: int, write: Callable[[str], str] = escape) -> str:
    """What `write` makes of as much of the text as fits: it is cut before it is escaped, so no entity is split."""
    keep = min(len(text), limit)
    while len(written := write(cut(text, keep))) > limit:
        keep -= max(1, (len(written) - limit) // 6)
    return written


def write_time(at: datetime, form: str = "{date_short_pretty} {time}") -> str:
    """A moment in the reader's own zone (Slack's date format), with UTC for clients that can't."""
    return f"<!date^{int(at.timestamp())}^{form}|{at:%Y-%m-%d %H:%M} UTC>"
