"""Selectors, patches, quantities and defaults: the pure rules of the simulated API."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cluster.api.table_cells import short_duration
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import int_or_percent
from sandbox.cluster.objects.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from sandbox.cluster.objects.pod_defaults import default_pod_spec
from sandbox.cluster.objects.quantities import format_quantity, parse_quantity, requests_of
from sandbox.cluster.objects.selectors import match_label_selector, parse_label_selector

TREES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


def strategic(target: Any, patch: Any) -> Any:
    return apply_patch(target, patch, STRATEGIC_PATCH)


@given(OBJECTS, OBJECTS)
def test_merge_patch_twice_is_once(target: dict[str, Any], patch: dict[str, Any]) -> None:
    """A merge patch is idempotent."""
    once = apply_patch(target, patch, MERGE_PATCH)
    assert apply_patch(once, patch, MERGE_PATCH) == once


@given(OBJECTS)
def test_empty_patch_changes_nothing(target: dict[str, Any]) -> None:
    """An empty patch of any kind leaves the object as it is."""
    assert apply_patch(target, {}, MERGE_PATCH) == target
    assert strategic(target, {}) == target
    assert apply_patch(target, [], JSON_PATCH) == target


def test_strategic_null_removes() -> None:
    """null takes a field away."""
    assert strategic({"a": 1, "b": 2}, {"a": None}) == {"b": 2}


def test_strategic_delete_directive_removes_a_row() -> None:
    """$patch: delete takes one container out by its name."""
    target = {"containers": [{"name": "a"}, {"name": "b"}]}
    assert strategic(target, {"containers": [{"name": "a", "$patch": "delete"}]}) == {"containers": [{"name": "b"}]}


def test_strategic_replace_directive_replaces_a_list() -> None:
    """$patch: replace puts the list in the place of the other."""
    target = {"containers": [{"name": "a"}, {"name": "b"}]}
    patch = {"containers": [{"$patch": "replace"}, {"name": "c"}]}
    assert strategic(target, patch) == {"containers": [{"name": "c"}]}


def test_strategic_order_is_set() -> None:
    """$setElementOrder sorts a joined list as kubectl apply wants it."""
    target = {"containers": [{"name": "a"}, {"name": "b"}]}
    patch = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": []}
    assert [row["name"] for row in strategic(target, patch)["containers"]] == ["b", "a"]


def test_strategic_retain_keys_drops_the_others() -> None:
    """$retainKeys keeps only the named fields, as changing a strategy needs."""
    target = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic(target, patch) == {"strategy": {"type": "Recreate"}}


def test_strategic_set_of_values() -> None:
    """Finalizers are joined, and removed by their own directive."""
    assert strategic({"finalizers": ["a"]}, {"finalizers": ["b"]}) == {"finalizers": ["a", "b"]}
    assert strategic({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}) == {
        "finalizers": ["b"]
    }


def test_strategic_row_without_its_key_is_refused() -> None:
    """A container without a name can't be joined."""
    with pytest.raises(ApiError, match="merge key: name"):
        strategic({"containers": [{"name": "a"}]}, {"containers": [{"image": "x"}]})


def test_webhooks_join_by_name() -> None:
    """Applying the mesh again empties the CA bundle of the webhook it names."""
    target = {"webhooks": [{"name": "w", "clientConfig": {"caBundle": "x", "service": {"name": "s"}}}]}
    patched = strategic(target, {"webhooks": [{"name": "w", "clientConfig": {"caBundle": ""}}]})
    assert patched["webhooks"][0]["clientConfig"] == {"caBundle": "", "service": {"name": "s"}}


@pytest.mark.parametrize(
    ("operations", "outcome"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1, 2]}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ([{"op": "replace", "path": "/a", "value": 9}], {"a": 9}),
        ([{"op": "move", "from": "/a", "path": "/b"}], {"b": [1, 2]}),
        ([{"op": "copy", "from": "/a", "path": "/x~1y"}], {"a": [1, 2], "x/y": [1, 2]}),
    ],
)
def test_json_patch_operations(operations: list[Any], outcome: Any) -> None:
    """Each operation of RFC 6902 works."""
    assert apply_patch({"a": [1, 2]}, operations, JSON_PATCH) == outcome


@pytest.mark.parametrize(
    ("text", "amount"),
    [("250m", 0.25), ("2", 2), ("1.5", 1.5), ("40Mi", 40 * 2**20), ("1Gi", 2**30), ("500k", 500_000), (3, 3)],
)
def test_quantities(text: str | int, amount: float) -> None:
    """Suffixes of both systems are understood."""
    assert parse_quantity(text) == amount


def test_quantities_are_written_back() -> None:
    """CPUs keep their thousandths, the rest is whole."""
    assert (format_quantity(0.25, "cpu"), format_quantity(3.0, "pods")) == ("250m", "3")


def test_wrong_quantity_is_refused() -> None:
    """A quantity that is none is named."""
    with pytest.raises(ApiError, match="lots"):
        parse_quantity("lots")


def test_largest_init_container_counts() -> None:
    """A pod asks for its containers together, or for its largest init container."""

    def asking(cpu: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}}

    assert requests_of({"containers": [asking("1"), asking("500m")], "initContainers": [asking("2")]}) == {"cpu": 2.0}


@pytest.mark.parametrize(
    ("value", "up", "found"), [("25%", True, 2), ("25%", False, 1), (3, True, 3), (None, True, 0), ("100%", True, 5)]
)
def test_percentages_round_their_way(value: int | str | None, up: bool, found: int) -> None:
    """Surge rounds up, unavailable rounds down."""
    assert int_or_percent(value, 5, round_up=up) == found


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(20, "20s"), (119, "119s"), (336, "5m36s"), (600, "10m"), (1500, "25m"), (11400, "3h10m"), (90000, "25h"),
     (180000, "2d2h"), (900000, "10d")],
)  # fmt: skip
def test_ages_are_written_as_kubectl_does(seconds: float, shown: str) -> None:
    """The units of an age depend on its size."""
    assert short_duration(seconds) == shown


@pytest.mark.parametrize("image", ["x", "x:latest", "host:5000/x"])
def test_newest_images_are_always_pulled(image: str) -> None:
    """Without a tag, or with latest, the pull policy is Always."""
    spec = {"containers": [{"name": "a", "image": image}]}
    default_pod_spec(spec)
    assert spec["containers"][0]["imagePullPolicy"] == "Always"


def test_empty_and_missing_selectors() -> None:
    """No selector matches nothing, an empty one everything."""
    assert not match_label_selector(None, {"a": "b"})
    assert match_label_selector({}, {"a": "b"})


@pytest.mark.parametrize("text", ["a b c", "=x", "a in x", "a>1"])
def test_wrong_label_selectors_are_refused(text: str) -> None:
    """What is no selector answers 400."""
    with pytest.raises(ApiError) as caught:
        parse_label_selector(text)
    assert caught.value.code == 400
