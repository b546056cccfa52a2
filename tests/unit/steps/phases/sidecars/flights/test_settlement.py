from typing import Literal, assert_never

import pytest
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


Fate = Literal["old", "leaving", "gone", "replaced", "unready"]
FATES: tuple[Fate, ...] = ("old", "leaving", "gone", "replaced", "unready")


def live_through(kind: str, fates: list[Fate]) -> tuple[list[LedgerEntry], dict[str, str], list[Pod]]:
    """Entries of a workload of the kind, the nodes of their pods, and what became of each of the pods."""
    entries, nodes, pods = [], {}, []
    for number, fate in enumerate(fates):
        name, node = f"db-{number}", f"node-{number}"
        entries.append(entry(name, workload=f"shop/{kind}/db"))
        nodes[f"uid-{name}"] = node
        # A DaemonSet's new pod has a name of its own, on the same node.
        successor = name if kind == "StatefulSet" else f"new-{number * 7 % 11}"
        match fate:
            case "old" | "leaving":
                pods.append(pod(name, node=node, terminating=fate == "leaving"))
            case "replaced" | "unready":
                pods.append(pod(successor, NEW, uid=f"made-{number}", node=node, is_ready=fate == "replaced"))
            case "gone":
                pass
            case _:
                assert_never(fate)
    return entries, nodes, pods


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
@given(fates=st.lists(st.sampled_from(FATES), max_size=8), final=st.booleans())
def test_each_pod_is_named_by_what_became_of_it(kind: str, fates: list[Fate], final: bool) -> None:
    """By name and by node, never by how many: a pod on its way out is not gone."""
    entries, nodes, pods = live_through(kind, fates)
    settled = settle_entries(entries, entries, pods, RELEASE, final=final, ready_only=not final, nodes=nodes)
    ended = {one.pod: one.state for one in settled}
    wanted = {
        f"db-{n}": "upgraded" for n, fate in enumerate(fates) if fate == "replaced" or (final and fate == "unready")
    }
    wanted |= {f"db-{n}": "gone" for n, fate in enumerate(fates) if final and fate == "gone"}
    assert ended == wanted


def test_of_a_deployments_pods_those_that_are_gone_come_first() -> None:
    """One new pod stands for the old one that has ended, not for the one that is still leaving."""
    entries = [entry("a"), entry("b")]
    pods = [pod("a", terminating=True), pod("x", NEW)]
    settled = settle_entries(entries, entries, pods, RELEASE, final=True)
    assert {one.pod: one.state for one in settled} == {"b": "upgraded"}


def test_a_pod_that_should_have_ended_is_told_beside_its_replacement() -> None:
    """With its node."""
    held = [pod("a", terminating=True, node="node-7"), pod("x", NEW)]
    (settled,) = settle_entries([entry("a")], [entry("a")], held, RELEASE, final=True, overdue={"uid-a"})
    assert settled.state == "upgraded"
    assert settled.evidence.endswith("; a itself is still terminating on node-7")
