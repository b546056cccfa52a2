"""Runs steps of the phase on a cluster on paper, as the runner would: turn after turn, with memory and ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Generic, Protocol, TypeVar

from steps.contract.forecast import Forecast
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Json
from steps.contract.options import UpgradeOptions
from steps.contract.ports import Kubernetes, Probes
from steps.contract.release import Release, parse_release
from steps.contract.step import Ask, Blocked, Context, Decision, Done, Outcome, Waiting
from steps.mesh import ClusterAddress, ClusterIdentity, Operation
from steps.phases.sidecars.phase import STEPS
from tests.unit.steps.paper import NothingToProbe
from tests.unit.steps.paper_cluster import PaperCluster


def load_release() -> Release:
    """The release that ships with the bot."""
    text = (files("steps") / "releases" / "asm-1.4.10-asm.18.toml").read_text()
    return parse_release(text, "asm-1.4.10-asm.18.toml")


@dataclass
class PaperMemory:
    """Memory as one turn sees it: remembered values commit at once, revised ones with the turn."""

    values: dict[str, Json] = field(default_factory=dict)
    revised: dict[str, Json] = field(default_factory=dict)

    def remember(self, key: str, value: Json) -> Json:
        return self.values.setdefault(key, value)

    def recall(self, key: str) -> Json:
        return self.revised[key] if key in self.revised else self.values.get(key)

    def revise(self, key: str, value: Json) -> None:
        self.revised[key] = value

    def commit(self) -> None:
        self.values.update(self.revised)
        self.revised = {}


@dataclass
class PaperLedger:
    """The ledger as one turn sees it: committed entries with the turn's own on top."""

    committed: dict[str, LedgerEntry] = field(default_factory=dict)
    turn: dict[str, LedgerEntry] = field(default_factory=dict)

    def read_entries(self) -> tuple[LedgerEntry, ...]:
        joined = self.committed | self.turn
        return tuple(sorted(joined.values(), key=lambda entry: (entry.namespace, entry.pod)))

    def record_entries(self, entries: Iterable[LedgerEntry]) -> None:
        self.turn.update({entry.uid: entry for entry in entries})

    def commit(self) -> None:
        self.committed.update(self.turn)
        self.turn = {}


class PaperGke:
    """Answers the questions that the phase asks of Google; `fault` is what it raises instead of the operations."""

    def __init__(self) -> None:
        self.operations: tuple[Operation, ...] = ()
        self.fault: Exception | None = None
        self.asked = 0

    def list_operations(self, address: ClusterAddress) -> tuple[Operation, ...]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return self.operations

    def describe_cluster(self, address: ClusterAddress) -> ClusterIdentity:
        return ClusterIdentity(
            "example-project", "123456789012", "us-central1-a", "cluster-x", "example-project.svc.id.goog",
            "proj-123456789012", "v1.16.15-gke.6000", "public",
        )  # fmt: skip


class Mesh(Protocol):
    """A cluster with its clock, on paper or simulated."""

    release: Release

    @property
    def now(self) -> datetime: ...

    @property
    def kubernetes(self) -> Kubernetes: ...

    def tick(self, seconds: float = 5.0) -> None: ...


C = TypeVar("C", bound=Mesh)


@dataclass
class Rig(Generic[C]):
    """One upgrade on one cluster. `run` goes on until a step asks, blocks or the phase is over."""

    cluster: C
    options: UpgradeOptions = field(default_factory=UpgradeOptions)
    gke: PaperGke = field(default_factory=PaperGke)
    memory: PaperMemory = field(default_factory=PaperMemory)
    ledger: PaperLedger = field(default_factory=PaperLedger)
    generation: int = 0
    decision: Decision | None = None
    said: list[str] = field(default_factory=list)
    waits: list[Waiting] = field(default_factory=list)
    probes: Probes = field(default_factory=NothingToProbe)
    window_minutes: float | None = None
    hold: str = ""
    approval_ended: datetime | None = None
    through: Decision | None = None

    def context(self, step_id: str) -> Context:
        nothing: Any = None
        gke: Any = self.gke
        return Context(
            journal_id="journal-1",
            upgrade_id="cluster-x-1",
            step_id=step_id,
            generation=self.generation,
            requester="U0ANA00001",
            cluster=ClusterAddress("cluster-x"),
            options=self.options,
            release=self.cluster.release,
            releases={},
            now=self.cluster.now,
            waiting_since=self.cluster.now,
            memory=self.memory,
            ledger=self.ledger,
            kubernetes=self.cluster.kubernetes,
            gke=gke,
            release_files=nothing,
            mesh_tools=nothing,
            backups=nothing,
            decision=self.decision,
            say=self.said.append,
            probes=self.probes,
            hold=self.hold,
            approval_ended=self.approval_ended,
            through=self.through,
            forecast=lambda: Forecast(window_minutes=self.window_minutes),
            read_head=lambda: "",
        )

    def turn(self, name: str) -> Outcome:
        """Run the step once and commit what it recorded."""
        step = next(step for step in STEPS if step.id == f"sidecars/{name}")
        outcome = step.run(self.context(step.id))
        self.commit()
        if isinstance(outcome, Ask | Blocked):
            self.generation += 1
            self.decision = None
        return outcome

    def commit(self) -> None:
        """Commit the turn: ledger and revised memory together."""
        self.ledger.commit()
        self.memory.commit()

    def run(
        self, name: str, turns: int = 500, between: Callable[[], None] | None = None, pause: float = 0.0
    ) -> Outcome:
        """Run the step until it does not wait any more, letting the cluster act in between.

        `pause` is the least between two looks in seconds, where nothing is judged by when the bot looks.
        """
        for _ in range(turns):
            outcome = self.turn(name)
            if not isinstance(outcome, Waiting):
                return outcome
            self.waits.append(outcome)
            self.cluster.tick(max(outcome.retry_in, pause))
            if between:
                between()
        raise AssertionError(f"still waiting after {turns} turns: {outcome}")

    def decide(self, asked: Outcome, choice: str = "approve", reason: str = "") -> None:
        """Decide as a person would on what the outcome asked."""
        binding = asked.binding if isinstance(asked, Ask) else {}
        digest = asked.digest if isinstance(asked, Ask) else ""
        self.decision = Decision(choice, "U0BEN00002", self.cluster.now, digest, reason, binding)

    def approve(self, name: str) -> Outcome:
        """Pass a gate."""
        self.decision = None
        asked = self.turn(name)
        if isinstance(asked, Done):
            return asked
        self.decide(asked)
        outcome = self.turn(name)
        self.decision = None
        return outcome

    def states(self) -> dict[str, str]:
        """The state of each pod by name."""
        return {entry.pod: entry.state for entry in self.ledger.read_entries()}

    def count(self, state: str) -> int:
        """How many pods ended in the state."""
        return sum(1 for entry in self.ledger.read_entries() if entry.state == state)


def start(cluster: C, **options: Any) -> Rig[C]:
    """A rig whose plan is made and whose sidecars are approved, canary aside."""
    rig = Rig(cluster, dataclasses.replace(UpgradeOptions(), **options))
    assert isinstance(rig.run("plan"), Done)
    return rig


def later(cluster: PaperCluster, minutes: float) -> None:
    """Let the cluster's clock go on without anything happening."""
    cluster.now += timedelta(minutes=minutes)
