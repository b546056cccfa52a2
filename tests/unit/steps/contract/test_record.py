from __future__ import annotations

import json
from typing import Any

import pytest

from bot.gateways.programs.kubectl_seam import guard
from steps.contract.record import Call, Leaf, ObjectKey, Record, RecordedObject, blank_leaves, write_canonically

KEY = ObjectKey("v1", "ConfigMap", "istio-system", "kiali")


def recorded(content: dict[str, Any], key: ObjectKey = KEY) -> RecordedObject:
    return RecordedObject(key, write_canonically(content))


def record(*objects: RecordedObject, renewed: tuple[Leaf, ...] = ()) -> Record:
    return Record((Call("Kiali", ("apply",), objects, "0"),), renewed)


def test_equal_objects_have_one_digest() -> None:
    """The order of keys and of objects is nothing."""
    other = ObjectKey("v1", "Service", "istio-system", "kiali")
    one = record(recorded({"a": 1, "b": 2}), recorded({}, other))
    assert one.digest == record(recorded({}, other), recorded({"b": 2, "a": 1})).digest


@pytest.mark.parametrize("content", [{"a": 2}, {"a": 1, "b": None}, {}])
def test_another_object_has_another_digest(content: dict[str, Any]) -> None:
    """Any field counts."""
    assert record(recorded({"a": 1})).digest != record(recorded(content)).digest


LINE = Leaf(KEY, ("data", "config.yaml"), "signing_key")
WHOLE = Leaf(KEY, ("data", "key"))


@pytest.mark.parametrize(
    ("leaf", "one", "other", "same"),
    [
        (LINE, "a: 1\n  signing_key: abcdefgh\nb: 2", "a: 1\n  signing_key: ijklmnop\nb: 2", True),
        (LINE, 'signing_key: "abcdefgh"', 'signing_key: "ijklmnop"', True),
        (LINE, "a: 1\nsigning_key: abcdefgh", "a: 2\nsigning_key: abcdefgh", False),
        (LINE, "signing_key: abcdefgh", "signing_key: {x: y}", False),
        (WHOLE, "QUFBQUFBQUE=", "QkJCQkJCQkI=", True),
        (WHOLE, "QUFBQUFBQUE=", "http://elsewhere", False),
        (WHOLE, "QUFBQUFBQUE=", "", False),
    ],
)
def test_a_leaf_made_anew_counts_by_its_form(leaf: Leaf, one: str, other: str, same: bool) -> None:
    """The guard, which knows no module of the bot, sees it alike."""
    name = str(leaf.path[1])
    mine, yours = recorded({"data": {name: one}}), recorded({"data": {name: other}})
    assert (record(mine, renewed=(leaf,)).digest == record(yours, renewed=(leaf,)).digest) is same
    for made in (mine, yours):
        blanked = json.loads(made.text)
        guard.blank_leaf(blanked, leaf.path, leaf.line)
        assert blanked == json.loads(blank_leaves(made, (leaf,)))


def test_components_are_named_once() -> None:
    """Base has three calls."""
    calls = tuple(Call(name, ("apply",), (), "0") for name in ("Base", "Base", "Pilot"))
    assert Record(calls).components == ("Base", "Pilot")
