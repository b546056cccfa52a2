"""Buttons: their action ids, the opaque value they carry and how both are read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject, PlainTextObject

from bot.journal.records import Action
from bot.slack.drawing.text import Pen, clean, cut
from bot.telling.views import UpgradeView
from steps.contract.cards import Choice
from steps.contract.wording import name_phase

PREFIX = "asm:"
# Decides nothing: it is an approval that names no card, so the card comes.
SHOW_CARD = f"{PREFIX}card"
OWN_ACTIONS: Mapping[str, Action] = {
    "approve": "approve",
    "deny": "deny",
    "pause": "pause",
    "resume": "resume",
    "retry": "retry",
    "abort": "abort",
    "rollback": "rollback",
    "break-glass": "break-glass",
}
ASKS_REASON = "reason"
# The button asked once more before it could be pressed.
ASKED = "asked"
# Parts an upgrade from the mark of its bot; no cluster's key has it.
OF = "@"
STYLES: Mapping[str, str] = {"main": "primary", "grave": "danger"}
LABEL_LIMIT = 75
# Ids take 500 at most, a reason as many more.
VALUE_LIMIT = 1000
BUTTONS_A_ROW = 25


@dataclass(frozen=True)
class Target:
    """What a button points at. It is only a claim: rights, state and generation are checked again at the decision.

    `reason` is what the person gave already with a command; a form asks for it where a choice needs one without.
    `confirmed`: whoever pressed it was asked once more before.
    `journal` is the mark of the bot that drew the button, "" where an earlier version did.
    """

    upgrade: str
    step: str = ""
    generation: int = 0
    needs_reason: bool = False
    reason: str = ""
    journal: str = ""
    confirmed: bool = False


def write_value(target: Target) -> str:
    """The button's value, at most 2,000 characters by the ids' own limits."""
    parts = [OF.join(filter(None, (target.upgrade, target.journal))), target.step, str(target.generation)]
    asks = target.needs_reason and not target.reason
    marks = "+".join(mark for mark, holds in ((ASKS_REASON, asks), (ASKED, target.confirmed)) if holds)
    if target.reason:
        parts += [marks, target.reason]
    elif marks:
        parts.append(marks)
    return "|".join(parts)


def read_value(value: str) -> Target | None:
    """The target that a value names, None for anything that `write_value` can't have written."""
    if len(value) > VALUE_LIMIT:
        return None
    match value.split("|", 4):
        case [whole, step, generation, *rest] if whole:
            upgrade, _, journal = whole.partition(OF)
            if not (generation.isascii() and generation.isdigit()) or len(generation) > 9:
                return None
            return _read_target(Target(upgrade, step, int(generation), journal=journal), rest)
        case _:
            return None


def _read_target(target: Target, rest: list[str]) -> Target | None:
    """The target with what its value says besides, None where it says that in no known way."""
    match rest:
        case []:
            return target
        case [written] if written:
            marks, reason = written.split("+"), ""
        case [written, reason] if reason and ASKS_REASON not in written:
            marks = written.split("+") if written else []
        case _:
            return None
    if not {ASKS_REASON, ASKED}.issuperset(marks):
        return None
    return replace(target, needs_reason=ASKS_REASON in marks, confirmed=ASKED in marks, reason=reason)


def read_action(action_id: str) -> tuple[Action, str] | None:
    """The action and the choice that an action id stands for, None for a foreign one."""
    if not action_id.startswith(PREFIX):
        return None
    name, _, choice = action_id.removeprefix(PREFIX).partition(":")
    if name == "decide":
        return ("decide", choice) if choice else None
    action = OWN_ACTIONS.get(name)
    if action is None or choice:
        return None
    return action, action if action in ("approve", "deny") else ""


def build_choices(choices: Iterable[Choice], target: Target) -> list[ButtonElement]:
    """One button for each choice of a question."""
    return [_build_choice(choice, target) for choice in choices]


def _build_choice(choice: Choice, target: Target) -> ButtonElement:
    action_id = PREFIX + (choice.id if choice.id in OWN_ACTIONS else f"decide:{choice.id}")
    return ButtonElement(
        text=_plain(choice.label or choice.id),
        action_id=cut(action_id, 255),
        value=write_value(replace(target, needs_reason=choice.needs_reason, confirmed=bool(choice.confirm))),
        style=STYLES.get(choice.weight),
        accessibility_label=describe_button(choice.label or choice.id, name_phase(target.step), target.upgrade),
        confirm=build_confirm(choice.confirm, choice.label),
    )


def build_controls(view: UpgradeView, actions: Iterable[Action], pen: Pen) -> list[ButtonElement]:
    """Pause, resume, retry, abort and taking back as far as the view says that they are legal."""
    legal = [action for action in view.legal if action in set(actions)]
    return [_build_control(view, action, pen) for action in legal]


def build_return(view: UpgradeView, pen: Pen) -> ButtonElement:
    """The button that takes an ended upgrade back."""
    return _build_control(view, "rollback", pen)


def _build_control(view: UpgradeView, action: Action, pen: Pen) -> ButtonElement:
    labels = {"pause": "Pause", "resume": "Resume", "retry": "Retry", "abort": "Abort", "rollback": "Take back"}
    step, generation = (view.question.step, view.question.generation) if view.question else ("", 0)
    return ButtonElement(
        text=_plain(labels.get(action, action.capitalize())),
        action_id=PREFIX + action,
        value=write_value(Target(view.id, step, generation, journal=pen.journal)),
        accessibility_label=describe_button(labels.get(action, action.capitalize()), "", view.id),
        style="danger" if action in ("abort", "rollback") else "primary" if action in ("resume", "retry") else None,
    )


def describe_button(label: str, phase: str, about: str) -> str:
    """What a screen reader says of a button; beside it stands nothing that tells which upgrade it is of."""
    return cut(clean(" of ".join(part for part in (f"{label} {phase}".strip(), about) if part)), LABEL_LIMIT)


def build_row(buttons: list[ButtonElement], block_id: str) -> list[ActionsBlock]:
    """The buttons as one block, none where there are none."""
    return [ActionsBlock(elements=buttons[:BUTTONS_A_ROW], block_id=block_id)] if buttons else []


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=cut(clean(text), LABEL_LIMIT), emoji=False)


def build_confirm(warning: str, label: str) -> ConfirmObject | None:
    """The question before a button acts, None where there is none."""
    if not warning:
        return None
    return ConfirmObject(
        title=PlainTextObject(text="Are you sure?"),
        text=PlainTextObject(text=cut(clean(warning), 300)),
        confirm=PlainTextObject(text=cut(clean(label or "Yes"), 30)),
        style="danger",
        deny=PlainTextObject(text="Not now"),
    )
