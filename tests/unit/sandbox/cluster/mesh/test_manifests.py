"""The rendered manifests of the mesh."""

from __future__ import annotations

import ast
import csv
import json
from importlib import resources
from pathlib import Path

import pytest
import yaml

from sandbox.cluster.mesh.manifests import merged_values, render_mesh
from sandbox.cluster.objects.objects import Json, labels_of, name_of

OLD, NEW = "1.4.7-asm.0", "1.4.10-asm.18"


def by_name(objects: list[Json]) -> dict[tuple[str, str], Json]:
    return {(obj["kind"], name_of(obj)): obj for obj in objects}


def test_objects_are_labelled_for_the_operator() -> None:
    """Component, managed and version stand on every object, Base comes first."""
    rendered = render_mesh(NEW, {"profile": "asm"})
    assert all(labels_of(obj)["operator.istio.io/version"] == NEW for obj in rendered)
    components = list(dict.fromkeys(labels_of(obj)["operator.istio.io/component"] for obj in rendered))
    assert components == ["Base", "Galley", "IngressGateway", "Injector", "NodeAgent", "Pilot"]


def test_objects_have_their_real_names(project_root: Path) -> None:
    """68 of them for the guide's flags, each under its component, version, kind, namespace and name."""
    with (project_root / "tests" / "golden" / "istioctl" / "objects.tsv").open() as file:
        _, *wanted = csv.reader(file, delimiter="\t")
    rendered = sorted(describe(made) for made in render_mesh(NEW, {"profile": "asm"}))
    assert rendered == sorted(wanted)
    assert len(rendered) == 68


def describe(made: Json) -> list[str]:
    metadata = made["metadata"]
    component = metadata["labels"]["operator.istio.io/component"]
    return [component, made["apiVersion"], made["kind"], metadata.get("namespace", ""), metadata["name"]]


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
        ("values.tracing.enabled", "Tracing"), ("values.kiali.enabled", "Kiali"),
        ("values.security.enabled", "Citadel"), ("values.gateways.istio-egressgateway.enabled", "EgressGateway"),
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


@pytest.mark.parametrize("module", ["manifests", "parts", "texts", "values"])
def test_manifests_need_the_standard_library_alone(module: str) -> None:
    """Release archives carry these modules, so they import nothing but each other and the standard library."""
    source = resources.files("sandbox.cluster.mesh").joinpath(f"{module}.py").read_text()
    imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    foreign = {name for name in imported if "." in name and name.split(".")[-1] not in
               ("parts", "texts", "values", "abc")}  # fmt: skip
    assert not foreign
