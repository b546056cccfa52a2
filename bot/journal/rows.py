"""The journal's rows as values, and how they are written into columns and read from them."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, TypeVar, get_args

import msgspec

from bot.journal.audit import Acted, AuditEntry, read_event
from bot.journal.bodies import decode_choices
from bot.journal.records import UpgradeState
from bot.journal.store import Row
from steps.contract.cards import Choice
from steps.contract.notes import Json
from steps.contract.options import UpgradeOptions
from steps.contract.wording import name_phase
from steps.mesh import ClusterAddress
from steps.plan import tell_kind

CODE_LENGTH = 6
LONGEST_PAUSE = timedelta(minutes=10)
T = TypeVar("T")


@dataclass(frozen=True)
class UpgradeRow:
    """An upgrade as the journal keeps it; `plan` is the step ids fixed at its start, `step` the one it stands at.

    `takes_back` is the upgrade that it takes back, "" where it is no way back. `unreadable` says which columns can't be
    read; they have a value that stands in for what they held.
    """

    id: str
    cluster: str
    number: int
    requester: str
    channel: str
    release: str
    options: UpgradeOptions
    address: ClusterAddress
    plan: tuple[str, ...]
    step: str
    generation: int
    state: UpgradeState
    paused_by: str
    aborted_by: str
    due: datetime | None
    waiting_since: datetime | None
    sentence: str
    remedy: str
    created_at: datetime
    ended_at: datetime | None
    takes_back: str = ""
    unreadable: str = ""

    @property
    def phase(self) -> str:
        """The phase in which it stands, as people call it."""
        return name_phase(self.step)


def open_row(
    *,
    cluster: str,
    number: int,
    requester: str,
    channel: str,
    release: str,
    options: UpgradeOptions,
    address: ClusterAddress,
    plan: tuple[str, ...],
    now: datetime,
    takes_back: str = "",
) -> UpgradeRow:
    """An upgrade that begins: it stands at the first step of its plan, and is due."""
    return UpgradeRow(
        id=f"{cluster}-{number}",
        cluster=cluster,
        number=number,
        requester=requester,
        channel=channel,
        release=release,
        options=options,
        address=address,
        plan=plan,
        step=plan[0],
        generation=0,
        state="running",
        paused_by="",
        aborted_by="",
        due=now,
        waiting_since=None,
        sentence="",
        remedy="",
        created_at=now,
        ended_at=None,
        takes_back=takes_back,
    )


class UpgradeChanges(TypedDict, total=False):
    """The columns of an upgrade that change."""

    options: UpgradeOptions
    channel: str
    plan: tuple[str, ...]
    step: str
    generation: int
    state: UpgradeState
    paused_by: str
    aborted_by: str
    due: datetime | None
    waiting_since: datetime | None
    sentence: str
    remedy: str
    ended_at: datetime | None


@dataclass(frozen=True)
class StepRow:
    """What a step last answered; times are UTC."""

    step: str
    outcome: str
    sentence: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Question:
    """A question asked of a person, open or decided. `kind` is gate or blocked."""

    upgrade: str
    step: str
    generation: int
    kind: str
    question: str
    choices: tuple[Choice, ...]
    binding: Mapping[str, Json]
    digest: str
    state: str
    choice: str
    decided_by: str
    decided_at: datetime | None
    reason: str
    asked_at: datetime
    expires_at: datetime | None

    @property
    def code(self) -> str:
        """The code that stands on its card."""
        return build_code(self.upgrade, self.step, self.generation, self.digest)


def build_code(upgrade: str, step: str, generation: int, digest: str) -> str:
    """Six characters that name one card and what it shows: whoever types them has read it."""
    shown = "\n".join((upgrade, step, str(generation), digest))
    return base64.b32encode(hashlib.sha256(shown.encode()).digest())[:CODE_LENGTH].decode()


def find_first_asked(questions: Sequence[Question], step: str) -> datetime | None:
    """Since when the step has been asking the same without an answer; `questions` in the order they were asked."""
    same = itertools.takewhile(lambda q: q.step == step and q.state in ("open", "expired"), reversed(questions))
    return min((question.asked_at for question in same), default=None)


def find_retried(questions: Sequence[Question], step: str) -> datetime | None:
    """When a person had the blocked step run again, None where its latest question was decided otherwise."""
    latest = next((question for question in reversed(questions) if question.step == step), None)
    return latest.decided_at if latest and latest.choice == "retry" else None


# The step and generation that began to change the cluster last; whatever it has begun runs on past its window.
ACTED = "engine/acted"
# What reading a damaged row raises.
UNREADABLE = (ValueError, TypeError, KeyError, ArithmeticError, OSError, msgspec.MsgspecError)


class RowUnreadable(ValueError):
    """A row of the journal that can't be read; the text is one sentence."""


