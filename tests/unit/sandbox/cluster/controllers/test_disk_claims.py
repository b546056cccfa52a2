"""StatefulSets with disks of their own: a claim for each ordinal, which outlives its pod and goes where it goes."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.controllers.nodes.disks import FORCED_SECONDS
from sandbox.cluster.objects.objects import is_pod_ready, name_of
from tests.unit.sandbox.cluster.yard import Yard, make_yard, workload

Json = dict[str, Any]
SETS, CLAIMS = "statefulsets.apps", "persistentvolumeclaims"


def template(name: str = "data", mode: str = "ReadWriteOnce", size: str = "10Gi") -> Json:
    return {"metadata": {"name": name}, "spec": {"accessModes": [mode], "resources": {"requests": {"storage": size}}}}


def make_set(yard: Yard, *templates: Json, replicas: int = 2, settle: bool = True, **spec: Any) -> None:
    made = workload("StatefulSet", "db", replicas=replicas, serviceName="db", **spec)
    made["spec"]["volumeClaimTemplates"] = list(templates or (template(),))
    yard.create(made)
    if settle:
        yard.settle()


def list_claims(yard: Yard) -> list[str]:
    return [name_of(claim) for claim in yard.cluster.store.each(CLAIMS, "shop")]


def list_said(yard: Yard, reason: str) -> list[str]:
    return [event["message"] for event in yard.cluster.store.each("events", "shop") if event["reason"] == reason]


def force_delete(yard: Yard, name: str) -> None:
    """As a person does who knows that the node is gone."""
    yard.delete("pods", name, grace=0)


def test_each_ordinal_has_a_claim_of_each_template_and_its_pod_uses_them() -> None:
    """In place of a volume of the same name, beside the others."""
    yard = make_yard("shop")
    make_set(yard, template(), template("log"))
    assert list_claims(yard) == ["data-db-0", "data-db-1", "log-db-0", "log-db-1"]
    volumes = yard.get("pods", "db-1")["spec"]["volumes"]
    used = {one["name"]: one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}
    assert used == {"data": "data-db-1", "log": "log-db-1"}
    claim = yard.get(CLAIMS, "data-db-0")
    assert (claim["status"]["phase"], "ownerReferences" in claim["metadata"]) == ("Bound", False)


def test_claims_outlive_pods_and_their_set() -> None:
    """Scaled down, restarted, deleted: the next pod of the name finds its disk again."""
    yard = make_yard("shop")
    make_set(yard)
    before = {name: yard.get(CLAIMS, name)["metadata"]["uid"] for name in list_claims(yard)}
    yard.restart(SETS, "db")
    yard.settle()
    yard.patch(SETS, "db", {"spec": {"replicas": 0}})
    yard.settle()
    yard.delete(SETS, "db")
    yard.settle()
    assert {name: yard.get(CLAIMS, name)["metadata"]["uid"] for name in list_claims(yard)} == before


def test_a_quota_on_claims_stops_the_pod_with_its_words() -> None:
    """The claim's event and the pod's, and what fits stands."""
    yard = make_yard("shop")
    quota = {"hard": {"persistentvolumeclaims": "1"}}
    yard.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "disks", "namespace": "shop"},
                 "spec": quota})  # fmt: skip
    make_set(yard)
    assert [name_of(pod) for pod in yard.pods("db")] == ["db-0"]
    said = list_said(yard, "FailedCreate")
    assert any(one.startswith("create Claim data-db-1 for Pod db-1 in StatefulSet db failed error: ") for one in said)
    assert any("failed to create PVC data-db-1: " in one and "exceeded quota: disks" in one for one in said)


def lose_node_of(yard: Yard, name: str) -> str:
    node = str(yard.get("pods", name)["spec"]["nodeName"])
    yard.cluster.loops.nodes.lose(node)
    yard.settle(120)
    return node


def test_a_pod_that_moves_waits_until_its_disk_is_taken_from_a_lost_node() -> None:
    """Its pod there was deleted by force: the node can't say that it let go, and six minutes later nobody asks it."""
    yard = make_yard("shop")
    make_set(yard, replicas=1)
    lost = lose_node_of(yard, "db-0")
    force_delete(yard, "db-0")
    yard.settle(60)
    moved = yard.get("pods", "db-0")
    assert (moved["spec"]["nodeName"] != lost, is_pod_ready(moved)) == (True, False)
    (said,) = set(list_said(yard, "FailedAttachVolume"))
    assert said.endswith("Volume is already exclusively attached to one node and can't be attached to another")
    yard.settle(FORCED_SECONDS)
    assert is_pod_ready(yard.get("pods", "db-0"))


def test_a_shared_disk_moves_at_once() -> None:
    """Many nodes may have it."""
    yard = make_yard("shop")
    make_set(yard, template(mode="ReadWriteMany"), replicas=1)
    lose_node_of(yard, "db-0")
    force_delete(yard, "db-0")
    yard.settle(60)
    assert is_pod_ready(yard.get("pods", "db-0"))


def test_a_pod_that_moves_in_peace_takes_its_disk_along() -> None:
    """A node that speaks lets go as the pod ends."""
    yard = make_yard("shop")
    make_set(yard, replicas=1)
    old = yard.get("pods", "db-0")
    yard.patch("nodes", old["spec"]["nodeName"], {"spec": {"unschedulable": True}}, "")
    yard.delete("pods", "db-0")
    yard.settle()
    moved = yard.get("pods", "db-0")
    assert moved["spec"]["nodeName"] != old["spec"]["nodeName"]
    assert is_pod_ready(moved)
    assert list_said(yard, "FailedAttachVolume") == []
