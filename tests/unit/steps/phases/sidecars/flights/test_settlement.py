from hypothesis import given
from hypothesis import strategies as st

from steps.contract.ledger import LedgerEntry
from steps.mesh import Pod
from steps.phases.sidecars.flights.settlement import settle_entries
from tests.unit.steps.rig import load_release
from tests.unit.steps.shapes import NEW, entry, pod

RELEASE = load_release()


def settle(entries: list[LedgerEntry], live: list[Pod], *, final: bool = True, ready_only: bool = False) -> list[str]:
    """The states of the open entries afterwards, by pod name."""
    opened = [one for one in entries if one.state == "pending"]
    settled = settle_entries(opened, entries, live, RELEASE, final=final, ready_only=ready_only)
    states = {one.pod: one.state for one in (*opened, *settled)}
    return [states[name] for name in sorted(states)]


def test_each_replacement_counts_once() -> None:
    """Three gone, two replaced: the third is gone for good."""
    entries = [entry(name) for name in ("a", "b", "c")]
    assert settle(entries, [pod("x", NEW), pod("y", NEW)]) == ["upgraded", "upgraded", "gone"]


def test_a_replacement_counted_earlier_is_not_counted_again() -> None:
    """An entry that was settled before has used up its replacement."""
    entries = [entry("a", "upgraded"), entry("b"), entry("c")]
    assert settle(entries, [pod("x", NEW), pod("y", NEW)]) == ["upgraded", "gone"]


def test_a_pod_that_was_on_the_target_all_along_is_nobodys_replacement() -> None:
    """It is in the ledger by itself."""
    entries = [entry("a", "upgraded"), entry("b")]
    assert settle(entries, [pod("a", NEW)]) == ["gone"]


def test_a_pod_on_the_target_replaces_one_that_was_there_before() -> None:
    """Its own entry's pod is gone: the replacement stands for that one."""
    entries = [entry("a", "upgraded"), entry("b")]
    assert settle(entries, [pod("x", NEW)]) == ["gone"]


def test_before_the_end_nothing_is_called_gone() -> None:
    """The replacement may still come."""
    assert settle([entry("a"), entry("b")], [pod("x", NEW)], final=False) == ["upgraded", "pending"]


def test_a_replacement_that_is_not_ready_may_not_count() -> None:
    """Where a failing workload is closed."""
    live = [pod("x", NEW), pod("y", NEW, ready=1)]
    assert settle([entry("a"), entry("b")], live, final=False, ready_only=True) == ["upgraded", "pending"]


def test_a_pod_still_there_on_the_old_sidecar_stays_open() -> None:
    """Neither replaced nor gone."""
    assert settle([entry("a"), entry("b")], [pod("a"), pod("x", NEW)]) == ["pending", "upgraded"]


def test_a_pod_updated_in_place_is_upgraded() -> None:
    """Somebody set its image."""
    assert settle([entry("a")], [pod("a", NEW)]) == ["upgraded"]


@given(
    earlier=st.integers(0, 6),
    opened=st.integers(0, 6),
    kept=st.integers(0, 6),
    fresh=st.integers(0, 12),
    cut=st.booleans(),
)
def test_the_sum_always_holds(earlier: int, opened: int, kept: int, fresh: int, cut: bool) -> None:
    """However a settlement is split by kills, no more entries are upgraded than pods are on the target."""
    entries = [entry(f"u{n}", "upgraded") for n in range(earlier)] + [entry(f"p{n}") for n in range(opened)]
    live = [pod(f"p{n}") for n in range(min(kept, opened))] + [pod(f"x{n}", NEW) for n in range(fresh)]
    known = {one.uid: one for one in entries}
    for final in (False, True) if cut else (True,):
        pending = [one for one in known.values() if one.state == "pending"]
        known |= {one.uid: one for one in settle_entries(pending, list(known.values()), live, RELEASE, final=final)}
    states = [one.state for one in known.values()]
    assert len(states) == earlier + opened
    assert states.count("pending") == min(kept, opened)
    assert states.count("upgraded") == max(earlier, min(fresh, earlier + opened - min(kept, opened)))


def test_pods_that_came_back_with_another_sidecar_are_named() -> None:
    """What is gone was replaced, only not as it should have been."""
    (settled,) = settle_entries([entry("a")], [entry("a")], [pod("x"), pod("y", "")], RELEASE, final=True)
    assert settled.evidence == "not replaced: the workload has 2 pods now, 2 of them with another sidecar"