ENCODED = ("options", "address", "plan")
OPTIONS, ADDRESS = msgspec.json.Decoder(UpgradeOptions), msgspec.json.Decoder(ClusterAddress)
PLAN = msgspec.json.Decoder(tuple[str, ...])
STATES: Mapping[str, UpgradeState] = {state: state for state in get_args(UpgradeState)}
TIMES = ("due", "waiting_since", "created_at", "ended_at")
PLAIN = tuple(field.name for field in fields(UpgradeRow) if field.name not in (*ENCODED, *TIMES, "unreadable"))


def find_last_act(entries: Iterable[AuditEntry]) -> datetime | None:
    """When the bot last changed the upgrade's cluster, None where it never did."""
    return max((entry.at for entry in entries if isinstance(entry.event, Acted)), default=None)


def name_end(row: UpgradeRow) -> UpgradeState:
    """What an upgrade is once its plan is through."""
    match tell_kind(row.plan):
        case "landing":
            return "rolled back"
        case _ if row.aborted_by:
            return "aborted"
        case "proposal":
            return "proposed"
        case "rollback":
            return "returned"
        case _:
            return "upgraded"


def encode_json(value: object) -> str:
    """JSON of plain values and dataclasses."""
    return msgspec.json.encode(value).decode()


def encode_column(name: str, value: object) -> object:
    """A value as the upgrades table keeps it."""
    if name in ENCODED:
        return encode_json(value)
    return value.timestamp() if isinstance(value, datetime) else value


def read_first_upgrade(rows: Sequence[Row]) -> UpgradeRow | None:
    """The first row as an upgrade, None where there is no row."""
    return read_upgrade(rows[0]) if rows else None


def read_upgrade(row: Row) -> UpgradeRow:
    """A row of the upgrades table; one broken column makes no other upgrade unreadable."""
    columns = _Columns(row)
    return UpgradeRow(
        id=columns.read_text("id"),
        cluster=columns.read_text("cluster"),
        number=columns.read_number("number"),
        requester=columns.read_text("requester"),
        channel=columns.read_text("channel"),
        release=columns.read_text("release"),
        step=columns.read_text("step"),
        generation=columns.read_number("generation"),
        state=columns.read("state", _read_state, "blocked"),
        paused_by=columns.read_text("paused_by"),
        aborted_by=columns.read_text("aborted_by"),
        sentence=columns.read_text("sentence"),
        remedy=columns.read_text("remedy"),
        takes_back=columns.read_text("takes_back"),
        due=columns.read("due", to_time, to_time(0.0)),
        waiting_since=columns.read("waiting_since", to_time, None),
        created_at=columns.read("created_at", at_time, at_time(0.0)),
        ended_at=columns.read("ended_at", to_time, None),
        options=columns.read("options", OPTIONS.decode, UpgradeOptions()),
        address=columns.read("address", ADDRESS.decode, ClusterAddress(row["cluster"])),
        plan=columns.read("plan", PLAN.decode, (row["step"],)),
        unreadable="; ".join(columns.faults),
    )


def _read_text(kept: object) -> str:
    if isinstance(kept, str):
        return kept
    raise TypeError(f"{type(kept).__name__} in place of a text")


def _read_state(kept: object) -> UpgradeState:
    known = STATES.get(_read_text(kept))
    if known is None:
        raise ValueError(f"{kept} is no state of an upgrade")
    return known


def _read_number(kept: object) -> int:
    if isinstance(kept, int):
        return kept
    raise TypeError(f"{type(kept).__name__} in place of a number")


