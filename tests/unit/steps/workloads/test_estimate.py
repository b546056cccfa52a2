"""Estimates: from what was measured, else the guide; strategies, widths, limits, soaks and windows counted."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.contract.forecast import Forecast, Measured
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.release import parse_release
from steps.mesh import DisruptionBudget, Workload, WorkloadRef
from steps.workloads.estimate import (
    Piece,
    compare_estimate,
    describe_estimate,
    describe_overrun,
    describe_range,
    estimate_control_plane,
    estimate_sidecars,
    state_range,
)
from steps.workloads.method import Method
from steps.workloads.rollout import count_rounds


def limited(**limits: int) -> UpgradeOptions:
    """Options with these limits."""
    return UpgradeOptions(limits=Limits(**limits))


RELEASE = parse_release((files("steps") / "releases" / "asm-1.4.10-asm.18.toml").read_text(), "release")
OWN = Measured(12.0, 96.0, "this cluster's own", 6.0, "this cluster's own")
UNPACED = limited(pods_per_minute=0)


def workload(kind: str = "Deployment", replicas: int = 10, **more: object) -> Workload:
    ref = WorkloadRef("shop", kind, "web")
    counts = dict.fromkeys(("replicas", "current", "updated", "ready", "available"), replicas)
    return Workload(ref, "uid", "1", 1, 1, **counts, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "method", "rounds"),
    [
        (workload(max_surge="25%", max_unavailable="25%"), "restart", 2),
        (workload(max_surge="1", max_unavailable="0"), "restart", 10),
        (workload(strategy="Recreate"), "restart", 1),
        (workload("StatefulSet"), "restart", 10),
        (workload("DaemonSet", max_unavailable="1"), "restart", 10),
        (workload("DaemonSet", max_unavailable="50%"), "restart", 2),
        (workload("Deployment", max_unavailable="50%"), "evict", 2),
        (None, "restart", 10),
    ],
)
def test_rounds_follow_the_strategy(one: Workload | None, method: Method, rounds: int) -> None:
    """How many pods Kubernetes replaces at the same time."""
    assert count_rounds(one, method, 10) == rounds


def test_a_budget_narrows_an_eviction() -> None:
    """One disruption at a time, whatever the workload allows."""
    budget = DisruptionBudget("shop", "web", {}, "9", "", 1)
    assert count_rounds(workload(max_unavailable="50%"), "evict", 10, (budget,)) == 10


def test_the_guides_pace_bounds_many_small_workloads() -> None:
    """1000 pods at 100 a minute."""
    pieces = [Piece(10, 1) for _ in range(100)]
    assert estimate_sidecars(RELEASE, pieces, limited(workloads_at_once=0)) == (7.0, 13.5)


def test_a_long_stateful_set_outlasts_the_guides_pace() -> None:
    """60 pods one after the other take longer than the pace says."""
    assert estimate_sidecars(RELEASE, [Piece(60, 60)])[0] > 10


def test_a_soak_is_counted_for_each_wave() -> None:
    """Two waves of five minutes each."""
    pieces = [Piece(4, 1, "a"), Piece(4, 1, "b")]
    low, _ = estimate_sidecars(RELEASE, pieces, limited(soak_seconds=300))
    assert low > 10


def test_a_limit_of_pods_a_minute_is_counted() -> None:
    """100 pods at 10 a minute; the last workload begins once those before it are paid off."""
    pieces = [Piece(10, 1) for _ in range(10)]
    assert 8.8 < estimate_sidecars(RELEASE, pieces, limited(pods_per_minute=10))[0] < 10


def test_min_ready_seconds_are_counted() -> None:
    """Five rounds of a minute each."""
    assert estimate_sidecars(RELEASE, [Piece(5, 5, ready_seconds=60)])[0] > 5


def test_nothing_to_move_takes_no_time() -> None:
    """No pod, no minute."""
    assert estimate_sidecars(RELEASE, [Piece(0, 0)]) == (0, 0)


def test_a_measured_control_plane_replaces_the_guides() -> None:
    """6 minutes were measured."""
    assert state_range(estimate_control_plane(RELEASE, OWN)) == (4.0, 8.0)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=30),
    st.integers(0, 8),
    st.sampled_from([0.0, 12.0]),
)
def test_the_top_is_at_most_twice_the_bottom(sizes: list[tuple[int, int]], at_once: int, measured: float) -> None:
    """An estimate that says anything between one minute and an hour is none."""
    pieces = [Piece(pods, min(pods, rounds)) for pods, rounds in sizes]
    low, high = state_range(estimate_sidecars(RELEASE, pieces, limited(workloads_at_once=at_once), Measured(measured)))
    assert 0 < low <= high <= 2 * low


@pytest.mark.parametrize(
    ("minutes", "window", "answer"),
    [
        ((30.0, 50.0), 60.0, ""),
        ((30.0, 50.0), 40.0, "; may overrun the window by up to 10 min"),
        ((30.0, 50.0), 20.0, "; will overrun the window by about 20 min"),
        ((30.0, 50.0), None, ""),
    ],
)
def test_an_overrun_is_told(minutes: tuple[float, float], window: float | None, answer: str) -> None:
    """Before anybody approves."""
    assert describe_overrun(minutes, window) == answer


def test_the_estimate_names_its_sources() -> None:
    """The guide's figures until others are known."""
    assert describe_estimate(RELEASE, [Piece(60, 1)]) == (
        "control plane 5–10 min (the guide), 60 sidecars 30–54 s (the guide's 100 pods/min), the rest 3–6 min: "
        "8.5–17 min in all without the approvals"
    )


