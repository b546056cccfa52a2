"""The messages of the outbox. What each tells is one frozen type per kind, written and read as a row's `body` here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from bot.journal.records import MessagePlace, UpgradeState
from bot.journal.schema.packed_texts import LARGEST_PACKED, pack_text, unpack_text
from steps.contract.cards import Card, Choice, Progress, Weight

# A JSON object of a row before its type is known.
Stored: TypeAlias = dict[str, object]
StoredLine: TypeAlias = list[str | None]
MessageKind: TypeAlias = Literal[
    "root", "milestone", "progress", "gate", "blocked", "file", "answer", "finished", "reminder", "notice"
]
ReminderKind: TypeAlias = Literal["before", "starts", "ends", "approval"]
REMINDER_KINDS: tuple[ReminderKind, ...] = ("before", "starts", "ends", "approval")
EARLIER_STYLES: Mapping[str, Weight] = {"primary": "main", "danger": "grave"}
ControlName: TypeAlias = Literal["pause", "resume", "retry"]


class RootBody(Struct, frozen=True):
    """What the root message shows of its upgrade; drawn from the upgrade itself, so it only tells that it changed.

    `asked` are those who may answer, `told` what goes on as roughly as is worth an edit, `times` when it may act.
    `left_for` is the channel in which the upgrade goes on, where this root was left behind.
    """

    message_kind: ClassVar[MessageKind] = "root"
    state: UpgradeState | Literal[""] = ""
    paused_by: str = ""
    phase: str = ""
    generation: int = 0
    steps: int = 0
    aborted_by: str = ""
    back: str = ""
    asked: tuple[str, ...] = ()
    told: str = ""
    times: tuple[datetime | None, ...] = ()
    left_for: str = ""


class MilestoneBody(Struct, frozen=True):
    """Something that a step or a person did."""

    message_kind: ClassVar[MessageKind] = "milestone"
    sentence: str = ""
    phase: str = ""
    card: Card | None = None


class ProgressBody(Struct, frozen=True):
    """How far a step is; `ended` where nothing moves any more."""

    message_kind: ClassVar[MessageKind] = "progress"
    sentence: str = ""
    phase: str = ""
    progress: Progress | None = None
    details: tuple[str, ...] = ()
    ended: bool = False


class Line(Struct, frozen=True, array_like=True):
    """A sentence and when it was so."""

    text: str
    at: datetime


class GateBody(Struct, frozen=True):
    """The question of a gate; `closed` says how it ended, "" while it is open, and `head` is the audit's of then.

    `lines` are what came of it since, `proposal` what the upgrade began with, on its first card. `known` are those of
    its risks that were on a card approved before.
    """

    message_kind: ClassVar[MessageKind] = "gate"
    question: str = ""
    card: Card | None = None
    moved: tuple[str, ...] = ()
    digest: str = ""
    approvers: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    step: str = ""
    generation: int = 0
    expires_at: datetime | None = None
    closed: str = ""
    code: str = ""
    head: str = ""
    closed_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    proposal: Card | None = None
    known: tuple[str, ...] = ()


class BlockedBody(Struct, frozen=True):
    """A step that can't go on, and what may be done; `closed` says what was, `people` are called to it."""

    message_kind: ClassVar[MessageKind] = "blocked"
    sentence: str = ""
    remedy: str = ""
    choices: tuple[Choice, ...] = ()
    step: str = ""
    generation: int = 0
    expires_at: datetime | None = None
    closed: str = ""
    code: str = ""
    head: str = ""
    people: tuple[str, ...] = ()
    closed_at: datetime | None = None


class FileBody(Struct, frozen=True):
    """A text that goes into the thread as a file; a change record is `made` of the journal when it is sent."""

    message_kind: ClassVar[MessageKind] = "file"
    name: str = ""
    text: str = ""
    made: Literal["", "change record"] = ""


class PackedFile(Struct, frozen=True):
    """A file as its row keeps it: packed, since files are most of what is told of an upgrade."""

    name: str
    made: str
    packed: str


class AgendaLine(Struct, frozen=True, array_like=True):
    """A line of the calendar; `starts` is None where it is about no point in time, `ends` where no end is set."""

    text: str
    starts: datetime | None = None
    ends: datetime | None = None


