"""Owners from outside, as weather over cluster-x."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.patches import STRATEGIC_PATCH
from tests.unit.sandbox.cluster.yard import HandClock, Yard

Json = dict[str, Any]
DEPLOYMENTS = "deployments.apps"


@pytest.fixture
def yard() -> Yard:
    """cluster-x with a clock moved by hand."""
    clock = HandClock()
    return Yard(SimulatedCluster(clock), clock)


def is_restarted(yard: Yard, name: str) -> bool:
    annotations = yard.get(DEPLOYMENTS, name)["spec"]["template"]["metadata"].get("annotations") or {}
    return "kubectl.kubernetes.io/restartedAt" in annotations


def test_an_operator_takes_the_restart_of_its_own_workload_back(yard: Yard) -> None:
    """And of no other."""
    yard.cluster.sky.begin("operator-reverts", {"after": 2.0})
    for name in ("cart", "web"):
        yard.restart(DEPLOYMENTS, name)
    yard.settle(3)
    assert (is_restarted(yard, "cart"), is_restarted(yard, "web")) == (False, True)


def test_an_operators_workload_names_the_custom_resource_that_it_is_made_from(yard: Yard) -> None:
    """The garbage collector finds it too, so the workload stays."""
    yard.cluster.sky.begin("operator-reverts")
    yard.settle()
    (reference,) = yard.get(DEPLOYMENTS, "cart")["metadata"]["ownerReferences"]
    assert (reference["apiVersion"], reference["kind"], reference["name"]) == ("example.com/v1", "Shop", "cart")


@pytest.mark.parametrize(
    ("tool", "mark"),
    [
        ("argo-cd", "argocd.argoproj.io/tracking-id"),
        ("flux", "kustomize.toolkit.fluxcd.io/name"),
        ("config-sync", "configmanagement.gke.io/managed"),
    ],
)
def test_a_gitops_tool_marks_what_it_keeps_and_puts_it_back(yard: Yard, tool: str, mark: str) -> None:
    """By the label or annotation that the tool itself writes."""
    yard.cluster.sky.begin("gitops-reverts", {"tool": tool, "after": 5.0})
    yard.restart(DEPLOYMENTS, "web")
    yard.settle(6)
    metadata = yard.get(DEPLOYMENTS, "web")["metadata"]
    assert mark in {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    assert not is_restarted(yard, "web")


def test_an_operator_of_the_mesh_puts_an_applied_image_back(yard: Yard) -> None:
    """An apply that somebody owns lasts some seconds."""
    before = yard.get(DEPLOYMENTS, "istio-pilot", "istio-system")["spec"]["template"]
    yard.cluster.sky.begin("mesh-operator", {"after": 5.0})
    other = {"containers": [{"name": "discovery", "image": "gcr.io/gke-release/asm/pilot:1.4.10-asm.18"}]}
    resource = yard.cluster.resources.by_key(DEPLOYMENTS)
    change = {"spec": {"template": {"spec": other}}}
    yard.cluster.api.patch(resource, "istio-system", "istio-pilot", change, STRATEGIC_PATCH)
    yard.settle(6)
    assert yard.get(DEPLOYMENTS, "istio-pilot", "istio-system")["spec"]["template"] == before


def test_ended_it_puts_nothing_back_any_more(yard: Yard) -> None:
    """Marks stay, as they do in a cluster whose operator was taken away."""
    yard.cluster.sky.begin("operator-reverts", {"after": 0.0})
    yard.cluster.sky.end("operator-reverts")
    yard.restart(DEPLOYMENTS, "cart")
    yard.settle(3)
    assert is_restarted(yard, "cart")
