"""What two recordings of the same apply differ in: leaves that are known to be made anew each time, and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from steps.contract.ports import Manifest
from steps.contract.record import Leaf, ObjectKey, Record, blank_leaves

LeafPath: TypeAlias = tuple[str | int, ...]

COMPONENT_LABEL = "operator.istio.io/component"


@dataclass(frozen=True)
class RenewedPlace:
    """Where Istio 1.4 is known to make a text anew; None stands for any part of a path."""

    component: str
    kind: str
    path: tuple[str | None, ...]
    line: str = ""


KNOWN_PLACES = (
    RenewedPlace("Kiali", "ConfigMap", ("data", "config.yaml"), line="signing_key"),
    RenewedPlace("Injector", "MutatingWebhookConfiguration", ("webhooks", None, "clientConfig", "caBundle")),
    RenewedPlace("Injector", "Secret", ("data", None)),
)


@dataclass(frozen=True)
class Comparison:
    """`record` knows its renewed leaves; `others` names each other difference, such as `v1/ConfigMap/ns/a: data.b`."""

    record: Record
    others: tuple[str, ...]


def compare_recordings(one: Record, other: Record) -> Comparison:
    """Hold two recordings of the same apply against each other."""
    leaves: list[Leaf] = []
    others = list(_name_unequal_calls(one, other))
    twins = {made.key: made for made in other.list_objects()}
    for made in one.list_objects():
        twin = twins.get(made.key)
        if twin is None or twin.text == made.text:
            continue
        found = [(path, _find_leaf(made.key, made.content, path)) for path in _differ(made.content, twin.content)]
        renewed = tuple(leaf for _, leaf in found if leaf)
        others += [f"{made.key}: {'.'.join(map(str, path))}" for path, leaf in found if leaf is None]
        if blank_leaves(made, renewed) != blank_leaves(twin, renewed) and all(leaf for _, leaf in found):
            others += [f"{made.key}: {'.'.join(map(str, leaf.path))}" for leaf in renewed]
        leaves += renewed
    return Comparison(replace(one, renewed=tuple(leaves)), tuple(others))


def _name_unequal_calls(one: Record, other: Record) -> Iterator[str]:
    """What only one of the recordings has, calls and objects."""
    for mine, yours in ((one, other), (other, one)):
        known = {(call.component, call.arguments, made.key) for call in yours.calls for made in call.objects}
        for call in mine.calls:
            yield from (
                str(made.key) for made in call.objects if (call.component, call.arguments, made.key) not in known
            )


def _find_leaf(key: ObjectKey, content: Manifest, path: LeafPath) -> Leaf | None:
    component = (content["metadata"].get("labels") or {}).get(COMPONENT_LABEL)
    for place in KNOWN_PLACES:
        if (place.component, place.kind) == (component, key.kind) and _is_at(place, path):
            return Leaf(key, path, place.line)
    return None


def _is_at(place: RenewedPlace, path: LeafPath) -> bool:
    return len(place.path) == len(path) and all(
        wanted in (None, part) for wanted, part in zip(place.path, path, strict=True)
    )


def _differ(one: object, other: object, path: LeafPath = ()) -> Iterator[LeafPath]:
    """The paths at which two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differ(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differ(left, right, (*path, number))
    elif one != other:
        yield path
