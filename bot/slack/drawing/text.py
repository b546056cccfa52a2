"""Text made safe for Slack, with the mentions, moments and links that we put there; and the same for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from steps.contract.redaction import redact

MENTION = re.compile(r"(<@[UW][A-Z0-9]{2,20}>|<#[CG][A-Z0-9]{2,20}>)")
UTC_TIME = re.compile(r"`[^`\n]*`|(?P<time>\b\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")
SENTENCE_LIMIT = 2800
HASH = re.compile(r"\b([0-9a-f]{40,64})\b")
HASH_SHOWN = 12
# A key that nobody shipped is judged by the whole of its fingerprint, where the risk names it.
SHORTENED = re.compile(r"(?<!\(SHA-256 )\b([0-9a-f]{40,64})\b")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")
DATE = re.compile(r"<!date\^[^|<>]*\|([^<>]*)>")
LINK = re.compile(r"<(https?://[^|<>\s]+)\|([^<>]*)>")
LONE_LINK = re.compile(r"<(https?://[^|<>\s]+)>")
MENTIONED = re.compile(r"<[@#]([UWCG][A-Z0-9]+)(?:\|[^<>]*)?>")
FENCE = re.compile(r"```\n?")
BOLD = re.compile(r"(?<![\w*`])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*`])")


def clean(text: str) -> str:
    """Redact, and drop control and bidirectional characters that could disguise a text; line ends and tabs stay."""
    return CONTROL.sub("", redact(text))


def escape(text: str) -> str:
    """Foreign text as mrkdwn that can't mention, link or broadcast."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_code(text: str) -> str:
    """Foreign text in a code span; backticks, which would end it, become quotes."""
    written = escape(text).replace("`", "'").replace("\n", " ")
    return f"`{written or ' '}`"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; a cut can be seen."""
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


def shorten_hashes(text: str) -> str:
    """The beginning of each hash in a sentence; nobody compares 64 letters by eye, and a fold has them to copy."""
    return SHORTENED.sub(lambda found: f"{found[0][:HASH_SHOWN]}…", text)


@dataclass(frozen=True)
class Pen:
    """Writes what only Slack understands: mentions, moments and links.

    `knows` tells who is a person that a sentence may mention, `workspace` is the address that links lead to. `journal`
    is the mark of the bot's journal, by which its buttons are told from those of another bot of the same Slack app.
    `whole` leaves hashes as they are, where there is no fold for them.
    """

    knows: Callable[[str], bool]
    workspace: str = ""
    journal: str = ""
    whole: bool = False

    def write_sentence(self, text: str, limit: int = SENTENCE_LIMIT) -> str:
        """A sentence of ours: `<@U...>` of a known person and `<#C...>` stay mentions, everything else is escaped.

        Times in UTC are shown in the reader's own zone, except in code. What is longer than the limit is cut.
        """
        return cut_written(text if self.whole else shorten_hashes(text), limit, self._write_parts)

    def split_sentence(self, text: str) -> list[tuple[str, bool]]:
        """The parts of a sentence, each with whether it is a mention."""
        return [(part, self._is_mention(part)) for part in MENTION.split(text)]

    def write_person(self, user: str) -> str:
        """A mention of a known person; of anybody else the id as text."""
        return self._write_parts(f"<@{user}>")

    def write_time(self, at: datetime, form: str = "{date_short_pretty} {time}") -> str:
        """A moment in the reader's own zone (Slack's date format), with UTC for clients that can't."""
        return f"<!date^{int(at.timestamp())}^{form}|{at:%Y-%m-%d %H:%M} UTC>"

    def write_link(self, channel: str, ts: str, text: str, thread: str = "") -> str:
        """A link to a message of the workspace, in that thread; "" where one of the parts is missing."""
        if not (self.workspace and channel and ts):
            return ""
        place = f"?thread_ts={thread}&amp;cid={channel}" if thread else ""
        return f"<{self.workspace}archives/{channel}/p{ts.replace('.', '')}{place}|{text}>"

    def _write_parts(self, text: str) -> str:
        return "".join(part if known else self._show_times(escape(part)) for part, known in self.split_sentence(text))

    def _is_mention(self, part: str) -> bool:
        """A mention of a channel, which notifies nobody, or of a known person."""
        return bool(MENTION.fullmatch(part)) and (part.startswith("<#") or self.knows(part[2:-1]))

    def _show_times(self, written: str) -> str:
        return UTC_TIME.sub(self._show_time, written)

    def _show_time(self, found: re.Match[str]) -> str:
        if found["time"] is None:
            return found[0]
        try:
            return self.write_time(datetime.strptime(found["time"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
        except ValueError:
            return found[0]


def write_plain(text: str) -> str:
    """A text that was written for Slack, as it is read on a terminal."""
    text = LONE_LINK.sub(r"\1", LINK.sub(r"\2 (\1)", DATE.sub(r"\1", text)))
    text = FENCE.sub("", BOLD.sub(r"\1", MENTIONED.sub(r"\1", text)))
    for escaped, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, meant)
    return clean(text)
