"""cluster-x and the manifests of its mesh."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.objects import is_pod_ready, labels_of, name_of, namespace_of
from sandbox.cluster.objects.selectors import match_node_terms
from tests.unit.sandbox.cluster.yard import HandClock, images

OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    """cluster-x as the sandbox starts with it; only read."""
    return SimulatedCluster(HandClock())


def test_all_pods_are_ready(cluster: SimulatedCluster) -> None:
    """About 75 pods run in five namespaces, and every one is ready."""
    pods = list(cluster.store.each("pods"))
    assert Counter(map(namespace_of, pods)) == {"istio-system": 11, "shop": 49, "data": 7, "batch": 2, "legacy": 6}
    assert all(is_pod_ready(pod) for pod in pods)


def test_control_plane_is_the_guides(cluster: SimulatedCluster) -> None:
    """The workloads and their numbers of pods are those that the guide prints."""
    pods = list(cluster.store.each("pods", "istio-system"))
    counts = Counter(labels_of(pod).get("istio", labels_of(pod)["app"]) for pod in pods)
    assert counts == {
        "galley": 1, "pilot": 2, "ingressgateway": 2, "sidecar-injector": 1, "promsd": 1, "nodeagent": 4,
    }  # fmt: skip


def test_nodes_carry_the_labels_that_istios_affinity_asks_for(cluster: SimulatedCluster) -> None:
    """Architecture and system, by old and new names; Istio 1.4's charts ask every workload's node for them."""
    arch = {"key": "beta.kubernetes.io/arch", "operator": "In", "values": ["amd64", "ppc64le", "s390x"]}
    terms = [{"matchExpressions": [arch]}]
    nodes = list(cluster.store.each("nodes"))
    assert nodes
    for node in nodes:
        labels = labels_of(node)
        assert match_node_terms(terms, labels)
        assert {labels[f"{old}kubernetes.io/os"] for old in ("", "beta.")} == {"linux"}
        assert {labels[f"{old}kubernetes.io/arch"] for old in ("", "beta.")} == {"amd64"}


def test_sidecars_are_on_the_old_version(cluster: SimulatedCluster) -> None:
    """Every pod of an injected namespace carries the old sidecar, those of legacy none."""
    for space in ("shop", "data", "batch"):
        assert images(list(cluster.store.each("pods", space))) == {f"gcr.io/gke-release/asm/proxyv2:{OLD}"}
    assert images(list(cluster.store.each("pods", "legacy"))) == set()


def test_previous_options_can_be_recovered(cluster: SimulatedCluster) -> None:
    """The injector's ConfigMap holds the values of the previous install."""
    config = cluster.store.find("configmaps", "istio-system", "istio-sidecar-injector")
    assert config is not None
    values = json.loads(config["data"]["values"])
    assert values["global"]["tag"] == OLD
    assert values["global"]["trustDomain"] == "example-project.svc.id.goog"
    assert values["global"]["proxy"]["accessLogFile"] == "/dev/stdout"


def test_one_policy_names_another_trust_domain(cluster: SimulatedCluster) -> None:
    """There is something to find for the authorization phase, and something healthy beside it."""
    found = {
        name_of(policy): policy["spec"]["rules"][0]["from"][0]["source"]["principals"]
        for policy in cluster.store.each("authorizationpolicies.security.istio.io")
    }
    assert found["payments-callers"] == ["old-project.svc.id.goog/ns/shop/sa/web"]
    assert len(found) == 2


def test_a_settled_cluster_plans_nothing(cluster: SimulatedCluster) -> None:
    """Nothing is polled: the next planned work of cluster-x is its long Job's end."""
    due = cluster.tick()
    assert due is None or due > cluster.engine.now() + 3600
