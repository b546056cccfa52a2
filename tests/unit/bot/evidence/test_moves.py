"""How many pods were sent for a new sidecar, and when."""

from __future__ import annotations

from bot.evidence.timeline import count_moves
from bot.journal.audit import Deed
from tests.unit.bot.evidence.conftest import Ended, read, restart, write_entry

WEB, CART = "shop/Deployment/web", "shop/Deployment/cart"
PODS = (write_entry(1), write_entry(2), write_entry(3, "skipped"), write_entry(1, workload=CART))


def count(ended: Ended, *deeds: Deed) -> list[int]:
    """The numbers of the curve."""
    return [number for _, number in count_moves(read(ended(deeds=deeds, entries=PODS)))]


def test_a_restart_sends_the_workloads_pods(ended: Ended) -> None:
    """Those that have the new sidecar in the end."""
    assert count(ended, restart(WEB), restart(CART)) == [2, 3]


def test_a_restart_sent_twice_counts_once(ended: Ended) -> None:
    """A pod has one replacement."""
    assert count(ended, restart(WEB), restart(WEB)) == [2]


def test_a_refused_restart_sends_nobody(ended: Ended) -> None:
    """Only what the cluster took."""
    assert count(ended, restart(WEB, "failed: 403")) == []


def test_an_eviction_sends_one_pod(ended: Ended) -> None:
    """By its own name."""
    assert count(ended, Deed("evict pod", "shop web-1 uid", "accepted"), restart(WEB)) == [1, 2]
