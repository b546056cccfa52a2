"""Reminders as Block Kit: moments in the reader's own time, snooze, reschedule, cancel and what is legal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    InteractiveElement,
    Option,
    PlainTextObject,
    StaticSelectElement,
)

from bot.journal.bodies import GatheredBody, GatheredLine, Moment, ReminderBody, Reminding
from bot.journal.records import MessagePlace
from bot.slack.drawing.buttons import (
    PREFIX,
    SHOW_CARD,
    Target,
    build_choices,
    build_confirm,
    describe_button,
    write_value,
)
from bot.slack.drawing.cards import build_note, build_sentence, build_texts
from bot.slack.drawing.text import Pen, escape
from steps.contract.cards import DENY
from steps.contract.wording import begin_sentence, describe_seconds

SNOOZE_ACTION = "asm-snooze"
RESCHEDULE_ACTION = "asm-schedule:open"
LABELS = {"pause": "Pause", "resume": "Resume", "retry": "Retry"}
LINES_SHOWN = 30
NAMES_SHOWN = 120
LINE_LIMIT = 220


def draw_reminding(body: Reminding, block_id: str, pen: Pen) -> list[Block]:
    """The blocks of one reminder, or of many in one message."""
    return draw_gathered(body, pen) if isinstance(body, GatheredBody) else draw_reminder(body, block_id, pen)


def draw_reminder(body: ReminderBody, block_id: str, pen: Pen) -> list[Block]:
    """The blocks of a reminder."""
    links = " · ".join(filter(None, (_write_moments(body.moments, pen), _write_card(body.card, pen))))
    notes = [links, pen.write_sentence(body.missed), pen.write_sentence(begin_sentence(body.closed))]
    blocks = [build_sentence(body.text, pen, "🔔 "), *(build_note(note) for note in notes if note)]
    if body.closed or not body.upgrade:
        return blocks
    return [*blocks, ActionsBlock(elements=_build_elements(body, pen), block_id=f"{block_id}|reminder")]


def draw_gathered(body: GatheredBody, pen: Pen) -> list[Block]:
    """The blocks of many reminders in one message."""
    return [
        build_sentence(body.text, pen, "🔔 "),
        *build_texts(_write_line(line, pen) for line in body.lines[:LINES_SHOWN]),
        *(build_note(note) for note in _list_notes(body.others)),
    ]


def write_reminder_text(body: ReminderBody, pen: Pen) -> str:
    """A reminder in words."""
    moments, card = _write_moments(body.moments, pen), _write_card(body.card, pen)
    parts = [pen.write_sentence(body.text), moments, pen.write_sentence(body.missed), card]
    return "\n".join(part for part in parts if part)


def write_gathered_text(body: GatheredBody, pen: Pen) -> str:
    """Many reminders in words."""
    return "\n".join([pen.write_sentence(body.text), *(_write_line(line, pen) for line in body.lines[:LINES_SHOWN])])


def _list_notes(others: Sequence[str]) -> list[str]:
    """The upgrades that got no line of their own, and how to answer without buttons."""
    named = f"… and of {escape(', '.join(others[:NAMES_SHOWN]))}" if others else ""
    left = len(others) - NAMES_SHOWN
    return [
        *([f"{named} and {left} more; `/asm-upgrade status` names all" if left > 0 else named] if named else []),
        "`/asm-upgrade schedule CLUSTER` moves an upgrade, `/asm-upgrade abort CLUSTER` cancels it.",
    ]


def _write_line(line: GatheredLine, pen: Pen) -> str:
    parts = (pen.write_sentence(line.text, LINE_LIMIT), _write_moments(line.moments, pen), _write_card(line.card, pen))
    return f"• {' '.join(filter(None, parts))}"


def _write_card(card: MessagePlace | None, pen: Pen) -> str:
    """A link to what the reminder is about."""
    if card is None:
        return ""
    return pen.write_link(card.channel, card.ts, "Open the card" if card.thread else "Open the thread", card.thread)


def _write_moments(moments: Iterable[Moment], pen: Pen) -> str:
    return " · ".join(f"{escape(moment.name)} {pen.write_time(moment.at)}" for moment in moments)


def _build_elements(body: ReminderBody, pen: Pen) -> list[InteractiveElement]:
    target = Target(body.upgrade, body.step, body.generation, journal=pen.journal)
    elements: list[InteractiveElement] = [*_build_answers(body, target)]
    elements += [
        ButtonElement(
            text=_plain(LABELS[action]),
            action_id=PREFIX + action,
            value=write_value(target),
            accessibility_label=describe_button(LABELS[action], "", body.upgrade),
        )
        for action in body.controls
        if action in LABELS
    ]
    if options := _list_options(body):
        elements.append(StaticSelectElement(action_id=SNOOZE_ACTION, placeholder=_plain("Snooze"), options=options))
    elements.append(_build_reschedule(target))
    return [*elements, _build_cancel(body, target)] if body.cancel else elements


def _build_reschedule(target: Target) -> ButtonElement:
    return ButtonElement(
        text=_plain("Reschedule"),
        action_id=RESCHEDULE_ACTION,
        value=target.upgrade,
        accessibility_label=describe_button("Reschedule", "", target.upgrade),
    )


def _build_answers(body: ReminderBody, target: Target) -> list[ButtonElement]:
    """What is asked can be denied from here; whoever approves it has to see the card first."""
    if not body.choices:
        return []
    value = write_value(Target(body.upgrade, journal=target.journal))
    label = describe_button("Show the card", "", body.upgrade)
    show = ButtonElement(text=_plain("Show the card"), action_id=SHOW_CARD, value=value, accessibility_label=label)
    return [show, *build_choices([choice for choice in body.choices if choice.id == DENY.id], target)]


def _build_cancel(body: ReminderBody, target: Target) -> ButtonElement:
    warning = f"The upgrade of {body.cluster} is aborted: nothing more is started; what has moved stays."
    return ButtonElement(
        text=_plain("Cancel"),
        action_id=f"{PREFIX}abort",
        value=write_value(target),
        style="danger",
        accessibility_label=describe_button("Cancel", "", body.upgrade),
        confirm=build_confirm(warning, "Cancel the upgrade"),
    )


def _list_options(body: ReminderBody) -> list[Option]:
    return [
        Option(
            value=f"{body.upgrade}|{body.seq}|{body.place}|{seconds}",
            text=_plain(f"for {describe_seconds(seconds)}"),
        )
        for seconds in body.snoozes
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
