"""What the sidecars phase keeps between turns: the plan, the approvals, the stamps. All of it in memory and ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from steps.contract.ledger import Ledger, LedgerEntry
from steps.contract.step import Context, Json
from steps.phases.sidecars.flights.flight import Flight
from steps.workloads.waves import PlannedWorkload, load_workloads, store_workloads

PLAN = "sidecars/plan"
APPROVED = "sidecars/approved"
DECLINED = "sidecars/declined"
CHECKED = "sidecars/checked"
OPEN_STATES = ("pending", "failed")
LONGEST_PAUSE = timedelta(minutes=10)


class Board:
    """The plan with the ledger by workload id, as one turn sees it: read once, and kept up with what it records."""

    def __init__(self, workloads: Sequence[PlannedWorkload], ledger: Ledger) -> None:
        self.workloads = tuple(workloads)
        self._ledger = ledger
        self._entries: dict[str, dict[str, LedgerEntry]] = {}
        self._refs: dict[str, str] = {}
        self._file(ledger.read_entries())

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


def read_board(ctx: Context) -> Board:
    """The plan and the ledger as they stand."""
    return Board(load_workloads(ctx.recall(PLAN)), ctx.ledger)


def store_plan(ctx: Context, workloads: Sequence[PlannedWorkload]) -> None:
    """Keep the plan; workloads of an earlier plan that this one lacks stay in it."""
    refs = {one.ref for one in workloads}
    kept = [one for one in load_workloads(ctx.recall(PLAN)) if one.ref not in refs]
    stored = store_workloads((*kept, *workloads))
    if stored != ctx.recall(PLAN):
        ctx.memory.revise(PLAN, stored)


def read_refs(ctx: Context, key: str) -> frozenset[str]:
    """The workload ids kept under the key."""
    return frozenset(cast("Sequence[str]", ctx.recall(key) or ()))


def add_refs(ctx: Context, key: str, refs: Iterable[str]) -> None:
    """Add workload ids to those kept under the key."""
    kept = read_refs(ctx, key)
    joined = kept | frozenset(refs)
    if joined != kept:
        ctx.memory.revise(key, sorted(joined))


def open_flight(ctx: Context, board: Board, planned: PlannedWorkload) -> Flight:
    """The workload as the board knows it, before this turn looks at the cluster."""
    ref = str(planned.ref)
    entries = board.list_entries(ref)
    stamp, begun_in = read_stamp(ctx, ref)
    latest, _ = read_stamp(ctx, ref, anew=True) if stamp else ("", 0)
    return Flight(
        planned=planned,
        entries=tuple(entry for entry in entries if entry.state in OPEN_STATES),
        known={entry.uid: entry for entry in entries},
        stamp=latest or stamp,
        clock=start_clock(ctx, name_clock(ctx, ref)) if stamp else read_clock(ctx, name_hold(ctx, ref)),
        fresh=begun_in < ctx.generation and not latest,
    )


def name_clock(ctx: Context, ref: str) -> str:
    """The key under which the begin of the present attempt is kept; a retry is a new attempt."""
    return f"sidecars/clock/{ctx.generation}/{ref}"


def name_hold(ctx: Context, ref: str) -> str:
    """The key under which it is kept since when the workload can't be begun."""
    return f"sidecars/held/{ctx.generation}/{ref}"


def start_clock(ctx: Context, key: str) -> datetime:
    """The time at which this was first asked for under the key."""
    return _correct(ctx, key, str(ctx.remember(key, ctx.now.isoformat())))


def read_clock(ctx: Context, key: str) -> datetime | None:
    """The time kept under the key, None where none is."""
    kept = ctx.recall(key)
    return _correct(ctx, key, str(kept)) if kept else None


def _correct(ctx: Context, key: str, kept: str) -> datetime:
    # A clock that was set back would add the jump to every patience and to the soak: they begin anew.
    begun = datetime.fromisoformat(kept)
    if begun <= ctx.now:
        return begun
    ctx.memory.revise(key, ctx.now.isoformat())
    return ctx.now


def name_stamp(ctx: Context, ref: str, *, anew: bool = False) -> str:
    """The key of the workload's first stamp, or of the one that this attempt may add to it."""
    return f"sidecars/stamp/{ref}/{ctx.generation}" if anew else f"sidecars/stamp/{ref}"


def read_stamp(ctx: Context, ref: str, *, anew: bool = False) -> tuple[str, int]:
    """The workload's first stamp, or this attempt's, and the generation it was made in; "" where there is none."""
    kept = cast("Mapping[str, Json]", ctx.recall(name_stamp(ctx, ref, anew=anew)) or {})
    return str(kept.get("at", "")), int(cast(int, kept.get("generation", ctx.generation)))


def stamp_workload(ctx: Context, planned: PlannedWorkload, *, anew: bool = False) -> str:
    """Commit the stamp (RFC 3339) with which the workload is restarted; the first one ever stored is answered."""
    now = ctx.now.astimezone(UTC).replace(microsecond=0)
    stamp: Json = {"at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "generation": ctx.generation}
    kept = cast("Mapping[str, str]", ctx.remember(name_stamp(ctx, str(planned.ref), anew=anew), stamp))
    return kept["at"]


def put_off(ctx: Context, ref: str, seconds: float | None, why: str) -> None:
    """Leave the workload alone for a while after a call for it failed; longer each time, 60 s at most."""
    kept = cast("Mapping[str, Json]", ctx.recall(name_backoff(ref)) or {})
    tries = int(cast(int, kept.get("tries", 0))) + 1
    pause = seconds if seconds is not None else min(60.0, 2.0**tries)
    until = ctx.now + min(timedelta(seconds=pause), LONGEST_PAUSE)
    ctx.memory.revise(name_backoff(ref), {"tries": tries, "until": until.isoformat(), "why": why})


def name_backoff(ref: str) -> str:
    """The key under which refused calls for the workload are kept."""
    return f"sidecars/backoff/{ref}"


def is_put_off(ctx: Context, ref: str) -> bool:
    """Whether the workload's pause after a refused call still lasts."""
    kept = cast("Mapping[str, str] | None", ctx.recall(name_backoff(ref)))
    if not kept:
        return False
    # A longer one was kept before the clock was set back.
    return ctx.now < datetime.fromisoformat(kept["until"]) <= ctx.now + LONGEST_PAUSE


def read_refusal(ctx: Context, ref: str) -> str:
    """Why the last call for the workload was refused, "" where it was not."""
    kept = cast("Mapping[str, str] | None", ctx.recall(name_backoff(ref)))
    return kept["why"] if kept else ""


def forget_refusals(ctx: Context, ref: str) -> None:
    """A call for the workload went through again."""
    if ctx.recall(name_backoff(ref)):
        ctx.memory.revise(name_backoff(ref), None)
