"""The plan of the sidecars phase: which workloads, by which method, in which wave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Json, Note, encode_note, read_as
from steps.contract.options import UpgradeOptions
from steps.mesh import WorkloadRef
from steps.workloads.estimate import Piece
from steps.workloads.inventory import Finding, Inventory, LeftOut
from steps.workloads.method import Method, Way, choose_way
from steps.workloads.risk import describe_shared, find_risks
from steps.workloads.rollout import count_rounds
from steps.workloads.subject import Level, Risk, Subject, worst_level

# no namespace can bear these names
CANARY = "canary namespaces"
LATER = "later wave"
RISKS_SHOWN = 10
BY_OPTIONS = "the upgrade's options"


@dataclass(frozen=True)
class PlannedWorkload:
    """A workload as it is approved. `pods` still have to be re-injected by the bot; 0 where all are a person's.

    `rounds` is how often one after the other pods are waited for, `ready_seconds` its minReadySeconds.
    """

    ref: WorkloadRef
    method: Method
    wave: str
    pods: int
    level: Level = "note"
    risks: tuple[str, ...] = ()
    rounds: int = 0
    ready_seconds: float = 0.0

    @property
    def piece(self) -> Piece:
        """What the estimate needs of it."""
        return Piece(self.pods, self.rounds or self.pods, self.wave, self.ready_seconds, self.wave == CANARY)


@dataclass(frozen=True)
class Planned:
    """The outcome of planning: the workloads in order, each with its risks, and a ledger entry for each pod.

    `left_out` counts the pods that are out of scope, by reason; `unknown` says what could not be judged.
    """

    workloads: tuple[PlannedWorkload, ...]
    entries: tuple[LedgerEntry, ...]
    risks: Mapping[WorkloadRef, tuple[Risk, ...]]
    left_out: Mapping[LeftOut, int]
    unknown: tuple[str, ...] = ()


def plan_workloads(inventory: Inventory, options: UpgradeOptions) -> Planned:
    """Decide the method and wave of each workload in the inventory, and what becomes of each of its pods."""
    workloads, entries, risks = [], [], {}
    for ref, findings in inventory.group_by_workload().items():
        planned, own_entries, own_risks = _plan_workload(ref, findings, inventory, options)
        workloads.append(planned)
        entries.extend(own_entries)
        risks[ref] = own_risks
    return Planned(order_workloads(workloads), tuple(entries), risks, inventory.left_out, inventory.unknown)


def _plan_workload(
    ref: WorkloadRef, findings: Sequence[Finding], inventory: Inventory, options: UpgradeOptions
) -> tuple[PlannedWorkload, list[LedgerEntry], tuple[Risk, ...]]:
    workload = inventory.surroundings.workloads.get(ref)
    wave = CANARY if ref.namespace in options.canary_namespaces else ref.namespace
    target = inventory.surroundings.injector.image
    ways = [choose_way(finding, workload, options.evict_namespaces, target) for finding in findings]
    entries = [open_entry(finding, way, wave) for finding, way in zip(findings, ways, strict=True)]
    pending = [way.method for way, entry in zip(ways, entries, strict=True) if entry.state == "pending"]
    method: Method = pending[0] if pending else "manual"
    concerned = any(entry.state in ("pending", "manual") for entry in entries)
    subject = Subject(ref, method, workload, findings, inventory)
    risks = find_risks(subject) if concerned else ()
    lasting = [risk for risk in risks if not risk.passing]
    kinds = tuple(sorted(risk.kind for risk in lasting))
    rounds = count_rounds(workload, method, len(pending), subject.budgets)
    ready_seconds = float(workload.min_ready_seconds) if workload else 0.0
    level = worst_level(lasting)
    return PlannedWorkload(ref, method, wave, len(pending), level, kinds, rounds, ready_seconds), entries, risks


def list_restart_risks(planned: Planned) -> tuple[str, ...]:
    """The restart risks that deserve a look before anybody starts, worst first."""
    found = [
        f"{ref}: {risk.sentence}"
        for level in ("outage", "care")
        for ref, risks in planned.risks.items()
        for risk in risks
        if risk.level == level
    ]
    more = (f"and {len(found) - RISKS_SHOWN} more, shown with the approval of the sidecars",)
    shared = describe_shared(planned.risks)[:RISKS_SHOWN]
    return (*found[:RISKS_SHOWN], *(more if len(found) > RISKS_SHOWN else ()), *shared)


def open_entry(finding: Finding, way: Way, wave: str) -> LedgerEntry:
    """The ledger entry with which a pod comes into scope."""
    pod = finding.pod
    known = {"uid": pod.uid, "namespace": pod.namespace, "pod": pod.name, "workload": str(finding.ref), "wave": wave}
    if finding.condition == "current":
        return LedgerEntry(**known, state="upgraded", evidence=f"already on {pod.proxy_image}")
    if finding.skipped:
        return LedgerEntry(**known, state="skipped", by=BY_OPTIONS, reason=finding.skipped)
    if way.method == "manual":
        return LedgerEntry(**known, state="manual", reason=way.reason, command=way.command)
    return LedgerEntry(**known, state="pending")


def order_workloads(workloads: Sequence[PlannedWorkload]) -> tuple[PlannedWorkload, ...]:
    """Canary first, then the waves with the fewest pods first; within a wave the gentlest and smallest first."""
    sizes = Counter[str]()
    for planned in workloads:
        sizes[planned.wave] += planned.pods

    def rank(one: PlannedWorkload) -> tuple[bool, int, str, bool, int, str]:
        return (one.wave != CANARY, sizes[one.wave], one.wave, one.level == "outage", one.pods, str(one.ref))

    return tuple(sorted(workloads, key=rank))


@dataclass(frozen=True)
class _Row:
    """A planned workload as it is stored."""

    namespace: str
    kind: str
    name: str
    method: Method
    wave: str
    pods: int
    level: Level = "note"
    risks: tuple[str, ...] = ()
    rounds: int = 0
    ready_seconds: float = 0.0


_read_rows = read_as(tuple[_Row, ...])


def write_plan(workloads: Sequence[PlannedWorkload]) -> Json:
    """The plan as JSON, one flat object per workload."""
    return encode_note([_flatten(one) for one in workloads])


def _flatten(one: PlannedWorkload) -> _Row:
    ref = one.ref
    return _Row(
        ref.namespace, ref.kind, ref.name, one.method, one.wave, one.pods, one.level, one.risks, one.rounds,
        one.ready_seconds,
    )  # fmt: skip


def read_plan(kept: Json) -> tuple[PlannedWorkload, ...]:
    """The plan from JSON."""
    return tuple(
        PlannedWorkload(
            WorkloadRef(row.namespace, row.kind, row.name),
            row.method, row.wave, row.pods, row.level, row.risks, row.rounds, row.ready_seconds,
        )
        for row in _read_rows(kept)
    )  # fmt: skip


PLAN = Note("sidecars/plan", read_plan, write_plan)