class _Columns:
    def __init__(self, row: Row) -> None:
        self._row = row
        self.faults: list[str] = []

    def read_text(self, name: str) -> str:
        """The column's text; "", and a fault more, where it is none."""
        return self.read(name, _read_text, "")

    def read_number(self, name: str) -> int:
        """The column's number; 0, and a fault more, where it is none."""
        return self.read(name, _read_number, 0)

    def read(self, name: str, decode: Callable[[Any], T], instead: T) -> T:
        """The column's value; `instead`, and a fault more, where it can't be read."""
        try:
            return decode(self._row[name])
        except (ValueError, TypeError, ArithmeticError, OSError, msgspec.MsgspecError) as fault:
            self.faults.append(f"{name}: {fault}")
            return instead


def read_named(table: str, row: Row, read: Callable[[Row], T]) -> T:
    """What `read` makes of a row of this table; RowUnreadable names the table and the upgrade."""
    try:
        return read(row)
    except UNREADABLE as fault:
        raise RowUnreadable(f"the journal's row of {table} of {row['upgrade']} can't be read: {fault}") from fault


def read_step(row: Row) -> StepRow:
    """A row of the steps table."""
    plain = row["step"], row["outcome"], row["sentence"]
    return read_named("steps", row, lambda _: StepRow(*plain, at_time(row["started_at"]), to_time(row["ended_at"])))


def read_entry(row: Row) -> AuditEntry:
    """A row of the audit."""
    return read_named("audit", row, _read_entry)


def _read_entry(row: Row) -> AuditEntry:
    return AuditEntry(at_time(row["at"]), row["actor"], read_event(row["action"], row["detail"]))


def read_question(row: Row) -> Question:
    """A row of the approvals table."""
    return read_named("approvals", row, _read_question)


def _read_question(row: Row) -> Question:
    return Question(
        upgrade=row["upgrade"],
        step=row["step"],
        generation=row["generation"],
        kind=row["kind"],
        question=row["question"],
        choices=decode_choices(row["choices"]),
        binding=json.loads(row["binding"]),
        digest=row["digest"],
        state=row["state"],
        choice=row["choice"],
        decided_by=row["decided_by"],
        decided_at=to_time(row["decided_at"]),
        reason=row["reason"],
        asked_at=at_time(row["asked_at"]),
        expires_at=to_time(row["expires_at"]),
    )


def to_seconds(when: datetime | None) -> float | None:
    """Seconds since the epoch; None stays None."""
    return None if when is None else when.timestamp()


def to_time(seconds: float | None) -> datetime | None:
    """A time in UTC; None stays None."""
    return None if seconds is None else at_time(seconds)


def at_time(seconds: float) -> datetime:
    """A time in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ArithmeticError, OSError, ValueError):
        raise ValueError(f"{seconds!r} is no time") from None


# Times that can be read, of the years 1 to 9999; a text is greater than every number.
READABLE = "between -62135596800 and 253402300799"
# The same of a row that is not read yet, and of one whose time can't be: whoever runs it says so.
DUE = f"""due is not null and paused_by = '' and state in ('running', 'asking')
    and (due <= :now or due not {READABLE}
        or (state = 'running' and due > :set_back and waiting_since {READABLE}))"""
UNHEARD = (
    "select min(created_at) as since from outbox where upgrade = ? and ts = '' and sent_revision < revision "
    "and kind not in ('file', 'reminder')"
)
MOVED = "select 1 from audit where upgrade in (?, ?) and action = 'move' limit 1"

NEXT_DUE = (
    f"select min(due) due from upgrades where paused_by = '' and state in ('running', 'asking') and due {READABLE}"
)


def is_due(row: UpgradeRow, now: datetime) -> bool:
    """Whether the upgrade has something to do now.

    A step that waits is never put off for longer than LONGEST_PAUSE: one that seems to be was put off before the clock
    was set back.
    """
    if row.due is None or row.paused_by:
        return False
    set_back = row.state == "running" and row.waiting_since is not None and row.due > now + LONGEST_PAUSE
    return row.due <= now or set_back
