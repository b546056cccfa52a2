"""What a step is, what it is given and what it may answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from steps.contract.cards import APPROVALS, APPROVE, DENY, Attachment, Card, Choice, Progress
from steps.contract.forecast import Forecast
from steps.contract.ledger import Ledger
from steps.contract.notes import Json, Memory, Note
from steps.contract.options import UpgradeOptions
from steps.contract.ports import Backups, Gke, Kubernetes, MeshTools, Probes, ReleaseFiles
from steps.contract.release import Release
from steps.mesh import ClusterAddress

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """The step was seen to have reached its aim. An empty sentence is not posted."""

    sentence: str
    card: Card | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Nothing to decide: look again in `retry_in` seconds. `details` are lines for the progress message.

    `held`: nothing is in flight and `Context.hold` forbids to start anything, so there is nothing to look at.
    `queued`: it waits for a place of the bot's own, for which no patience is too long.
    """

    why: str
    retry_in: float
    progress: Progress | None = None
    details: tuple[str, ...] = ()
    held: bool = False
    queued: bool = False


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

    @property
    def approves(self) -> bool:
        """Whether a gate may be passed by it: in part, in full, or with all that follows."""
        return self.choice in APPROVALS


@dataclass(frozen=True)
class Context:
    """Everything one run of a step may look at and act through.

    `journal_id` names the bot's journal, which tells its bindings from those of another bot. `hold` says why nothing
    new may be started, "" where it may: a step that acts in parts stops where nothing is in flight. `approval_ended`
    is when the approval of the step's phase became too old, None while it counts. `through` is the approval of all
    that follows, None once anything was asked since. `releases` are those that the bot has a file for, by version.
    `read_head` is the head of the upgrade's audit now.
    """

    journal_id: str
    upgrade_id: str
    step_id: str
    generation: int
    requester: str
    cluster: ClusterAddress
    options: UpgradeOptions
    release: Release
    releases: Mapping[str, Release]
    now: datetime
    waiting_since: datetime
    memory: Memory
    ledger: Ledger
    kubernetes: Kubernetes
    gke: Gke
    release_files: ReleaseFiles
    mesh_tools: MeshTools
    backups: Backups
    decision: Decision | None
    say: Callable[[str], None]
    probes: Probes
    hold: str
    approval_ended: datetime | None
    through: Decision | None
    forecast: Callable[[], Forecast]
    read_head: Callable[[], str]

    def remember(self, note: Note[T], value: T) -> T:
        """Commit the note at once, before the call that uses it; answers the first value ever stored."""
        return note.read(self.memory.remember(note.key, note.write(value)))

    def recall(self, note: Note[T]) -> T | None:
        """The note's value, None where none is kept."""
        kept = self.memory.recall(note.key)
        return None if kept is None else note.read(kept)

    def revise(self, note: Note[T], value: T) -> None:
        """Replace the note's value together with the turn's outcome; never that of a stamp that a call has used."""
        self.memory.revise(note.key, note.write(value))

    def forget(self, note: Note[T]) -> None:
        """Keep nothing under the note any more, together with the turn's outcome."""
        self.memory.revise(note.key, None)


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
