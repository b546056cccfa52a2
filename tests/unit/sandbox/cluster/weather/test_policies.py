"""Other people's admission webhooks over the mesh's namespaces."""

from __future__ import annotations

import pytest

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import condition_of
from tests.unit.sandbox.cluster.yard import Yard, make_yard, workload

STAMP = "2020-11-13T10:00:00Z"


@pytest.fixture
def yard() -> Yard:
    """A Deployment and a StatefulSet of two pods each, in a namespace that is injected."""
    made = make_yard("shop", mesh="1.4.7-asm.0")
    made.create(workload("Deployment", "web", replicas=2), workload("StatefulSet", "db", replicas=2, serviceName="db"))
    made.settle()
    return made


def _messages(yard: Yard, reason: str) -> set[str]:
    return {event["message"] for event in yard.cluster.store.each("events", "shop") if event["reason"] == reason}


def test_a_policy_refuses_restarts_until_it_ends(yard: Yard) -> None:
    """The server repeats webhook and words."""
    yard.cluster.sky.begin("policy-denies", {"words": "label team is required", "code": 403})
    with pytest.raises(ApiError, match=r'admission webhook "validate.*" denied the request: label team is') as refused:
        yard.restart("deployments.apps", "web")
    assert refused.value.code == 403
    yard.cluster.sky.end("policy-denies")
    yard.restart("deployments.apps", "web")


def test_a_webhook_that_is_away_lets_no_pod_be_made(yard: Yard) -> None:
    """A Deployment says so in a condition, a StatefulSet in its events alone."""
    yard.cluster.sky.begin("policy-down")
    yard.restart("deployments.apps", "web")
    yard.restart("statefulsets.apps", "db")
    yard.settle()
    failure = condition_of(yard.get("deployments.apps", "web"), "ReplicaFailure")
    assert failure is not None
    assert 'failed calling webhook "validation.gatekeeper.sh"' in failure["message"]
    said = _messages(yard, "FailedCreate")
    assert any(one.startswith("create Pod db-1 in StatefulSet db failed error: Internal error") for one in said)
    assert len(yard.pods("db")) == 1


def test_a_webhook_may_take_the_stamp_out(yard: Yard) -> None:
    """The restart is answered with success and nothing moves."""
    yard.cluster.sky.begin("policy-mutates")
    before = yard.get("deployments.apps", "web")["metadata"]["generation"]
    yard.restart("deployments.apps", "web")
    assert yard.get("deployments.apps", "web")["metadata"]["generation"] == before


def test_a_policy_that_refuses_replica_sets_is_told_by_the_deployment(yard: Yard) -> None:
    """Its status stays behind, and it goes on by itself once the policy is gone."""
    yard.cluster.sky.begin("policy-denies", {"resources": ["replicasets"], "words": "no"})
    yard.restart("deployments.apps", "web")
    yard.settle()
    found = yard.get("deployments.apps", "web")
    progressing = condition_of(found, "Progressing")
    assert progressing is not None
    assert (progressing["status"], progressing["reason"]) == ("False", "ReplicaSetCreateError")
    assert found["status"]["observedGeneration"] < found["metadata"]["generation"]
    assert any("denied the request: no" in one for one in _messages(yard, "ReplicaSetCreateError"))
    yard.cluster.sky.end()
    yard.settle()
    assert yard.get("deployments.apps", "web")["status"]["updatedReplicas"] == 2
