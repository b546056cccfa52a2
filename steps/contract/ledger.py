"""The ledger: what became of each pod in scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

EntryState: TypeAlias = Literal["pending", "upgraded", "manual", "skipped", "gone", "failed"]
STATES: tuple[EntryState, ...] = ("pending", "upgraded", "manual", "skipped", "gone", "failed")


@dataclass(frozen=True)
class LedgerEntry:
    """One pod that was in scope when the sidecars phase was planned, and how it ended.

    `reason` says why, `command` what a person would run (manual), `by` who skipped it, `evidence` what was seen.
    """

    uid: str
    namespace: str
    pod: str
    workload: str
    state: EntryState
    wave: str = ""
    reason: str = ""
    command: str = ""
    by: str = ""
    evidence: str = ""


class Ledger(Protocol):
    """The ledger of one upgrade; what a turn records commits together with its outcome."""

    def read_entries(self) -> tuple[LedgerEntry, ...]:
        """All entries, what this turn recorded included, ordered by namespace and pod."""
        ...

    def record_entries(self, entries: Iterable[LedgerEntry]) -> None:
        """Add or replace entries by uid."""
        ...


# What becomes of a pod that does not get the new sidecar, in words.
_LEFT: tuple[tuple[EntryState, str], ...] = (
    ("manual", "by hand"),
    ("skipped", "skipped"),
    ("failed", "failed"),
    ("pending", "not restarted"),
)


def describe_left_pods(counts: Mapping[EntryState, int]) -> str:
    """`58 pods keep the old sidecar: 2 by hand, 56 skipped`, "" where none does."""
    parts = [f"{counts[state]} {words}" for state, words in _LEFT if counts[state]]
    left = sum(counts[state] for state, _ in _LEFT)
    kept = "1 pod keeps" if left == 1 else f"{left} pods keep"
    return f"{kept} the old sidecar: {', '.join(parts)}" if left else ""


def count_entries(entries: Iterable[LedgerEntry]) -> Mapping[EntryState, int]:
    """How many entries end in each state; every state is present."""
    counted = Counter(entry.state for entry in entries)
    return {state: counted[state] for state in STATES}


def count_pods(counts: Mapping[EntryState, int]) -> int:
    """How many pods an upgrade had in the end: those that are gone are not counted."""
    return sum(count for state, count in counts.items() if state != "gone")