def test_the_estimate_names_what_was_measured() -> None:
    """This cluster's own pace."""
    told = describe_estimate(RELEASE, [Piece(60, 30)], forecast=Forecast(OWN, 10.0))
    assert "60 sidecars 4–8 min (this cluster's own 96 pods/min)" in told
    assert told.endswith("; will overrun the window by about 7 min")


def test_the_report_compares_what_was_estimated() -> None:
    """Phases below half a minute are left out."""
    assert compare_estimate((9.0, 18.0), {"control-plane": 7.0, "sidecars": 2.2, "access": 0.1}) == (
        "estimated 9–18 min, took 9 min: control plane 7 min, sidecars 2 min"
    )


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        ((0.62, 1.19), "36–72 s"),
        ((1.4, 2.6), "1.5–3 min"),
        ((5.0, 10.0), "5–10 min"),
        ((10.4, 20.2), "11–21 min"),
        ((4.0, 4.0), "about 4 min"),
    ],
)
def test_a_range_is_rounded_and_stays_one(minutes: tuple[float, float], told: str) -> None:
    """Outwards, as far as its top stays at most twice its bottom."""
    assert describe_range(minutes) == told


def test_many_nodes_take_longer_than_the_guide_says() -> None:
    """One node after the other: 60 of them at 15 s are 15 minutes."""
    assert state_range(estimate_control_plane(RELEASE, nodes=60)) == (11, 21)


def test_a_fleets_control_plane_is_scaled_to_the_nodes() -> None:
    """6 minutes were measured on 10 nodes; this cluster has 20."""
    fleet = Measured(control_plane_minutes=6.0, control_plane_source="the fleet's", control_plane_nodes=10)
    assert state_range(estimate_control_plane(RELEASE, fleet, nodes=20)) == (8, 16)


def test_a_canary_is_counted_before_the_rest() -> None:
    """Two restarts one after the other, though nothing soaks."""
    pieces = [Piece(4, 4, "canary", canary=True), Piece(4, 4, "shop")]
    alone = estimate_sidecars(RELEASE, pieces[:1])
    assert estimate_sidecars(RELEASE, pieces)[0] >= 1.9 * alone[0]
