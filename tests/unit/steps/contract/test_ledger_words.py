"""Sentences with totals say of what they are the total."""

from __future__ import annotations

import pytest

from steps.contract.ledger import EntryState, LedgerEntry, count_entries, describe_left_pods
from steps.phases.sidecars.approvals.cards import describe_ledger, describe_nothing
from tests.unit.steps.paper import start_paper
from tests.unit.steps.phases.way_back.papers import go_back

TABLE: list[tuple[dict[EntryState, int], str]] = [
    ({}, "nothing to restart: no pod has a sidecar or should have one"),
    ({"upgraded": 5, "gone": 2}, "nothing to restart: no pod has the old sidecar"),
    ({"manual": 2, "skipped": 56}, "nothing to restart; 58 pods keep the old sidecar: 2 by hand, 56 skipped"),
    ({"upgraded": 9, "manual": 1}, "nothing to restart; 1 pod keeps the old sidecar: 1 by hand"),
    ({"failed": 3, "pending": 4}, "nothing to restart; 7 pods keep the old sidecar: 3 failed, 4 not restarted"),
]


def entries(counts: dict[EntryState, int]) -> list[LedgerEntry]:
    """So many pods in each state."""
    return [
        LedgerEntry(f"{state}-{number}", "shop", f"{state}-{number}", "shop/Deployment/web", state)
        for state, count in counts.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(("counts", "sentence"), TABLE)
def test_nothing_to_restart_says_what_keeps_its_sidecar(counts: dict[EntryState, int], sentence: str) -> None:
    """Never that no pod has an old one where one has."""
    assert describe_nothing(start_paper().context(), entries(counts)) == sentence


def test_the_canary_speaks_of_its_own_namespaces() -> None:
    """Not of the others."""
    told = describe_nothing(start_paper().context(), entries({"skipped": 3}), "of the canary namespaces")
    assert told == "nothing to restart of the canary namespaces; 3 pods keep the old sidecar: 3 skipped"


def test_where_none_is_left_nothing_is_said() -> None:
    """The report has one line less."""
    assert describe_left_pods(count_entries(entries({"upgraded": 3})), "the old sidecar") == ""


def test_a_way_back_says_where_its_pods_are_and_which_sidecar_is_kept() -> None:
    """Nothing of it was upgraded, and what it leaves is not the older one."""
    ctx, ended = go_back().context(), entries({"upgraded": 56, "manual": 2})
    assert describe_ledger(ctx, ended).startswith("56 on 1.4.7-asm.0 + 2 manual + ")
    assert describe_nothing(ctx, entries({"manual": 2})) == (
        "nothing to restart; 2 pods keep the sidecar of 1.4.10-asm.18: 2 by hand"
    )
