"""The plan with the ledger: which workloads are open, which have failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steps.contract.ledger import Ledger, LedgerEntry
from steps.contract.step import Context
from steps.mesh import EMPTY
from steps.notes.sidecars import NODES, count_sent, name_clock, name_hold, read_clock, read_stamp, start_clock
from steps.phases.sidecars.flights.flight import Flight
from steps.workloads.waves import CANARY, PLAN, PlannedWorkload

OPEN_STATES = ("pending", "failed")
# The one wave where nothing happens between waves.
ALL = "all"


class Tally:
    """The plan with the ledger by workload id, as one turn sees it: read once, and kept up with what it records."""

    def __init__(self, workloads: Sequence[PlannedWorkload], ledger: Ledger) -> None:
        self.workloads = tuple(workloads)
        self._ledger = ledger
        self._entries: dict[str, dict[str, LedgerEntry]] = {}
        self._refs: dict[str, str] = {}
        self._file(ledger.read_entries())

    def revise(self, changed: Iterable[PlannedWorkload]) -> None:
        """From now on these workloads of the plan are moved in another way."""
        by_ref = {one.ref: one for one in changed}
        self.workloads = tuple(by_ref.get(one.ref, one) for one in self.workloads)

    def record(self, entries: Iterable[LedgerEntry]) -> None:
        """Add or replace entries in the ledger."""
        changed = list(entries)
        if changed:
            self._ledger.record_entries(changed)
            self._file(changed)

    def _file(self, entries: Iterable[LedgerEntry]) -> None:
        for entry in entries:
            before = self._refs.get(entry.uid)
            if before is not None and before != entry.workload:
                del self._entries[before][entry.uid]
            self._refs[entry.uid] = entry.workload
            self._entries.setdefault(entry.workload, {})[entry.uid] = entry

    def list_refs(self) -> tuple[str, ...]:
        """The ids of all workloads with entries."""
        return tuple(self._entries)

    def list_entries(self, ref: str) -> tuple[LedgerEntry, ...]:
        """The workload's entries."""
        return tuple(self._entries.get(ref, {}).values())

    def list_all(self) -> tuple[LedgerEntry, ...]:
        """Every entry of the ledger, ordered by namespace and pod."""
        entries = (entry for own in self._entries.values() for entry in own.values())
        return tuple(sorted(entries, key=lambda entry: (entry.namespace, entry.pod)))

    def list_open(self, refs: Iterable[str]) -> tuple[PlannedWorkload, ...]:
        """The approved workloads that have open entries, in the order of the plan."""
        approved = set(refs)
        return tuple(one for one in self.workloads if str(one.ref) in approved and self.has_open(str(one.ref)))

    def has_open(self, ref: str) -> bool:
        """Whether any pod of the workload has not ended yet."""
        return any(entry.state in OPEN_STATES for entry in self._entries.get(ref, {}).values())

    def has_failed(self, ref: str) -> bool:
        """Whether any pod of the workload has failed."""
        return any(entry.state == "failed" for entry in self._entries.get(ref, {}).values())


def group_waves(tally: Tally, refs: Sequence[str], *, apart: bool) -> Mapping[str, list[str]]:
    """The approved workload ids by wave, in the plan's order; one for all others where only the canary stands apart."""
    approved, waves = set(refs), dict[str, list[str]]()
    for planned in tally.workloads:
        if str(planned.ref) in approved:
            kept_apart = apart or planned.wave == CANARY
            waves.setdefault(planned.wave if kept_apart else ALL, []).append(str(planned.ref))
    return waves


def read_tally(ctx: Context) -> Tally:
    """The plan and the ledger as they stand."""
    plan = ctx.recall(PLAN)
    return Tally(plan or (), ctx.ledger)


def store_plan(ctx: Context, workloads: Sequence[PlannedWorkload]) -> None:
    """Keep the plan; workloads of an earlier plan that this one lacks stay in it."""
    refs = {one.ref for one in workloads}
    kept = [one for one in (ctx.recall(PLAN) or ()) if one.ref not in refs]
    plan = (*kept, *workloads)
    if plan != ctx.recall(PLAN):
        ctx.revise(PLAN, plan)


def recall_nodes(ctx: Context, planned: PlannedWorkload) -> Mapping[str, str]:
    """On which node each pod of a DaemonSet stood, by uid; earlier versions of the bot kept none."""
    kept = ctx.recall(NODES.of(str(planned.ref))) if planned.ref.kind == "DaemonSet" else None
    return kept or EMPTY


def open_flight(ctx: Context, tally: Tally, planned: PlannedWorkload) -> Flight:
    """The workload as the tally knows it, before this turn looks at the cluster."""
    ref = str(planned.ref)
    entries = tally.list_entries(ref)
    stamp, begun_in = read_stamp(ctx, ref)
    latest, _ = read_stamp(ctx, ref, anew=True) if stamp else ("", 0)
    return Flight(
        planned=planned,
        entries=tuple(entry for entry in entries if entry.state in OPEN_STATES),
        known={entry.uid: entry for entry in entries},
        stamp=latest or stamp,
        clock=start_clock(ctx, name_clock(ctx, ref)) if stamp else read_clock(ctx, name_hold(ctx, ref)),
        fresh=begun_in < ctx.generation and not latest,
        sent=count_sent(ctx, ref),
        nodes=recall_nodes(ctx, planned),
    )
