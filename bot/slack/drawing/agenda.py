"""The next 30 days as Block Kit, each moment in the reader's own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.models.blocks import Block

from bot.slack.drawing.cards import build_note, build_text
from bot.slack.drawing.text import Knows, cut_written, escape, write_sentence, write_time

DAY = timedelta(days=1)
TEXT_LIMIT = 160
# A line is at most 300 characters with its two moments, and a section 3,000.
LINES_A_BLOCK = 9
# All sections together stay below the 12,000 characters of a message.
LINES_SHOWN: Mapping[str, int] = {"Upgrades": 20, "Freezes": 8, "Windows": 8}


def draw_agenda(sections: Sequence[Mapping[str, Any]], knows: Knows) -> list[Block]:
    """The blocks of the calendar; none where there is nothing in it."""
    blocks: list[Block] = []
    for section in sections:
        title, lines = str(section["title"]), list(section["lines"])
        most = LINES_SHOWN.get(title, LINES_A_BLOCK)
        written = [write_line(line, knows) for line in lines[:most]]
        if len(lines) > most:
            written.append(f"… and {len(lines) - most} more: `/asm-upgrade calendar CLUSTER` shows one cluster's")
        parts = [written[place : place + LINES_A_BLOCK] for place in range(0, len(written), LINES_A_BLOCK)]
        blocks += [
            build_text("\n".join([f"*{escape(title)}*", *part] if place == 0 else part))
            for place, part in enumerate(parts)
        ]
    if not blocks:
        return []
    return [build_text("📅 *The next 30 days*"), *blocks, build_note("Times are in your own time zone.")]


def write_line(line: Sequence[str], knows: Knows) -> str:
    """`• Dec 3 at 2:00 AM - 5:00 AM: text`."""
    text, start, end = line
    written = cut_written(text, TEXT_LIMIT, lambda part: write_sentence(part, knows))
    return f"• {write_moments(start, end)}: {written}" if start else f"• {written}"


def write_moments(start: str, end: str) -> str:
    """From and to; the day of the end only where it is a day or more later."""
    opens = datetime.fromisoformat(start)
    if not end:
        return write_time(opens)
    closes = datetime.fromisoformat(end)
    form = "{time}" if closes - opens < DAY else "{date_short_pretty} {time}"
    return f"{write_time(opens)} – {write_time(closes, form)}"
