"""What worlds share is the same for each of them, whatever was done in those before."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.cluster_x import seed_cluster_x
from tests.scenarios.once import make_cluster, settle_once
from tests.scenarios.rig import HandClock


def restart_everything(cluster: SimulatedCluster, clock: HandClock) -> None:
    """Every Deployment is restarted and scaled, and its pods are made anew."""
    resource = cluster.resources.of_kind("apps", "Deployment")
    assert resource
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-12-01T02:00:00Z"}}}
    for found in list(cluster.store.each("deployments.apps")):
        place = (found["metadata"]["namespace"], found["metadata"]["name"])
        change = {"spec": {"replicas": found["spec"]["replicas"] + 1, "template": template}}
        cluster.api.patch(resource, *place, change, "application/merge-patch+json")
    clock.advance(150)
    cluster.tick()


def list_pods(cluster: SimulatedCluster) -> Iterator[Json]:
    """What each pod asks for."""
    yield from (found for found in cluster.canonical_state() if found["kind"] == "Pod")


def test_a_cluster_that_was_changed_leaves_the_next_one_alone() -> None:
    """What all of them begin with stays as it was made."""
    clock = HandClock()
    cluster = make_cluster(clock.seconds, seed_cluster_x)
    kept = json.dumps(settle_once(seed_cluster_x, clock.seconds()))
    begun = list(list_pods(cluster))
    restart_everything(cluster, clock)
    assert list(list_pods(cluster)) != begun
    again = HandClock()
    assert json.dumps(settle_once(seed_cluster_x, again.seconds())) == kept
    assert list(list_pods(make_cluster(again.seconds, seed_cluster_x))) == begun


def test_a_cluster_begins_as_one_that_is_filled_anew() -> None:
    """With the same objects, in the same state."""
    clock = HandClock()
    filled = SimulatedCluster(clock.seconds).canonical_state()
    made = make_cluster(clock.seconds, seed_cluster_x)
    assert made.canonical_state() == filled
    made.tick()
    assert made.canonical_state() == filled
