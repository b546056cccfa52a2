"""The outside world of an upgrade on paper: plain values behind the ports, changed by the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from steps.contract.forecast import Forecast
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Json
from steps.contract.options import UpgradeOptions
from steps.contract.release import Release
from steps.contract.step import Context, Decision, Outcome, Waiting
from steps.mesh import (
    ClusterIdentity,
)
from tests.unit.steps.builders import (
    ADDRESS,
    NEW,
    NOW,
    OLD,
    list_rendered_images,
    make_identity,
    read_shipped_release,
)
from tests.unit.steps.paper_ports import (
    MOST_RECORDINGS,
    PaperBackups,
    PaperFiles,
    PaperGke,
    PaperKubernetes,
    PaperTools,
)


class NothingToProbe:
    """Where no probe is set up nothing is asked."""

    def check_address(self, url: str) -> str:
        raise AssertionError(f"{url} was asked")

    def query_metric(self, prometheus_url: str, expression: str) -> float | None:
        raise AssertionError(f"{prometheus_url} was asked {expression}")


@dataclass
class PaperMemory:
    """Memory of one upgrade."""

    values: dict[str, Json] = field(default_factory=dict)

    def remember(self, key: str, value: Json) -> Json:
        if self.values.get(key) is None:
            self.values[key] = value
        return self.values[key]

    def recall(self, key: str) -> Json:
        return self.values.get(key)

    def revise(self, key: str, value: Json) -> None:
        self.values[key] = value


@dataclass
class PaperLedger:
    """Entries as they are."""

    entries: tuple[LedgerEntry, ...] = ()

    def read_entries(self) -> tuple[LedgerEntry, ...]:
        return self.entries

    def record_entries(self, entries: Any) -> None:
        self.entries = (*self.entries, *entries)


@dataclass
class Paper:
    """One upgrade of cluster-x, past prepare and download, and a step's turn."""

    gke: PaperGke = field(default_factory=PaperGke)
    kubernetes: PaperKubernetes = field(default_factory=PaperKubernetes)
    files: PaperFiles = field(default_factory=PaperFiles)
    tools: PaperTools = field(default_factory=PaperTools)
    backups: PaperBackups = field(default_factory=PaperBackups)
    ledger: PaperLedger = field(default_factory=PaperLedger)
    memory: PaperMemory = field(default_factory=PaperMemory)
    options: UpgradeOptions = field(default_factory=UpgradeOptions)
    generation: int = 3
    release: Release = field(default_factory=read_shipped_release)
    now: datetime = NOW
    waited: timedelta = timedelta(0)
    forecast: Forecast = field(default_factory=Forecast)
    said: list[str] = field(default_factory=list)
    approval_ended: datetime | None = None
    through: Decision | None = None
    journal_id: str = "journal-1"

    def run(self, step: Callable[[Context], Outcome], decision: Decision | None = None) -> Outcome:
        """One turn of a step, after those in which it only waits for recordings, which take no time on paper."""
        outcome = step(self.context(decision, _name_step(step)))
        for _ in range(MOST_RECORDINGS):
            if not isinstance(outcome, Waiting) or not outcome.why.startswith("writing down"):
                break
            outcome = step(self.context(decision, _name_step(step)))
        return outcome

    def context(self, decision: Decision | None = None, step_id: str = "paper/step") -> Context:
        """What the step is given."""
        gateways: dict[str, Any] = {
            "kubernetes": self.kubernetes, "gke": self.gke, "release_files": self.files, "mesh_tools": self.tools,
            "backups": self.backups, "memory": self.memory, "ledger": self.ledger,
        }  # fmt: skip
        return Context(
            journal_id=self.journal_id,
            upgrade_id="cluster-x-1",
            step_id=step_id,
            generation=self.generation,
            requester="U0ANA00001",
            cluster=ADDRESS,
            options=self.options,
            release=self.release,
            releases={version: replace(self.release, version=version) for version in (OLD, NEW)},
            now=self.now,
            waiting_since=self.now - self.waited,
            decision=decision,
            say=self.said.append,
            probes=NothingToProbe(),
            hold="",
            approval_ended=self.approval_ended,
            through=self.through,
            forecast=lambda: self.forecast,
            read_head=lambda: "ef" * 32,
            **gateways,
        )

    def advance(self, passed: timedelta) -> None:
        """Let time pass while the step waits."""
        self.now += passed
        self.waited += passed


def start_paper(**memory: Json) -> Paper:
    """An upgrade whose prepare and download are over."""
    paper = Paper()
    paper.gke.identity = replace(make_identity(), node_count=3)
    tools = {
        "version": NEW, "folder": f"istio-{NEW}", "istioctl": "istioctl", "asmctl": "asmctl",
        "istioctl_sha256": "1" * 64, "asmctl_sha256": "2" * 64,
    }  # fmt: skip
    paper.memory.values = {
        "prepare/identity": _describe(paper.gke.identity),
        "prepare/source": {"version": OLD},
        "prepare/mtls": "PERMISSIVE",
        "prepare/options": [],
        "download/sha256": "ab" * 32,
        "download/signature": "Verified OK",
        "download/key": "cd" * 32,
        "download/tools": tools,
        "download/previous": {"why": "not looked for on paper"},
        "download/arguments": ["manifest", "apply"],
        "download/images": list_rendered_images(),
        "download/removals": [],
        **memory,
    }
    return paper


def decide(choice: str, digest: str = "", reason: str = "") -> Decision:
    """Ben's decision."""
    return Decision(choice, "U0BEN00002", NOW, digest, reason)


def _describe(identity: ClusterIdentity) -> dict[str, Any]:
    return dict(vars(identity))


def _name_step(step: Callable[[Context], Outcome]) -> str:
    return f"{step.__module__.rpartition('.')[2].replace('_', '-')}/{step.__name__}"
