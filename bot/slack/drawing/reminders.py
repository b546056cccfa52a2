"""Reminders as Block Kit: moments in the reader's own time, snooze, reschedule, cancel and what is legal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    InteractiveElement,
    Option,
    PlainTextObject,
    StaticSelectElement,
)

from bot.slack.drawing.buttons import PREFIX, Target, build_choices, build_confirm, write_value
from bot.slack.drawing.cards import build_note, build_sentence, build_text
from bot.slack.drawing.text import Knows, cut_written, escape, write_sentence, write_time
from steps.contract.wording import describe_seconds

SNOOZE_ACTION = "asm-snooze"
RESCHEDULE_ACTION = "asm-schedule:open"
LABELS = {"pause": "Pause", "resume": "Resume", "retry": "Retry"}
LINES_SHOWN = 30
LINES_A_BLOCK = 9
NAMES_SHOWN = 120


def draw_reminder(body: Mapping[str, Any], block_id: str, knows: Knows) -> list[Block]:
    """The blocks of a reminder, or of several gathered into one."""
    blocks: list[Block] = [build_sentence(str(body.get("text") or ""), knows, "🔔 ")]
    if lines := body.get("lines"):
        written = [_write_line(line, knows) for line in lines[:LINES_SHOWN]]
        parts = [written[place : place + LINES_A_BLOCK] for place in range(0, len(written), LINES_A_BLOCK)]
        blocks += [build_text("\n".join(part)) for part in parts]
        return [*blocks, *(build_note(note) for note in _list_notes(body.get("others") or ()))]
    notes = [_write_moments(body.get("moments") or ()), write_sentence(str(body.get("missed") or ""), knows)]
    blocks += [build_note(note) for note in notes if note]
    if body.get("closed"):
        return [*blocks, build_note(write_sentence(str(body["closed"]), knows))]
    elements = _build_elements(body) if body.get("upgrade") else []
    return [*blocks, ActionsBlock(elements=elements, block_id=f"{block_id}|reminder")] if elements else blocks


def write_reminder_text(body: Mapping[str, Any], knows: Knows) -> str:
    """The same in words."""
    parts = [cut_written(str(body.get("text") or ""), 2800, lambda part: write_sentence(part, knows))]
    parts += [_write_line(line, knows) for line in (body.get("lines") or ())[:LINES_SHOWN]]
    parts += [_write_moments(body.get("moments") or ()), write_sentence(str(body.get("missed") or ""), knows)]
    return "\n".join(part for part in parts if part)


def _list_notes(others: Sequence[str]) -> list[str]:
    """The upgrades that got no line of their own, and how to answer without buttons."""
    named = f"… and of {escape(', '.join(others[:NAMES_SHOWN]))}" if others else ""
    left = len(others) - NAMES_SHOWN
    return [
        *([f"{named} and {left} more; `/asm-upgrade status` names all" if left > 0 else named] if named else []),
        "`/asm-upgrade schedule CLUSTER` moves an upgrade, `/asm-upgrade abort CLUSTER` cancels it.",
    ]


def _write_line(line: Mapping[str, Any], knows: Knows) -> str:
    written = cut_written(str(line.get("text") or ""), 220, lambda part: write_sentence(part, knows))
    return f"• {written} {_write_moments(line.get('moments') or ())}".strip()


def _write_moments(moments: Iterable[Sequence[str]]) -> str:
    return " · ".join(f"{escape(name)} {write_time(datetime.fromisoformat(at))}" for name, at in moments)


def _build_elements(body: Mapping[str, Any]) -> list[InteractiveElement]:
    target = Target(str(body["upgrade"]), str(body.get("step") or ""), int(body.get("generation") or 0))
    elements: list[InteractiveElement] = [*build_choices(body.get("choices") or (), target)]
    elements += [
        ButtonElement(text=_plain(LABELS[action]), action_id=PREFIX + action, value=write_value(target))
        for action in body.get("controls") or ()
        if action in LABELS
    ]
    if options := _list_options(body):
        elements.append(StaticSelectElement(action_id=SNOOZE_ACTION, placeholder=_plain("Snooze"), options=options))
    elements.append(ButtonElement(text=_plain("Reschedule"), action_id=RESCHEDULE_ACTION, value=target.upgrade))
    if body.get("cancel"):
        warning = f"The upgrade of {body.get('cluster')} is aborted: nothing more is started; what has moved stays."
        elements.append(
            ButtonElement(
                text=_plain("Cancel"),
                action_id=f"{PREFIX}abort",
                value=write_value(target),
                style="danger",
                confirm=build_confirm(warning, "Cancel the upgrade"),
            )
        )
    return elements


def _list_options(body: Mapping[str, Any]) -> list[Option]:
    return [
        Option(
            value=f"{body['upgrade']}|{body['seq']}|{body['place']}|{seconds}",
            text=_plain(f"for {describe_seconds(int(seconds))}"),
        )
        for seconds in body.get("snoozes") or ()
    ]


def read_snooze(value: str) -> tuple[str, int, str, int] | None:
    """Upgrade, reminder, place and seconds of a snooze option, None for a foreign one."""
    parts = value.split("|")
    if len(parts) != 4 or not all(
        part.isascii() and part.isdigit() and len(part) < 10 for part in (parts[1], parts[3])
    ):
        return None
    return parts[0], int(parts[1]), parts[2], int(parts[3])


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=False)
