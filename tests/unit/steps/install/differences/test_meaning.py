"""What differences mean."""

from __future__ import annotations

import pytest

from steps.install.differences.meaning import Meaning, count_meanings, tell_meaning
from steps.install.differences.rendered import VERSION_LABEL, ObjectId
from steps.install.differences.three_way import FieldChange

POD = "spec.template.spec.containers.[discovery]"


def change(kind: str, where: str) -> FieldChange:
    """A change of a field in an object of this kind."""
    return FieldChange(ObjectId("", kind, "istio-system", "x"), tuple(where.split(".")), "changed", 1, 2)


@pytest.mark.parametrize(
    ("kind", "where", "meaning"),
    [
        ("Deployment", f"{POD}.image", "image"),
        ("Deployment", f"{POD}.resources.requests.cpu", "resource"),
        ("Deployment", "spec.replicas", "resource"),
        ("HorizontalPodAutoscaler", "spec.maxReplicas", "resource"),
        ("ConfigMap", "data.mesh.outboundTrafficPolicy.mode", "mesh config"),
        ("ClusterRole", "rules", "security"),
        ("MeshPolicy", "spec.peers", "security"),
        ("MutatingWebhookConfiguration", "webhooks.[x].failurePolicy", "security"),
        ("Deployment", f"{POD}.securityContext.runAsUser", "security"),
        ("Service", "spec.type", "other"),
    ],
)
def test_each_change_has_one_meaning(kind: str, where: str, meaning: Meaning) -> None:
    """By its object and its place."""
    assert tell_meaning(change(kind, where)) == meaning


def test_they_are_counted_in_the_order_in_which_people_ask() -> None:
    """Labels of the release are no change to anybody."""
    label = FieldChange(ObjectId("", "Service", "", "x"), ("metadata", "labels", VERSION_LABEL), "changed", 1, 2)
    found = [change("ConfigMap", "data.a"), change("Deployment", f"{POD}.image"), change("ConfigMap", "data.b"), label]
    assert count_meanings(found) == "1 image, 2 fields of mesh config"
    assert count_meanings([label]) == "nothing but labels"
