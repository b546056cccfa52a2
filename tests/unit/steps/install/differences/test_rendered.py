"""Rendered manifests against live objects."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract.errors import GiveUp
from steps.install.differences.rendered import compare_with_live, identify_object, list_images, parse_manifest


def deployment(image: str, name: str = "istio-pilot", **spec: Any) -> dict[str, Any]:
    """A Deployment of istio-system with one container."""
    container = {"name": "discovery", "image": image, "env": [{"name": "A", "value": "1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "istio-system", "labels": {"operator.istio.io/version": image}},
        "spec": {"template": {"spec": {"containers": [container]}}, **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap of istio-system."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "istio-system"},
        "data": data,
    }


def test_documents_and_lists_are_opened() -> None:
    """Empty documents between the separators don't count."""
    text = "---\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: x}}\n---\n---\n"
    assert [item["kind"] for item in parse_manifest(text)] == ["A"]


@pytest.mark.parametrize(("text", "word"), [("a: [", "not YAML"), ("", "empty"), ("just: words", "no object")])
def test_what_is_no_manifest_is_told(text: str, word: str) -> None:
    """A fault of istioctl or of an overlay."""
    with pytest.raises(GiveUp, match=word):
        parse_manifest(text)


def test_images_are_listed_by_workload_and_container() -> None:
    """Of the control plane's namespace only."""
    elsewhere = deployment("x:1")
    elsewhere["metadata"]["namespace"] = "shop"
    found = list_images([deployment("pilot:2"), elsewhere, config_map("istio")], "istio-system")
    assert found == {"istio-system/Deployment/istio-pilot": {"discovery": "pilot:2"}}


def test_equal_objects_don_t_differ() -> None:
    """The operator's version label doesn't count."""
    live = {**deployment("pilot:1"), "status": {"replicas": 1}}
    live["metadata"] = {**live["metadata"], "labels": {"operator.istio.io/version": "old"}, "uid": "u"}
    found = compare_with_live([deployment("pilot:1")], [live])
    assert (found.added, found.changed) == ((), ())


def test_an_image_change_is_told_as_old_and_new() -> None:
    """By workload and container."""
    found = compare_with_live([deployment("pilot:2")], [deployment("pilot:1")])
    assert found.images == ("istio-pilot/discovery: 1 → 2",)
    assert found.changed == ("Deployment istio-system/istio-pilot",)


def test_what_is_not_there_yet_is_added() -> None:
    """No image line for it."""
    found = compare_with_live([config_map("new")], [])
    assert found.added == ("ConfigMap istio-system/new",)
    assert found.images == ()


def test_fields_set_by_others_are_no_difference() -> None:
    """Defaults of the server and what other controllers wrote."""
    live = deployment("pilot:1", replicas=3, progressDeadlineSeconds=600)
    live["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    assert compare_with_live([deployment("pilot:1")], [live]).changed == ()


def test_a_changed_value_names_its_path() -> None:
    """Entries of a list are found by their name."""
    wanted = deployment("pilot:1")
    wanted["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"
    (line,) = compare_with_live([wanted], [deployment("pilot:1")]).fields
    assert line.endswith("spec.template.spec.containers[discovery].env[A].value: 1 → 2")


def mesh_policy(mtls: dict[str, str]) -> dict[str, Any]:
    """MeshPolicy default, a custom kind."""
    return {
        "apiVersion": "authentication.istio.io/v1alpha1", "kind": "MeshPolicy", "metadata": {"name": "default"},
        "spec": {"peers": [{"mtls": mtls}]},
    }  # fmt: skip


def test_lists_of_custom_kinds_are_compared_whole() -> None:
    """A merge patch replaces them: STRICT (`mtls: {}`) is not hidden by the mode that is there."""
    found = compare_with_live([mesh_policy({})], [mesh_policy({"mode": "PERMISSIVE"})])
    assert found.changed == ("MeshPolicy default",)


def test_empty_values_that_the_server_drops_are_no_difference() -> None:
    """`""`, false and null come back as nothing."""
    assert compare_with_live([config_map("a", x="")], [config_map("a")]).changed == ()


def test_a_workload_is_the_same_in_its_older_group() -> None:
    """extensions and apps."""
    old = {**deployment("pilot:1"), "apiVersion": "extensions/v1beta1"}
    assert identify_object(old) == identify_object(deployment("pilot:1"))
