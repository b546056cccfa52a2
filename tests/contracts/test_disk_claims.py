"""What a StatefulSet's volumeClaimTemplates become: claims by name, that a quota may refuse and nobody takes away.

That disks are bound, and that one node has them at a time, is by public texts alone: no control plane here has disks.
"""

from __future__ import annotations

from typing import Any

import pytest

from steps.mesh import WorkloadRef
from tests.contracts.ground import Ground
from tests.contracts.shapes import named, stateful_set
from tests.contracts.test_owners import place_of

Json = dict[str, Any]
CLAIM: Json = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def make_set(ground: Ground, space: str, policy: str = "Parallel") -> WorkloadRef:
    """A StatefulSet of two pods with a disk each."""
    made = stateful_set(space, podManagementPolicy=policy, volumeClaimTemplates=[CLAIM])
    ground.create(made)
    return named(space, "StatefulSet", "db")


def list_items(ground: Ground, space: str, plural: str) -> list[Json]:
    found: list[Json] = ground.send("GET", f"/api/v1/namespaces/{space}/{plural}").json()["items"]
    return sorted(found, key=lambda one: str(one["metadata"]["name"]))


def list_names(ground: Ground, space: str, plural: str) -> list[str]:
    return [one["metadata"]["name"] for one in list_items(ground, space, plural)]


def test_each_ordinal_gets_a_claim_of_its_name(ground: Ground) -> None:
    """With the selector's labels and no owner, and its pod mounts it."""
    space = ground.make_space()
    ref = make_set(ground, space)
    ground.until(lambda: len(list_items(ground, space, "pods")) == 2)
    claims = list_items(ground, space, "persistentvolumeclaims")
    assert [claim["metadata"]["name"] for claim in claims] == [f"data-{ref.name}-0", f"data-{ref.name}-1"]
    assert [claim["metadata"].get("ownerReferences") for claim in claims] == [None, None]
    live = ground.send("GET", place_of(ref)).json()
    assert claims[0]["metadata"]["labels"] == live["spec"]["selector"]["matchLabels"]
    volumes = list_items(ground, space, "pods")[1]["spec"]["volumes"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{ref.name}-1"}} in volumes
    said = f"create Claim data-{ref.name}-0 Pod {ref.name}-0 in StatefulSet {ref.name} success"
    ground.until(lambda: said in {event["message"] for event in list_items(ground, space, "events")})


def test_claims_stay_when_their_set_goes(ground: Ground) -> None:
    """So that the next one of its name finds its disks."""
    space = ground.make_space()
    ref = make_set(ground, space)
    ground.until(lambda: len(list_items(ground, space, "pods")) == 2)
    assert ground.send("DELETE", place_of(ref)).is_success
    ground.until(lambda: not list_items(ground, space, "pods"))
    assert len(list_names(ground, space, "persistentvolumeclaims")) == 2


@pytest.mark.parametrize("hard", [{"persistentvolumeclaims": "1"}, {"requests.storage": "1Gi"}], ids=["count", "size"])
def test_a_quota_on_claims_stops_the_pod_with_its_words(ground: Ground, hard: Json) -> None:
    """The claim's event and the pod's."""
    space = ground.make_space()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "disks", "namespace": space},
             "spec": {"hard": hard}}  # fmt: skip
    ground.create(quota)
    place = f"/api/v1/namespaces/{space}/resourcequotas/disks"
    ground.until(lambda: (ground.send("GET", place).json().get("status") or {}).get("used"))
    ref = make_set(ground, space)

    def list_refusals() -> list[str]:
        return [event["message"] for event in list_items(ground, space, "events") if event["reason"] == "FailedCreate"]

    second = f"{ref.name}-1"
    claim_failed = f"create Claim data-{second} for Pod {second} in StatefulSet {ref.name} failed error: "
    pod_failed = f"create Pod {second} in StatefulSet {ref.name} failed error: failed to create PVC data-{second}: "
    for start in (claim_failed, pod_failed):
        ground.until(lambda start=start: any(one.startswith(start) for one in list_refusals()))  # type: ignore[misc]
    assert all("exceeded quota: disks, requested: " in one for one in list_refusals())
    assert list_names(ground, space, "pods") == [f"{ref.name}-0"]
