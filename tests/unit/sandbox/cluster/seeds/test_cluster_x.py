"""cluster-x and the manifests of its mesh."""

from __future__ import annotations

import ast
import json
from collections import Counter
from importlib import resources

import pytest
import yaml

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.mesh.manifests import merged_values, render_mesh
from sandbox.cluster.objects.objects import Json, is_pod_ready, labels_of, name_of, namespace_of
from tests.unit.sandbox.cluster.yard import HandClock, images

OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    """cluster-x as the sandbox starts with it; only read."""
    return SimulatedCluster(HandClock())


def by_name(objects: list[Json]) -> dict[tuple[str, str], Json]:
    return {(obj["kind"], name_of(obj)): obj for obj in objects}


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


def test_objects_are_labelled_for_the_operator() -> None:
    """Component, managed and version stand on every object, Base comes first."""
    rendered = render_mesh(NEW, {"profile": "asm"})
    assert all(labels_of(obj)["operator.istio.io/version"] == NEW for obj in rendered)
    components = list(dict.fromkeys(labels_of(obj)["operator.istio.io/component"] for obj in rendered))
    assert components == ["Base", "Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot"]


def test_images_follow_the_version() -> None:
    """All images of the release carry its tag; promsd has tags of its own."""
    text = json.dumps(render_mesh(NEW, {}))
    assert OLD not in text
    promsd = by_name(render_mesh(NEW, {}))["Deployment", "promsd"]
    assert all(NEW not in row["image"] for row in promsd["spec"]["template"]["spec"]["containers"])


def test_dotted_options_are_the_same_as_nested_ones() -> None:
    """--set's keys and a file's tree mean the same."""
    nested = render_mesh(NEW, {"values": {"global": {"meshID": "proj-1", "mtls": {"enabled": True}}}})
    assert render_mesh(NEW, {"values.global.meshID": "proj-1", "values.global.mtls.enabled": True}) == nested


def test_strict_mode_adds_destination_rules() -> None:
    """STRICT renders a bare mtls peer and the default DestinationRules, PERMISSIVE neither."""
    strict = by_name(render_mesh(NEW, {"values.global.mtls.enabled": True}))
    permissive = by_name(render_mesh(NEW, {}))
    assert strict["MeshPolicy", "default"]["spec"]["peers"] == [{"mtls": {}}]
    assert permissive["MeshPolicy", "default"]["spec"]["peers"] == [{"mtls": {"mode": "PERMISSIVE"}}]
    assert ("DestinationRule", "default") in strict
    assert ("DestinationRule", "default") not in permissive


@pytest.mark.parametrize(
    ("option", "component"),
    [
        ("values.prometheus.enabled", "Prometheus"), ("values.grafana.enabled", "Grafana"),
        ("values.tracing.enabled", "Tracing"), ("values.gateways.istio-egressgateway.enabled", "EgressGateway"),
    ],
)  # fmt: skip
def test_optional_components(option: str, component: str) -> None:
    """An optional feature brings its component."""
    rendered = render_mesh(NEW, {option: True})
    assert any(labels_of(obj)["operator.istio.io/component"] == component for obj in rendered)


def test_a_leaf_in_the_place_of_a_tree_is_refused() -> None:
    """Options that don't fit the values are named."""
    with pytest.raises(ValueError, match=r"values\.global: expected a tree"):
        merged_values(NEW, {"values.global": "x"})


def test_webhook_ships_without_a_ca_bundle() -> None:
    """The manifest's CA bundle is empty and its failure policy is Fail."""
    webhook = by_name(render_mesh(NEW, {}))["MutatingWebhookConfiguration", "istio-sidecar-injector"]["webhooks"][0]
    assert webhook["clientConfig"]["caBundle"] == ""
    assert webhook["failurePolicy"] == "Fail"
    assert "sideEffects" not in webhook


def test_settings_of_the_injector_are_yaml() -> None:
    """policy and template can be read."""
    config = by_name(render_mesh(NEW, {}))["ConfigMap", "istio-sidecar-injector"]["data"]["config"]
    assert set(yaml.safe_load(config)) == {"policy", "alwaysInjectSelector", "neverInjectSelector", "template"}


@pytest.mark.parametrize("module", ["manifests", "parts", "values"])
def test_manifests_need_the_standard_library_alone(module: str) -> None:
    """Release archives carry these modules, so they import nothing but each other and the standard library."""
    source = resources.files("sandbox.cluster.mesh").joinpath(f"{module}.py").read_text()
    imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    foreign = {name for name in imported if "." in name and name.split(".")[-1] not in
               ("parts", "values", "abc")}  # fmt: skip
    assert not foreign
