"""The next 30 days as Block Kit, each moment in the reader's own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from slack_sdk.models.blocks import Block

from bot.journal.bodies import AgendaLine, AgendaSection
from bot.slack.drawing.cards import build_note, build_text
from bot.slack.drawing.text import Pen, escape
from steps.contract.wording import begin_sentence

DAY = timedelta(days=1)
TEXT_LIMIT = 160
# A line is at most 300 characters with its two moments, and a section 3,000.
LINES_A_BLOCK = 9
# All sections together stay below the 12,000 characters of a message.
LINES_SHOWN: Mapping[str, int] = {"Upgrades": 20, "Freezes": 8, "Windows": 8}


def draw_agenda(sections: Sequence[AgendaSection], pen: Pen) -> list[Block]:
    """The blocks of the calendar; none where there is nothing in it."""
    blocks: list[Block] = []
    for section in sections:
        most = LINES_SHOWN.get(section.title, LINES_A_BLOCK)
        written = [write_line(line, pen) for line in section.lines[:most]]
        if (left := len(section.lines) - most) > 0:
            written.append(f"… and {left} more: `/asm-upgrade calendar CLUSTER` shows one cluster's")
        parts = [written[place : place + LINES_A_BLOCK] for place in range(0, len(written), LINES_A_BLOCK)]
        blocks += [
            build_text("\n".join([f"*{escape(section.title)}*", *part] if place == 0 else part))
            for place, part in enumerate(parts)
        ]
    if not blocks:
        return []
    return [build_text("📅 *The next 30 days*"), *blocks, build_note("Times are in your own time zone.")]


def write_line(line: AgendaLine, pen: Pen) -> str:
    """`• Dec 3 at 2:00 AM - 5:00 AM: text`."""
    written = pen.write_sentence(line.text, TEXT_LIMIT)
    return f"• {draw_span(line.starts, line.ends, pen)}: {written}" if line.starts else f"• {begin_sentence(written)}"


def draw_span(starts: datetime, ends: datetime | None, pen: Pen) -> str:
    """From and to; the day of the end only where it is a day or more later."""
    if ends is None:
        return pen.write_time(starts)
    form = "{time}" if ends - starts < DAY else "{date_short_pretty} {time}"
    return f"{pen.write_time(starts)} – {pen.write_time(ends, form)}"
