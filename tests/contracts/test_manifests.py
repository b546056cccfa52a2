"""The manifests, as a real API server takes them: a server-side dry run of every object whose kind it has.

Those of other kinds are held to their makers' definitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.contracts.foreign_forms import FORMS
from tests.contracts.ground import Ground

REAL = pytest.mark.parametrize("ground", [pytest.param("real", marks=pytest.mark.realcluster)], indirect=True)
MANIFESTS = Path(__file__).parents[2] / "manifests"
# Kinds that Google's controllers and the Prometheus operator bring, and kustomize's own.
ELSEWHERE = {kind for _version, kind in FORMS} | {"Kustomization"}


def list_files() -> list[Path]:
    """Every file of objects."""
    return sorted(path for path in MANIFESTS.rglob("*.yaml") if path.name != "slack-app.yaml")


def list_objects(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file; a patch is laid over what it changes."""
    for document in filter(None, yaml.safe_load_all(path.read_text())):
        yield complete(document) if path.name.endswith(".patch.yaml") else document


def complete(patch: dict[str, Any]) -> dict[str, Any]:
    """The StatefulSet with what the overlay adds to its one container."""
    (whole,) = list_objects(MANIFESTS / "kubernetes" / "stateful-set.yaml")
    container = whole["spec"]["template"]["spec"]["containers"][0]
    (added,) = patch["spec"]["template"]["spec"]["containers"]
    assert added["name"] == container["name"]
    container["env"] += added["env"]
    container["ports"] += added["ports"]
    return whole


def select_pods(item: dict[str, Any]) -> dict[str, Any]:
    """The object with the labels that kustomize gives it."""
    labels = {"app.kubernetes.io/name": "asm-upgrade-bot", "app.kubernetes.io/part-of": "asm-upgrade-bot"}
    if item["kind"] == "StatefulSet":
        item["spec"]["selector"] = {"matchLabels": labels}
        item["spec"]["template"]["metadata"] = {"labels": labels}
    return item


def find_path(ground: Ground, item: dict[str, Any], space: str) -> str:
    """Where an object of this kind is created."""
    version = item["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    found = ground.send("GET", root).json()["resources"]
    (kind,) = [one for one in found if one["kind"] == item["kind"] and "/" not in one["name"]]
    return f"{root}/namespaces/{space}/{kind['name']}" if kind["namespaced"] else f"{root}/{kind['name']}"


def find_lost(sent: Any, kept: Any, place: str = "") -> list[str]:
    """What the server dropped or changed of what it was sent: a field that it doesn't know is dropped."""
    match sent:
        case dict():
            parts = [(f"{place}.{name}", value, (kept or {}).get(name)) for name, value in sent.items()]
        case list() if len(sent) == len(kept or []):
            parts = [(f"{place}[{n}]", value, kept[n]) for n, value in enumerate(sent)]
        case _:
            return [] if sent == kept else [place]
    return [lost for where, value, found in parts for lost in find_lost(value, found, where)]


@REAL
@pytest.mark.parametrize("path", list_files(), ids=lambda path: str(path.relative_to(MANIFESTS)))
def test_a_real_server_takes_every_object(ground: Ground, path: Path) -> None:
    """As it stands, field by field."""
    space = ground.make_space()
    for item in map(select_pods, list_objects(path)):
        if item["kind"] in ELSEWHERE:
            continue
        item["metadata"].pop("namespace", None)
        answer = ground.send("POST", find_path(ground, item, space), item, dryRun="All")
        assert answer.status_code == 201, answer.text
        # What a Secret is given as a text it keeps encoded.
        item.pop("stringData", None)
        assert find_lost(item, answer.json()) == []


def test_what_no_server_here_knows_is_named() -> None:
    """Any other kind has to be tried."""
    kinds = {item["kind"] for path in list_files() for item in list_objects(path)}
    assert kinds >= ELSEWHERE


@pytest.mark.parametrize("path", list_files(), ids=lambda path: str(path.relative_to(MANIFESTS)))
def test_what_no_server_here_knows_has_its_makers_form(path: Path) -> None:
    """Field by field, with none that it has not."""
    for item in list_objects(path):
        if item["kind"] in ELSEWHERE - {"Kustomization"}:
            assert item.keys() == {"apiVersion", "kind", "metadata", "spec"}
            msgspec.convert(item["spec"], FORMS[item["apiVersion"], item["kind"]])
