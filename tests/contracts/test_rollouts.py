"""Argo Rollouts, restarted by spec.restartAt: the patch, its preconditions and what is read.

The kind is defined with the fields of Argo's own CustomResourceDefinition that the bot uses. The simulated cluster
plays its controller, a real API server has none, so these Rollouts want no pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from steps.contract.errors import TryAgain
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import named, workload

STAMP = "2026-03-02T09:00:00Z"
LATER = "2026-03-02T09:05:00Z"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = "rollouts.argoproj.io"
API = "argoproj.io/v1alpha1"

Json = dict[str, Any]


def describe_definition() -> Json:
    """The kind as Argo Rollouts 1.x defines it, in short."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    number = {"type": "integer", "format": "int32"}
    spec = {
        "replicas": number, "minReadySeconds": number, "progressDeadlineSeconds": number, "paused": {"type": "boolean"},
        "restartAt": {"type": "string", "format": "date-time"}, "selector": anything, "template": anything,
        "strategy": anything,
    }  # fmt: skip
    status = {"observedGeneration": {"type": "string"}, "replicas": number, "updatedReplicas": number}
    properties = {"spec": {"type": "object", "properties": spec}, "status": {**anything, "properties": status}}
    version = {
        "name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }  # fmt: skip
    names = {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "shortNames": ["ro"]}
    body = {"group": "argoproj.io", "names": names, "scope": "Namespaced", "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": NAME},
        "spec": body,
    }  # fmt: skip


@pytest.fixture(scope="module")
def defined() -> Iterator[dict[str, Ground]]:
    """Keep the clusters that were given the kind here, and take it away again."""
    grounds: dict[str, Ground] = {}
    yield grounds
    for ground in grounds.values():
        assert ground.send("DELETE", f"{DEFINITIONS}/{NAME}").is_success


@pytest.fixture
def space(ground: Ground, defined: dict[str, Ground]) -> str:
    """Give a namespace of a cluster that serves Rollouts."""
    if not ground.send("GET", f"{DEFINITIONS}/{NAME}").is_success:
        ground.create(describe_definition())
        defined[ground.name] = ground
    ground.until(lambda: ground.send("GET", f"/apis/{API}/rollouts").is_success)
    return ground.make_space()


def rollout(space: str, **spec: Any) -> Json:
    """A canary Rollout without pods."""
    strategy = {"canary": {"maxSurge": "25%", "maxUnavailable": 0}}
    return {**workload("Rollout", space, replicas=0, strategy=strategy, **spec), "apiVersion": API}


def path_of(space: str) -> str:
    return f"/apis/{API}/namespaces/{space}/rollouts/web"


def make_settled(ground: Ground, space: str) -> None:
    """Create the Rollout and report on it as its controller does, where there is none."""
    ground.create(rollout(space))
    ref = named(space, "Rollout")
    status = {"status": {"observedGeneration": str(ground.read(ref).generation), "replicas": 0}}
    assert ground.send("PATCH", f"{path_of(space)}/status", status, MERGE).is_success
    ground.until(lambda: ground.read(ref).observed_generation == ground.read(ref).generation)
    ground.pause(0.5)


def test_a_rollout_is_read_as_a_workload(ground: Ground, space: str) -> None:
    """Its strategy goes by key, its observed generation is a string."""
    make_settled(ground, space)
    (found,) = ground.gateway.list_workloads(space, ("Rollout",))
    assert (found.strategy, found.max_surge, found.max_unavailable) == ("Canary", "25%", "0")
    assert (found.replicas, found.paused, found.stalled, found.restarted_at) == (0, False, False, "")
    assert found.observed_generation == found.generation == 1


def test_a_paused_rollout_says_so(ground: Ground, space: str) -> None:
    """Its controller would not restart it."""
    ground.create(rollout(space, paused=True))
    assert ground.read(named(space, "Rollout")).paused


def test_a_restart_sets_restart_at_and_no_annotation(ground: Ground, space: str) -> None:
    """An annotation of the template would start a canary run."""
    make_settled(ground, space)
    before = ground.send("GET", path_of(space)).json()["spec"]
    ground.gateway.restart_workload(named(space, "Rollout"), STAMP)
    after = ground.send("GET", path_of(space)).json()
    assert after["spec"] == {**before, "restartAt": STAMP}
    assert after["metadata"]["generation"] == 2
    assert ground.read(named(space, "Rollout")).restarted_at == STAMP


def test_the_same_restart_again_changes_nothing(ground: Ground, space: str) -> None:
    """A restart is safe to repeat."""
    make_settled(ground, space)
    ref = named(space, "Rollout")
    ground.gateway.restart_workload(ref, STAMP)
    ground.pause(0.5)
    once = ground.read(ref)
    ground.gateway.restart_workload(ref, STAMP)
    assert ground.read(ref).generation == once.generation


def test_a_later_restart_overtakes_the_first(ground: Ground, space: str) -> None:
    """Only the last stamp counts."""
    make_settled(ground, space)
    ref = named(space, "Rollout")
    ground.gateway.restart_workload(ref, STAMP)
    ground.gateway.restart_workload(ref, LATER)
    assert (ground.read(ref).restarted_at, ground.read(ref).generation) == (LATER, 3)


def test_a_stale_resource_version_is_refused_for_a_rollout(ground: Ground, space: str) -> None:
    """Somebody else was faster."""
    make_settled(ground, space)
    ref = named(space, "Rollout")
    stale = ground.read(ref)
    touched = ground.send("PATCH", path_of(space), {"metadata": {"labels": {"touched": "yes"}}}, MERGE)
    assert touched.is_success
    with pytest.raises(TryAgain, match="409"):
        ground.gateway.restart_workload(ref, STAMP, stale.resource_version)
    assert ground.read(ref).restarted_at == ""


def test_a_current_resource_version_is_taken_for_a_rollout(ground: Ground, space: str) -> None:
    """Compare and swap succeeds where nobody interfered."""
    make_settled(ground, space)
    ref = named(space, "Rollout")
    ground.gateway.restart_workload(ref, STAMP, ground.read(ref).resource_version)
    assert ground.read(ref).restarted_at == STAMP


def test_an_absent_rollout_can_not_be_restarted(ground: Ground, space: str) -> None:
    """It was deleted meanwhile: observe again."""
    with pytest.raises(TryAgain, match="deleted"):
        ground.gateway.restart_workload(named(space, "Rollout"), STAMP)


def test_a_custom_resource_takes_no_strategic_patch(ground: Ground, space: str) -> None:
    """Which is why a Rollout gets a merge patch."""
    make_settled(ground, space)
    kind = "application/strategic-merge-patch+json"
    assert ground.send("PATCH", path_of(space), {"spec": {"restartAt": STAMP}}, kind).status_code == 415


def test_a_replica_set_names_its_rollout(ground: Ground, space: str) -> None:
    """With the group, for the ReplicaSet must never be annotated."""
    make_settled(ground, space)
    above = {"apiVersion": API, "kind": "Rollout", "name": "web", "controller": True}
    made = workload("ReplicaSet", space, "web-1", replicas=0)
    made["metadata"]["ownerReferences"] = [{**above, "uid": ground.read(named(space, "Rollout")).uid}]
    ground.create(made)
    found = ground.read(named(space, "ReplicaSet", "web-1"))
    assert found.owner is not None
    assert (found.owner.kind, found.owner.name, found.owner.group) == ("Rollout", "web", "argoproj.io")
