"""The ledger: what became of each pod in scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from steps.contract.wording import count_things

EntryState: TypeAlias = Literal["pending", "upgraded", "manual", "skipped", "gone", "failed"]
LEFT_SHOWN = 10
STATES: tuple[EntryState, ...] = ("pending", "upgraded", "manual", "skipped", "gone", "failed")


@dataclass(frozen=True)
class LedgerEntry:
    """One pod that was in scope when the sidecars phase was planned, and how it ended.

    `reason` says why, `command` what a person would run (manual, or left alone), `by` who skipped it, `evidence` what
    was seen.
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


def describe_left_pods(counts: Mapping[EntryState, int], sidecar: str) -> str:
    """`58 pods keep the old sidecar: 2 by hand, 56 skipped`, "" where none does."""
    parts = [f"{counts[state]} {words}" for state, words in _LEFT if counts[state]]
    left = sum(counts[state] for state, _ in _LEFT)
    kept = "1 pod keeps" if left == 1 else f"{left} pods keep"
    return f"{kept} {sidecar}: {', '.join(parts)}" if left else ""


def list_left_commands(entries: Iterable[LedgerEntry]) -> tuple[str, ...]:
    """What is left to a person as lines to copy: each workload's command under why it was left."""
    found: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in entries:
        if entry.state not in ("upgraded", "gone") and entry.command:
            found.setdefault((entry.workload, entry.reason), []).append(entry)
    told = [_write_left(own) for _, own in sorted(found.items())]
    more = len(told) - LEFT_SHOWN
    rest = [f"# and {count_things(more, 'more workload')}: see the ledger"] if more > 0 else []
    return (*(line for lines in told[:LEFT_SHOWN] for line in lines), *rest)


def _write_left(entries: Sequence[LedgerEntry]) -> list[str]:
    """The first command, with how many pods need one of their own as well."""
    first, *others = dict.fromkeys(entry.command for entry in entries)
    head = f"# {entries[0].workload} ({count_things(len(entries), 'pod')}): {entries[0].reason}"
    return [head, first, *([f"# and so for {count_things(len(others), 'more pod')}"] if others else [])]


def count_entries(entries: Iterable[LedgerEntry]) -> Mapping[EntryState, int]:
    """How many entries end in each state; every state is present."""
    counted = Counter(entry.state for entry in entries)
    return {state: counted[state] for state in STATES}


def count_pods(counts: Mapping[EntryState, int]) -> int:
    """How many pods an upgrade had in the end: those that are gone are not counted."""
    return sum(count for state, count in counts.items() if state != "gone")
