from __future__ import annotations

from typing import Any

from sandbox.release.kubectl.patches import (
    LAST_APPLIED,
    annotate,
    contains,
    differences,
    find_patch,
    is_custom,
    removals,
)


def test_the_servers_defaults_are_no_difference() -> None:
    """An object that the server filled up is unchanged."""
    wanted = {"spec": {"containers": [{"name": "a", "image": "x"}]}}
    live = {"spec": {"containers": [{"name": "a", "image": "x", "terminationMessagePath": "/dev"}], "replicas": 1}}
    assert differences(live, wanted) == {}


def test_a_new_image_brings_the_whole_list() -> None:
    """Lists are patched whole; the server merges them by name."""
    wanted = {"spec": {"containers": [{"name": "a", "image": "y"}]}}
    live = {"spec": {"containers": [{"name": "a", "image": "x"}]}}
    assert differences(live, wanted) == wanted


def test_a_list_of_a_custom_resource_has_nothing_beside_it() -> None:
    """STRICT is what is left when the mode goes: no default of the server may be taken for it."""
    live = {"spec": {"peers": [{"mtls": {"mode": "PERMISSIVE"}}]}}
    wanted: dict[str, Any] = {"spec": {"peers": [{"mtls": {}}]}}
    assert differences(live, wanted, exact=True) == wanted


def test_an_empty_bundle_resets_a_filled_one() -> None:
    """The window in which no pod can start."""
    wanted = {"webhooks": [{"name": "w", "clientConfig": {"caBundle": ""}}]}
    live = {"webhooks": [{"name": "w", "clientConfig": {"caBundle": "Q0E="}}]}
    assert differences(live, wanted) == wanted


def test_empty_text_that_the_server_left_out_is_there() -> None:
    """An empty value and a missing one are the same."""
    assert contains({"name": "a"}, {"name": "a", "value": ""})


def test_a_field_dropped_from_the_manifest_is_removed() -> None:
    """Three-way: what the last apply set and this one doesn't."""
    last: dict[str, Any] = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    assert removals(last, {"metadata": {"labels": {"a": "1"}}}, strategic=True) == {"metadata": {"labels": {"b": None}}}


def test_an_annotation_dropped_from_the_manifest_is_removed() -> None:
    """Although the note of the last apply is one as well, and the new manifest has no other."""
    wanted: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    before = annotate({**wanted, "metadata": {"name": "a", "annotations": {"own": "once"}}})
    patch = find_patch(before, annotate(wanted))
    assert patch["metadata"]["annotations"]["own"] is None
    assert LAST_APPLIED in patch["metadata"]["annotations"]


def test_a_container_dropped_from_the_manifest_is_deleted_by_name() -> None:
    """A strategic merge would keep it otherwise."""
    last = {"containers": [{"name": "a"}, {"name": "b"}]}
    patch = removals(last, {"containers": [{"name": "a"}]}, strategic=True)
    assert patch == {"containers": [{"name": "a"}, {"name": "b", "$patch": "delete"}]}


def test_a_field_dropped_from_a_named_entry_is_removed() -> None:
    """As a webhook's address where its Service is named from now on."""
    last = {"webhooks": [{"name": "w", "clientConfig": {"url": "https://x", "caBundle": ""}}]}
    wanted: dict[str, Any] = {"webhooks": [{"name": "w", "clientConfig": {"service": {"name": "s"}, "caBundle": ""}}]}
    (entry,) = removals(last, wanted, strategic=True)["webhooks"]
    assert entry["clientConfig"] == {"url": None, "service": {"name": "s"}, "caBundle": ""}


def test_kinds_of_istio_know_no_strategic_patch() -> None:
    """They come from CustomResourceDefinitions."""
    versions = ("v1", "apps/v1", "apiextensions.k8s.io/v1beta1", "networking.istio.io/v1alpha3")
    assert [is_custom(version) for version in versions] == [False, False, False, True]
