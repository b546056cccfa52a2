"""What istioctl would hand to kubectl, on paper."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import yaml

from steps.contract.record import Call, ObjectKey, Record, RecordedObject, write_canonically
from tests.unit.steps.builders import (
    HUB,
    NEW,
    OLD,
    list_rendered_images,
)

POOL = "example-project.svc.id.goog"
INJECTED = {"global": {"hub": HUB, "tag": OLD}}


def render_control_plane(version: str = NEW, **mesh: Any) -> list[dict[str, Any]]:
    """The six workloads and the mesh config as istioctl would render them."""
    config = {"trustDomain": POOL, **mesh}
    rendered: list[dict[str, Any]] = [
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": _label("istio", "Pilot"),
            "data": {"mesh": yaml.safe_dump(config)},
        }
    ]  # fmt: skip
    for key, images in list_rendered_images(version).items():
        _, kind, name = key.split("/")
        containers = [{"name": container, "image": image} for container, image in images.items()]
        rendered.append(
            {
                "apiVersion": "apps/v1", "kind": kind, "metadata": _label(name, "Pilot"),
                "spec": {"template": {"spec": {"containers": containers}}},
            }
        )  # fmt: skip
    return rendered


def record_objects(objects: Sequence[dict[str, Any]]) -> Record:
    """A record in which each object's component label names its call."""
    calls: dict[str, list[RecordedObject]] = {}
    for made in objects:
        metadata = made["metadata"]
        key = ObjectKey(made["apiVersion"], made["kind"], metadata.get("namespace", ""), metadata["name"])
        component = metadata.get("labels", {}).get("operator.istio.io/component", "Base")
        calls.setdefault(component, []).append(RecordedObject(key, write_canonically(made)))
    return Record(
        tuple(Call(name, ("apply", "-f", "-"), tuple(made), hashlib.sha256(str(made).encode()).hexdigest())
              for name, made in calls.items())
    )  # fmt: skip


def _label(name: str, component: str) -> dict[str, Any]:
    return {"name": name, "namespace": "istio-system", "labels": {"operator.istio.io/component": component}}
