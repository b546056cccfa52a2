"""Who did what, the bot included: one frozen type a kind of event. The journal appends them and changes none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

import msgspec


class Started(msgspec.Struct, frozen=True, omit_defaults=True, tag="start"):
    """An upgrade was begun; a way back names what it takes back, and why."""

    release: str
    takes_back: str = ""
    reason: str = ""


class Consented(msgspec.Struct, frozen=True, omit_defaults=True, tag="consent"):
    """One of several approvals that a question takes was given."""

    choice: str
    step: str
    generation: int
    digest: str
    of: int
    code: str = ""
    shown: str = ""


class Decided(msgspec.Struct, frozen=True, omit_defaults=True, tag="decide"):
    """A question was decided.

    `digest` is that of what the decision holds for, `code` the card's, `shown` the SHA-256 of all that the card said.
    """

    choice: str
    step: str
    generation: int
    digest: str
    reason: str
    code: str = ""
    shown: str = ""


class GlassBroken(msgspec.Struct, frozen=True, omit_defaults=True, tag="break-glass"):
    """A question was approved by one person alone."""

    step: str
    generation: int
    digest: str
    reason: str
    code: str = ""
    shown: str = ""


class Paused(msgspec.Struct, frozen=True, tag="pause"):
    """An upgrade was paused."""

    step: str
    reason: str


class Resumed(msgspec.Struct, frozen=True, tag="resume"):
    """A paused upgrade was let go on."""

    step: str
    reason: str


class Retried(msgspec.Struct, frozen=True, omit_defaults=True, tag="retry"):
    """A blocked step was tried again."""

    step: str
    generation: int = 0
    code: str = ""
    shown: str = ""


class Aborted(msgspec.Struct, frozen=True, tag="abort"):
    """An upgrade was ended by a person."""

    step: str
    reason: str


class EndedForWayBack(msgspec.Struct, frozen=True, tag="rollback"):
    """An upgrade was ended by a person, to be taken back."""

    step: str
    reason: str


class Scheduled(msgspec.Struct, frozen=True, tag="schedule"):
    """An appointment was set or moved."""

    reason: str
    said: str


class Extended(msgspec.Struct, frozen=True, tag="extend"):
    """An upgrade was let act beyond its window."""

    reason: str
    said: str


class Snoozed(msgspec.Struct, frozen=True, tag="snooze"):
    """A reminder was put off."""

    reminder: int
    until: str


class Moved(msgspec.Struct, frozen=True, tag="move"):
    """An upgrade was let go on in another channel; `thread` is the ts of the root that it had in the earlier one."""

    channel: str
    thread: str
    to: str


class Asked(msgspec.Struct, frozen=True, omit_defaults=True, tag="ask"):
    """The bot put a question to people."""

    step: str
    generation: int
    digest: str
    said: str
    code: str = ""
    shown: str = ""


class Halted(msgspec.Struct, frozen=True, omit_defaults=True, tag="block"):
    """A step could not go on, and a person has to say what becomes of it."""

    step: str
    generation: int
    said: str
    remedy: str
    code: str = ""
    shown: str = ""


class Deed(msgspec.Struct, frozen=True):
    """One thing that the bot did to a cluster, to what, and how it ended."""

    did: str
    to: str
    result: str


class Acted(msgspec.Struct, frozen=True, tag="act"):
    """What one turn of a step did to a cluster."""

    step: str
    deeds: tuple[Deed, ...]


class Fell(msgspec.Struct, frozen=True, tag="below"):
    """A workload did not get its pods ready again."""

    step: str
    workload: str
    pods: int
    reason: str


class Ended(msgspec.Struct, frozen=True, tag="end"):
    """The upgrade's plan is through, or was given up."""

    result: str
    said: str


Bots: TypeAlias = Asked | Halted | Acted | Fell | Ended
Plain: TypeAlias = (
    Started
    | GlassBroken
    | Paused
    | Resumed
    | Retried
    | Aborted
    | EndedForWayBack
    | Scheduled
    | Extended
    | Snoozed
    | Moved
    | Bots
)
AuditEvent: TypeAlias = Plain | Consented | Decided

CONSENT = "consent to "
PLAIN: Mapping[str, type[Plain]] = {
    "start": Started,
    "break-glass": GlassBroken,
    "pause": Paused,
    "resume": Resumed,
    "retry": Retried,
    "abort": Aborted,
    "rollback": EndedForWayBack,
    "schedule": Scheduled,
    "extend": Extended,
    "snooze": Snoozed,
    "move": Moved,
    "ask": Asked,
    "block": Halted,
    "act": Acted,
    "below": Fell,
    "end": Ended,
}
# What a row is read by: the event's tag, and the choice, stand in the column `action` already.
NAMED_ELSEWHERE = frozenset({"type", "choice"})
Kind: TypeAlias = Literal[
    "started",
    "asked",
    "consented",
    "decided",
    "stopped",
    "resumed",
    "scheduled",
    "moved",
    "acted",
    "blocked",
    "below-ready",
    "finished",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What an action of the audit is called where other programs are told of it; any other is a decision.
KIND_OF: Mapping[str, Kind] = {
    "start": "started",
    "ask": "asked",
    "pause": "stopped",
    "abort": "stopped",
    "rollback": "stopped",
    "resume": "resumed",
    "schedule": "scheduled",
    "extend": "scheduled",
    "snooze": "scheduled",
    "move": "moved",
    "act": "acted",
    "block": "blocked",
    "below": "below-ready",
    "end": "finished",
}


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, and when."""

    at: datetime
    actor: str
    event: AuditEvent


def name_event(event: AuditEvent) -> str:
    """The event as the audit's column `action` has it."""
    match event:
        case Consented(choice=choice):
            return f"{CONSENT}{choice}"
        case Decided(choice=choice):
            return choice
        case _:
            return str(event.__struct_config__.tag)


def name_kind(action: str) -> Kind:
    """What a row with this action tells other programs of."""
    return "consented" if action.startswith(CONSENT) else KIND_OF.get(action, "decided")


def describe_event(event: AuditEvent) -> str:
    """What the audit's column `detail` keeps of the event, as JSON; the choice is its name already."""
    details = {name: told for name, told in msgspec.to_builtins(event).items() if name not in NAMED_ELSEWHERE}
    return msgspec.json.encode(details).decode()


def read_event(action: str, detail: str) -> AuditEvent:
    """The event of a row; an action that is no event's own name is the choice of a decision."""
    fields = msgspec.json.decode(detail, type=dict[str, object])
    if form := PLAIN.get(action):
        return msgspec.convert(fields, form)
    if action.startswith(CONSENT):
        return msgspec.convert({**fields, "choice": action.removeprefix(CONSENT)}, Consented)
    return msgspec.convert({**fields, "choice": action}, Decided)