class AgendaSection(Struct, frozen=True):
    """A part of the calendar."""

    title: str
    lines: tuple[AgendaLine, ...]


class ThreadPlace(Struct, frozen=True, array_like=True):
    """Where the thread of an upgrade is."""

    upgrade: str
    channel: str
    ts: str


class AnswerBody(Struct, frozen=True):
    """A private answer to one person; `response_url` is Slack's, "" where there is none, `log` what it lists.

    `card` is a copy of the card that asks `upgrade`'s open question, for this person alone; its buttons give `reason`
    as theirs. `thread` is the ts of the thread to answer in, "" for the channel; `threads` are those that it is about.
    """

    message_kind: ClassVar[MessageKind] = "answer"
    user: str = ""
    channel: str = ""
    response_url: str = ""
    text: str = ""
    agenda: tuple[AgendaSection, ...] = ()
    upgrade: str = ""
    card: GateBody | None = None
    reason: str = ""
    log: tuple[Line, ...] = ()
    thread: str = ""
    threads: tuple[ThreadPlace, ...] = ()


class PodNumbers(Struct, frozen=True):
    """How many pods an upgrade had, and what became of them."""

    upgraded: int = 0
    manual: int = 0
    total: int = 0


class FinishedBody(Struct, frozen=True):
    """The report at the end of a plan; `returnable` while it has the button of the way back."""

    message_kind: ClassVar[MessageKind] = "finished"
    sentence: str = ""
    card: Card | None = None
    result: UpgradeState | Literal[""] = ""
    source: str = ""
    target: str = ""
    pods: PodNumbers = PodNumbers()
    head: str = ""
    returnable: bool = False


class Moment(Struct, frozen=True, array_like=True):
    """A point in time under a name."""

    name: str
    at: datetime


class ReminderBody(Struct, frozen=True):
    """One reminder of an upgrade; `seqs` are all that it tells of, those that were missed included.

    `card` is the card that is asked about, or the root where nothing is asked; None where Slack has neither yet.
    """

    message_kind: ClassVar[MessageKind] = "reminder"
    upgrade: str = ""
    kind: ReminderKind | Literal[""] = ""
    seq: int = 0
    seqs: tuple[int, ...] = ()
    text: str = ""
    moments: tuple[Moment, ...] = ()
    missed: str = ""
    choices: tuple[Choice, ...] = ()
    step: str = ""
    generation: int = 0
    controls: tuple[ControlName, ...] = ()
    cancel: bool = False
    cluster: str = ""
    snoozes: tuple[int, ...] = ()
    closed: str = ""
    place: str = ""
    card: MessagePlace | None = None


class GatheredLine(Struct, frozen=True):
    """One of many reminders in a message."""

    text: str = ""
    moments: tuple[Moment, ...] = ()
    card: MessagePlace | None = None


class GatheredBody(Struct, frozen=True):
    """Many reminders in one message; of `others` only the upgrades are named."""

    message_kind: ClassVar[MessageKind] = "reminder"
    lines: tuple[GatheredLine, ...]
    seqs: tuple[int, ...] = ()
    text: str = ""
    others: tuple[str, ...] = ()
    upgrade: str = ""
    closed: str = ""


class Unheard(Struct, frozen=True, array_like=True):
    """An upgrade that its channel takes nothing of, and the ts of its root there, "" where that was never posted."""

    upgrade: str
    cluster: str
    ts: str = ""


class NoticeBody(Struct, frozen=True):
    """What one person is told directly of a channel that takes nothing; none of its `upgrades` is left once it does."""

    message_kind: ClassVar[MessageKind] = "notice"
    unheard_in: str = ""
    why: str = ""
    upgrades: tuple[Unheard, ...] = ()


class UnreadableBody(Struct, frozen=True):
    """The body of a row that this version of the bot can't read; whoever draws it fails at this row alone."""

    message_kind: MessageKind
    why: str


Asking: TypeAlias = GateBody | BlockedBody
Reminding: TypeAlias = ReminderBody | GatheredBody
Readable: TypeAlias = (
    RootBody | MilestoneBody | ProgressBody | Asking | FileBody | AnswerBody | FinishedBody | Reminding | NoticeBody
)
Body: TypeAlias = Readable | UnreadableBody


