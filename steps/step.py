"""What a step is, what it is given and what it may answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from steps.estimate import Forecast
from steps.ledger import Ledger
from steps.mesh import ClusterAddress
from steps.options import UpgradeOptions
from steps.ports import Backups, Gke, Kubernetes, MeshTools, Probes, ReleaseFiles
from steps.release import Release

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True)
class Attachment:
    """A long text that belongs in the thread as a file."""

    name: str
    text: str


@dataclass(frozen=True)
class Detail:
    """A folded part of a card: a heading and lines of plain text."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """What a person is shown at a gate, in a proposal or in a report; plain text, escaped where it is drawn.

    `details` are folded; `snippet` is for copying and stands open.
    """

    title: str
    summary: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    risks: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    estimate: str = ""
    snippet: Detail | None = None


@dataclass(frozen=True)
class Choice:
    """One decision that a person may take; `style` is Slack's (primary, danger or empty)."""

    id: str
    label: str
    style: str = ""
    needs_reason: bool = False
    confirm: str = ""


APPROVE = Choice("approve", "Approve", "primary")
DENY = Choice("deny", "Deny", "danger", needs_reason=True)


@dataclass(frozen=True)
class Progress:
    """How far a counted piece of work is; `seconds_left` is None while no pace is known."""

    done: int
    total: int
    unit: str = "pods"
    per_minute: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Done:
    """The step's aim was seen to be reached. An empty sentence is not posted."""

    sentence: str
    card: Card | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Nothing to decide: look again in `retry_in` seconds. `details` are lines for the progress message.

    `held`: nothing is in flight and `Context.hold` forbids to start anything, so there is nothing to look at.
    """

    why: str
    retry_in: float
    progress: Progress | None = None
    details: tuple[str, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class Ask:
    """A person has to decide. `binding` is what the decision holds for; `moved` says what voided an earlier one."""

    question: str
    card: Card
    binding: Mapping[str, Json]
    choices: tuple[Choice, ...] = (APPROVE, DENY)
    moved: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the binding."""
        return digest_binding(self.binding)


@dataclass(frozen=True)
class Blocked:
    """The upgrade can't go on by itself. Retry and abort are always offered; `choices` adds what else is."""

    why: str
    remedy: str
    choices: tuple[Choice, ...] = ()
    attachments: tuple[Attachment, ...] = ()


Outcome: TypeAlias = Done | Waiting | Ask | Blocked


@dataclass(frozen=True)
class Decision:
    """What a person decided on the current question of this step."""

    choice: str
    by: str
    at: datetime
    digest: str = ""
    reason: str = ""
    binding: Mapping[str, Json] = field(default_factory=dict)


class Memory(Protocol):
    """Values of one upgrade that survive a crash."""

    def remember(self, key: str, value: Json) -> Json:
        """Commit the value under the key before the call that uses it; answers the first value ever stored."""
        ...

    def recall(self, key: str) -> Json:
        """The value stored under the key, or None."""
        ...

    def revise(self, key: str, value: Json) -> None:
        """Replace the value; for findings that are measured anew, never for a stamp that a call has used.

        Commits together with the turn's outcome, so that a crash between the two leaves neither.
        """
        ...


@dataclass(frozen=True)
class Context:
    """Everything one run of a step may look at and act through.

    `hold` says why nothing new may be started, "" where it may: a step that acts in parts stops where nothing is in
    flight.
    """

    upgrade_id: str
    step_id: str
    generation: int
    requester: str
    cluster: ClusterAddress
    options: UpgradeOptions
    release: Release
    now: datetime
    waiting_since: datetime
    memory: Memory
    ledger: Ledger
    kubernetes: Kubernetes
    gke: Gke
    release_files: ReleaseFiles
    mesh_tools: MeshTools
    backups: Backups
    decision: Decision | None = None
    say: Callable[[str], None] = lambda _sentence: None
    probes: Probes | None = None
    hold: str = ""
    forecast: Callable[[], Forecast] = Forecast

    def remember(self, key: str, value: Json) -> Json:
        """Shorthand for `memory.remember`."""
        return self.memory.remember(key, value)

    def recall(self, key: str) -> Json:
        """Shorthand for `memory.recall`."""
        return self.memory.recall(key)


@dataclass(frozen=True)
class Step:
    """One step of a phase: `id` is `phase/name`; beyond `patience` a Waiting becomes Blocked."""

    id: str
    run: Callable[[Context], Outcome]
    patience: timedelta = timedelta(minutes=30)

    @property
    def phase(self) -> str:
        """The phase's name, the part of the id before the slash."""
        return self.id.partition("/")[0]


def digest_binding(binding: Mapping[str, Json]) -> str:
    """SHA-256 (hex) of the binding as canonical JSON."""
    text = json.dumps(binding, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def describe_drift(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[str, ...]:
    """One sentence for each top-level entry of a binding that differs."""
    return tuple(_describe_moved(before, after))


def _describe_moved(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterable[str]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from (f"{key}: {line}" for line in _describe_moved(old, new))
        elif old is None:
            yield f"{key} is now {_show(new)}"
        elif new is None:
            yield f"{key} is gone (was {_show(old)})"
        else:
            yield f"{key} was {_show(old)} and is now {_show(new)}"


def _show(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def pass_gate(ctx: Context, ask: Ask) -> Outcome:
    """Hold the person's decision against what would be shown now.

    No decision: the question itself. An approval of the same digest: Done. Another digest: the question anew with
    what moved. A denial: Blocked.
    """
    decision = ctx.decision
    phase = ctx.step_id.partition("/")[0]
    if decision is None:
        return ask
    if decision.choice == "deny":
        reason = f": {decision.reason}" if decision.reason else ""
        return Blocked(
            f"{phase} was denied by <@{decision.by}>{reason}",
            "Retry asks for the approval again; abort ends the upgrade.",
        )
    if decision.digest != ask.digest:
        moved = describe_drift(decision.binding, ask.binding)
        return Ask(ask.question, ask.card, ask.binding, ask.choices, moved)
    return Done(f"{phase} approved by <@{decision.by}>")
