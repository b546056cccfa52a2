"""What may be ordered: one frozen type per action."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

import msgspec

from bot.journal.records import Action
from bot.windows.appointments import Written


class StartOptions(msgspec.Struct, frozen=True, omit_defaults=True, rename={"flags": "set"}):
    """What was given at the start of one upgrade; `unknown` are names that are no option.

    `testing_workloads` is None where nothing was said about it. `overlay_texts` are texts by file name.
    `earlier_options` is "leave" where those of the earlier install are not taken.
    """

    mtls: str = ""
    flags: tuple[str, ...] = ()
    overlay_texts: Mapping[str, str] = {}
    testing_workloads: bool | None = None
    canary_namespaces: tuple[str, ...] = ()
    skip_namespaces: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    earlier_options: str = ""

    def list_given(self) -> dict[str, object]:
        """The options that were given, by the names that they have in clusters.toml."""
        given = msgspec.json.decode(msgspec.json.encode(self), type=dict[str, object])
        given.pop("unknown", None)
        return {**dict.fromkeys(self.unknown, ""), **given}


def _write_tag(name: str) -> str:
    """`break-glass` of BreakGlass, `status` of ReadStatus."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removeprefix("Read")).lower()


class _Order(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="action", tag=_write_tag):
    """An order about a cluster or an upgrade; `target` is its key or id as the person wrote it."""

    target: str = ""

    @property
    def action(self) -> Action:
        """The action's name."""
        return cast(Action, self.__struct_config__.tag)


class _CardOrder(_Order, frozen=True):
    """An order about a question; `step` and `generation` are of the card whose button was pressed, "" and 0 of none."""

    step: str = ""
    generation: int = 0
    reason: str = ""


class _Judgement(_CardOrder, frozen=True, kw_only=True):
    """An order that takes a choice; `code` is the one that stands on the card, as it was typed with a command.

    `confirmed`: the button that was pressed had asked once more.
    """

    code: str = ""
    confirmed: bool = False


class Start(_Order, frozen=True):
    """Begin an upgrade."""

    options: StartOptions = StartOptions()


class Approve(_Judgement, frozen=True):
    """Let a gate be passed."""


class Deny(_Judgement, frozen=True):
    """Refuse a gate."""


class Decide(_Judgement, frozen=True):
    """Take any choice of a question."""

    choice: str = ""


class BreakGlass(_Judgement, frozen=True):
    """Approve alone."""


class Retry(_CardOrder, frozen=True):
    """Run the blocked step again."""


class Pause(_Order, frozen=True):
    """Start nothing more until resumed."""

    reason: str = ""


class Resume(_Order, frozen=True):
    """Go on."""

    reason: str = ""


class Abort(_Order, frozen=True):
    """End the upgrade."""

    reason: str = ""


class Rollback(_Order, frozen=True):
    """Take an upgrade back: the earlier release and its options again."""

    reason: str = ""


class Relocate(_Order, frozen=True, tag="move"):
    """Let an upgrade be told in another channel, given by its id."""

    channel: str = ""


class Schedule(_Order, frozen=True):
    """Set when an upgrade may act; where none is under way one is started with these options."""

    when: Written = Written()
    options: StartOptions = StartOptions()


class Extend(_Order, frozen=True):
    """Let an upgrade act beyond its window."""

    length: str = ""
    reason: str = ""


class Snooze(_Order, frozen=True):
    """Be reminded again later; `place` is the channel or person that the reminder was posted to."""

    reminder: int = 0
    place: str = ""
    seconds: int = 0


class ReadWindows(_Order, frozen=True):
    """Read when clusters may be changed."""


class ReadCalendar(_Order, frozen=True):
    """Read what the next days hold."""


class ReadStatus(_Order, frozen=True):
    """Read where upgrades stand."""


class ReadHistory(_Order, frozen=True):
    """Read how earlier upgrades ended."""


class ReadLog(_Order, frozen=True):
    """Read all that was told of an upgrade."""


class ReadHelp(_Order, frozen=True):
    """Read what can be ordered."""


Reading: TypeAlias = Literal["windows", "calendar", "status", "history", "log", "help"]
ReadOrder: TypeAlias = ReadWindows | ReadCalendar | ReadStatus | ReadHistory | ReadLog | ReadHelp
Judgement: TypeAlias = Approve | Deny | Decide | BreakGlass
CardOrder: TypeAlias = Judgement | Retry
Control: TypeAlias = Pause | Resume | Retry | Abort | Relocate
Local: TypeAlias = Pause | Resume | Abort | Rollback | Relocate
Order: TypeAlias = (
    Start
    | Approve
    | Deny
    | Decide
    | BreakGlass
    | Pause
    | Resume
    | Retry
    | Abort
    | Rollback
    | Relocate
    | Schedule
    | Extend
    | Snooze
    | ReadOrder
)


READINGS: Mapping[Reading, type[ReadOrder]] = {
    "windows": ReadWindows,
    "calendar": ReadCalendar,
    "status": ReadStatus,
    "history": ReadHistory,
    "log": ReadLog,
    "help": ReadHelp,
}


def choose_order(
    action: Action, choice: str, target: str, step: str = "", generation: int = 0, reason: str = ""
) -> Order | None:
    """The order that a button or a form with these parts stands for, None where a button can't order that."""
    match action:
        case "approve" | "deny" | "decide":
            return _choose_decision(choice or action, target, step, generation, reason)
        case "break-glass":
            return BreakGlass(target, step, generation, reason)
        case "retry":
            return Retry(target, step, generation, reason)
        case "pause":
            return Pause(target, reason)
        case "resume":
            return Resume(target, reason)
        case "abort":
            return Abort(target, reason)
        case "rollback":
            return Rollback(target, reason)
        case _:
            return None


def confirm_order(order: Order | None) -> Order | None:
    """The order of a button that had asked once more."""
    return msgspec.structs.replace(order, confirmed=True) if isinstance(order, Judgement) else order


def _choose_decision(choice: str, target: str, step: str, generation: int, reason: str) -> Order:
    if choice == "approve":
        return Approve(target, step, generation, reason)
    if choice == "deny":
        return Deny(target, step, generation, reason)
    return Decide(target, step, generation, reason, choice)