@dataclass(frozen=True)
class Message:
    """A row of the outbox.

    `slot` names an editable message within its upgrade ("root", "progress:sidecars", "gate:access/approve:1"), "" for
    one that is posted once. `ts` is Slack's, "" until posted. `revision` grows with each change of `body`;
    `sent_revision` is the last one that Slack has. `attempts` > 0 with no `ts` means that an earlier post may have
    arrived: look for `id` in the metadata before posting again.
    """

    id: str
    upgrade: str
    slot: str
    channel: str
    body: Body
    created_at: datetime
    revision: int = 1
    sent_revision: int = 0
    ts: str = ""
    attempts: int = 0
    not_before: datetime | None = None

    @property
    def kind(self) -> MessageKind:
        """What the message is for; its body's type tells."""
        return self.body.message_kind


class WaitingMessage(NamedTuple):
    """A message with something that Slack has not got; `not_before` is in seconds since the epoch."""

    id: str
    upgrade: str
    kind: MessageKind
    channel: str
    revision: int
    ts: str
    not_before: float | None
    slot: str


# A file's text longer than this is packed, as long as it has not too many bytes, at four a letter.
LONGEST_PLAIN = 500
# What is written into a card once its question is over, or called out with it: neither is what it says.
NOT_SAID = frozenset({"closed", "closed_at", "head", "lines", "people", "proposal", "known"})
BODIES: Mapping[MessageKind, type[Readable]] = {
    "root": RootBody,
    "milestone": MilestoneBody,
    "progress": ProgressBody,
    "gate": GateBody,
    "blocked": BlockedBody,
    "file": FileBody,
    "answer": AnswerBody,
    "finished": FinishedBody,
    "reminder": ReminderBody,
    "notice": NoticeBody,
}


def encode_body(body: Body) -> str:
    """A body as its row keeps it: a JSON object, in which the text of a file is packed."""
    if isinstance(body, FileBody) and LONGEST_PLAIN < len(body.text) <= LARGEST_PACKED // 4:
        return msgspec.json.encode(PackedFile(body.name, body.made, pack_text(body.text))).decode()
    return msgspec.json.encode(body).decode()


def decode_body(kind: MessageKind, text: str) -> Body:
    """The body of a row of this kind. Rows of earlier versions may lack fields, and may have others."""
    try:
        fields = msgspec.json.decode(text, type=Stored)
        form: type[Readable] = GatheredBody if kind == "reminder" and fields.get("lines") else BODIES[kind]
        return msgspec.convert(fields | _mend_fields(fields), form)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        return UnreadableBody(kind, f"a message of kind {kind} can't be read: {fault}")


def decode_choices(text: str) -> tuple[Choice, ...]:
    """The choices of a question as its row keeps them."""
    stored = msgspec.json.decode(text, type=list[Stored])
    return msgspec.convert([_mend_choice(choice) for choice in stored], tuple[Choice, ...])


def digest_shown(body: str) -> str:
    """The SHA-256 of what a card of the outbox says, whatever became of it since."""
    said = {name: told for name, told in msgspec.json.decode(body, type=Stored).items() if name not in NOT_SAID}
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _mend_fields(fields: Stored) -> Stored:
    """What earlier versions wrote otherwise, as it is written now."""
    mended: Stored = {}
    if packed := fields.get("packed"):
        mended["text"] = unpack_text(msgspec.convert(packed, str))
    if choices := fields.get("choices"):
        mended["choices"] = [_mend_choice(choice) for choice in msgspec.convert(choices, list[Stored])]
    if sections := fields.get("agenda"):
        mended["agenda"] = [
            {**section, "lines": [_mend_line(line) for line in msgspec.convert(section["lines"], list[StoredLine])]}
            for section in msgspec.convert(sections, list[Stored])
        ]
    return mended


def _mend_choice(choice: Stored) -> Stored:
    """Earlier versions wrote Slack's style in place of the weight."""
    return {**choice, "weight": EARLIER_STYLES.get(str(choice.get("style", "")), choice.get("weight", ""))}


def _mend_line(line: StoredLine) -> StoredLine:
    """Earlier versions wrote "" for a moment that there is not."""
    return [part or None for part in line]
