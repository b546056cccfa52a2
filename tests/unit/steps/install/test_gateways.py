"""Gateways of istio-system that keep their old proxy."""

from __future__ import annotations

from typing import Any

import pytest

from steps.install.gateways import find_left_gateways, list_brought
from steps.mesh import Workload
from tests.unit.steps.builders import HUB, NEW, OLD, make_control_plane, make_workload, read_shipped_release

RELEASE = read_shipped_release()


def gateway(name: str, version: str = OLD, **changes: Any) -> Workload:
    """A workload with a proxy in its own template."""
    return make_workload(name, {"istio-proxy": f"{HUB}/proxyv2:{version}"}, **changes)


@pytest.mark.parametrize(
    ("found", "stays"),
    [
        (gateway("team-gateway"), True),
        (gateway("team-gateway", kind="DaemonSet"), True),
        (gateway("team-gateway", NEW), False),
        (gateway("team-gateway", namespace="edge"), False),
        (make_workload("prometheus", {"prometheus": "docker.io/prom/prometheus:v2.12.0"}), False),
        (gateway("istio-egressgateway"), True),
    ],
)
def test_what_has_a_proxy_of_its_own_and_is_not_handed_over_stays(found: Workload, stays: bool) -> None:
    """Whatever it is called, and whoever made it."""
    plane = (*make_control_plane(OLD), found)
    named = find_left_gateways(plane, list_brought(RELEASE, ()), RELEASE)
    assert [line.split()[:2] for line in named] == [[found.ref.kind, f"istio-system/{found.ref.name}"]] * stays


def test_it_is_told_how_each_would_be_taken_along() -> None:
    """By the flag that brings it, or by the image that its owner has to name."""
    plane = (gateway("istio-egressgateway"), gateway("team-gateway"))
    assert find_left_gateways(plane, (), RELEASE) == (
        f"Deployment istio-system/istio-egressgateway keeps its proxy of {OLD}, as nothing is handed over for it; "
        "start again with --set gateways.components.egressGateway.enabled=true to take it along",
        f"Deployment istio-system/team-gateway keeps its proxy of {OLD}, as nothing is handed over for it; no flag "
        f"takes it along: set its istio-proxy to {HUB}/proxyv2:{NEW} where it is made",
    )


def test_what_a_flag_brings_does_not_stay() -> None:
    """Recovered or asked for."""
    moved = list_brought(RELEASE, ["gateways.components.egressGateway.enabled=true"])
    assert find_left_gateways([gateway("istio-egressgateway")], moved, RELEASE) == ()
    half = list_brought(RELEASE, ["telemetry.enabled=true"])
    assert len(find_left_gateways([gateway("istio-telemetry")], half, RELEASE)) == 1
