"""What differences mean to a person who approves them: counted by images, resources, mesh config and security. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeAlias

from steps.install.differences.departures import is_image
from steps.install.differences.rendered import VERSION_LABEL
from steps.install.differences.three_way import FieldChange

Meaning: TypeAlias = Literal["image", "resource", "mesh config", "security", "other"]
NAMES: dict[Meaning, tuple[str, str]] = {
    "image": ("image", "images"),
    "resource": ("field of resources and scaling", "fields of resources and scaling"),
    "mesh config": ("field of mesh config", "fields of mesh config"),
    "security": ("field of security", "fields of security"),
    "other": ("other field", "other fields"),
}
SCALING = ("HorizontalPodAutoscaler", "PodDisruptionBudget")
SECURITY = (
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "Secret",
    "MeshPolicy",
    "Policy",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)


def count_meanings(changes: Iterable[FieldChange]) -> str:
    """`14 images, 1 field of mesh config`; the release's own labels are no change to anybody."""
    counts = Counter(tell_meaning(one) for one in changes if one.path[-1] != VERSION_LABEL)
    told = (f"{counts[one]} {NAMES[one][counts[one] != 1]}" for one in NAMES if counts[one])
    return ", ".join(told) or "nothing but labels"


def tell_meaning(change: FieldChange) -> Meaning:
    """What a change is about, by its object and its place there."""
    if is_image(change.path):
        return "image"
    if change.object.kind in SECURITY or "securityContext" in change.path:
        return "security"
    if change.object.kind in SCALING or "resources" in change.path or change.path == ("spec", "replicas"):
        return "resource"
    return "mesh config" if change.object.kind == "ConfigMap" else "other"
