"""The root message of an upgrade: what it is, how it stands, a card for each phase and the buttons that are legal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from slack_sdk.models.blocks import (
    Block,
    HeaderBlock,
    PlainTextObject,
    PlanBlock,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextSectionElement,
    TaskCardBlock,
)

from bot.journal.records import ENDED, Action
from bot.slack.drawing.buttons import build_controls, build_row
from bot.slack.drawing.cards import Look, build_note, build_sentence, build_text
from bot.slack.drawing.text import Pen, clean, cut, escape, shorten_hashes, write_code
from bot.telling.phrases import mention
from bot.telling.reports import describe_link, describe_times, describe_versions
from bot.telling.views import PhaseView, UpgradeView
from steps.contract.wording import begin_sentence, count_things, describe_seconds

CardStatus: TypeAlias = Literal["pending", "in_progress", "complete", "error"]

STATUS: dict[str, CardStatus] = {
    "pending": "pending",
    "running": "in_progress",
    # nothing turns while people are waited for
    "asking": "pending",
    "blocked": "error",
    "done": "complete",
}
SIGNS = {"pending": "○", "running": "◔", "asking": "✋", "blocked": "⛔", "done": "✅"}
WORDS = {"asking": "waiting for a decision", "blocked": "blocked"}
# What an upgrade is called that people ended before its plan was through, and the phases in which it ends.
STOPPED: Mapping[str, str] = {"aborted": "Aborted", "rolled back": "Taken back"}
ENDING = ("abort", "landing")
CONTROLS: tuple[Action, ...] = ("pause", "resume", "retry", "abort", "rollback")
SENTENCE_LIMIT = 300
MENTIONED = 10
CODE_SPAN = re.compile(r"(`[^`]+`)")


def draw_root(view: UpgradeView, look: Look, block_id: str, pen: Pen, asked: Sequence[str] = ()) -> list[Block]:
    """The blocks of the root message; `asked` are those who may answer what it waits for."""
    return [
        HeaderBlock(text=PlainTextObject(text=cut(clean(_title(view)), 150), emoji=False)),
        build_note(_write_origin(view, pen)),
        *_build_standing(view, pen),
        *_build_asked(view, pen, asked),
        *_build_phases(view, look, block_id, pen),
        *build_row(build_controls(view, CONTROLS, pen), f"{block_id}|buttons"),
    ]


def write_root_text(view: UpgradeView, pen: Pen) -> str:
    """One line for notifications and readers without blocks."""
    standing = pen.write_sentence(_standing(view)[1], 600)
    return f"{escape(_title(view))}: {standing}"


def draw_left_root(view: UpgradeView, channel: str, pen: Pen) -> list[Block]:
    """The root that stays in a channel that its upgrade has left."""
    return [build_sentence(_tell_left(view, channel), pen, "➡️ ", view.cluster)]


def write_left_root(view: UpgradeView, channel: str, pen: Pen) -> str:
    """The same in words."""
    return pen.write_sentence(f"{view.cluster}: {_tell_left(view, channel)}")


def _tell_left(view: UpgradeView, channel: str) -> str:
    return f"{view.id} is told in <#{channel}>; what stands in this thread was told here until then."


def _title(view: UpgradeView) -> str:
    return f"{view.cluster}: {describe_versions(view)}"


def _write_origin(view: UpgradeView, pen: Pen) -> str:
    asked = pen.write_person(view.requester) if view.requester else "the command line"
    what = "way back" if view.takes_back else "upgrade"
    origin = f"Anthos Service Mesh {what} {write_code(view.id)}{escape(describe_link(view))}"
    origin += f" · asked for by {asked} · {pen.write_time(view.created_at)}"
    return origin if view.production else f"{origin} · not production"


def _build_standing(view: UpgradeView, pen: Pen) -> list[Block]:
    sign, sentence = _standing(view)
    blocks: list[Block] = [build_sentence(sentence, pen, f"{sign} ", view.cluster)]
    if view.state == "blocked" and view.remedy:
        blocks.append(build_sentence(view.remedy, pen, "*What to do:* ", view.cluster))
    if view.question and view.question.expires_at and view.state == "asking":
        blocks.append(build_note(f"The question expires {pen.write_time(view.question.expires_at)}."))
    return blocks


def _build_asked(view: UpgradeView, pen: Pen, asked: Sequence[str]) -> list[Block]:
    """Who is waited for and when it may act."""
    people = " ".join(pen.write_person(user) for user in asked[:MENTIONED]) if not view.paused_by else ""
    told = [
        f"Asked: {people}" if people else "",
        pen.write_sentence(describe_times(view)) if view.ended_at is None else "",
    ]
    return [build_note(" · ".join(filter(None, told)))] if any(told) else []


def _standing(view: UpgradeView) -> tuple[str, str]:
    if view.paused_by and view.state not in ENDED:
        return "⏸", f"Paused by {mention(view.paused_by)}. {view.sentence}"
    match view.state:
        case "asking":
            return "✋", f"Waiting for a decision: {view.question.question if view.question else view.sentence}"
        case "blocked":
            return "⛔", f"Blocked: {view.sentence}"
        case "upgraded":
            return "✅", view.sentence or "Upgraded."
        case "proposed":
            return "📋", view.sentence or "Proposed."
        case "aborted":
            return "🛑", view.sentence or "Aborted."
        case "rolled back":
            return "↩️", view.sentence or "Taken back."
        case "returned":
            return "✅", view.sentence or "Back on the earlier release."
        case "running":
            return "⚙️", view.sentence or "Running."


def _build_phases(view: UpgradeView, look: Look, block_id: str, pen: Pen) -> list[Block]:
    if not view.phases:
        return []
    if look == "rich":
        cards = [_build_phase_card(phase, view, pen) for phase in view.phases]
        return [PlanBlock(title=_plan_title(view), tasks=cards, block_id=f"{block_id}|plan")]
    lines = [_write_phase_line(phase, view, pen) for phase in view.phases]
    return [build_text(f"*{escape(_plan_title(view))}*"), build_text("\n".join(lines))]


def _plan_title(view: UpgradeView) -> str:
    done = sum(phase.state == "done" and phase.name not in ENDING for phase in view.phases)
    if view.state in STOPPED:
        return f"{STOPPED[view.state]} after {count_things(done, 'phase')}"
    return f"{done} of {len(view.phases)} phases done"


def _build_phase_card(phase: PhaseView, view: UpgradeView, pen: Pen) -> TaskCardBlock:
    return TaskCardBlock(
        task_id=phase.name,
        title=cut(clean(_phase_title(phase, view)), 150),
        status="pending" if view.paused_by and phase.state == "running" else STATUS[phase.state],
        details=_build_rich(_timing_parts(phase)),
        # What stands above the plan already is not said twice.
        output=_build_rich(_told_parts(phase, view, pen)),
    )


def _phase_title(phase: PhaseView, view: UpgradeView) -> str:
    if view.paused_by and phase.state == "running":
        return f"{phase.title} (paused)"
    if view.state in STOPPED and phase.state != "done":
        return f"{phase.title} ({'stopped' if phase.started_at else 'not started'})"
    word = WORDS.get(phase.state)
    return f"{phase.title} ({word})" if word else phase.title


def _timing_parts(phase: PhaseView) -> list[RichTextElement]:
    if phase.started_at is None:
        return []
    if phase.ended_at is not None:
        return [RichTextElementParts.Text(text=_write_elapsed(phase.started_at, phase.ended_at, phase.asked))]
    started = RichTextElementParts.Date(
        timestamp=int(phase.started_at.timestamp()), format="{time}", fallback=f"{phase.started_at:%H:%M} UTC"
    )
    return [RichTextElementParts.Text(text="since "), started]


def _told_parts(phase: PhaseView, view: UpgradeView, pen: Pen) -> list[RichTextElement]:
    """What a phase tells, a line each."""
    parts: list[RichTextElement] = []
    for line in _list_told(phase, view):
        parts += [RichTextElementParts.Text(text="\n")] if parts else []
        parts += _sentence_parts(line, pen)
    return parts


def _list_told(phase: PhaseView, view: UpgradeView) -> list[str]:
    lines = (*phase.lines, phase.sentence)
    return [begin_sentence(line, view.cluster) for line in lines if line and line != view.sentence]


def _sentence_parts(sentence: str, pen: Pen) -> list[RichTextElement]:
    """Text, code and people of a sentence; in rich text nothing else can mention or link."""
    parts: list[RichTextElement] = []
    for part, mentions in pen.split_sentence(cut(shorten_hashes(sentence), SENTENCE_LIMIT)):
        if not mentions:
            parts += _text_parts(part)
        elif part.startswith("<#"):
            parts.append(RichTextElementParts.Channel(channel_id=part[2:-1]))
        else:
            parts.append(RichTextElementParts.User(user_id=part[2:-1]))
    return parts


def _text_parts(text: str) -> list[RichTextElement]:
    code = RichTextElementParts.TextStyle(code=True)
    return [
        RichTextElementParts.Text(text=part.strip("`"), style=code if part.startswith("`") else None)
        for part in CODE_SPAN.split(clean(text))
        if part.strip("`")
    ]


def _build_rich(parts: list[RichTextElement]) -> RichTextBlock | None:
    return RichTextBlock(elements=[RichTextSectionElement(elements=parts)]) if parts else None


def _write_phase_line(phase: PhaseView, view: UpgradeView, pen: Pen) -> str:
    line = f"{SIGNS[phase.state]} *{escape(_phase_title(phase, view))}*"
    if phase.started_at and phase.ended_at:
        line += f" · {_write_elapsed(phase.started_at, phase.ended_at, phase.asked)}"
    return line + "".join(f"\n      {pen.write_sentence(told, 220)}" for told in _list_told(phase, view))


def _write_elapsed(start: datetime, end: datetime, asked: timedelta) -> str:
    """What the work took, and apart from it what people took."""
    work = describe_seconds((end - start - asked).total_seconds())
    return f"took {work}, people {describe_seconds(asked.total_seconds())}" if asked else f"took {work}"
