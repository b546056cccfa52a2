"""Other people's admission webhooks: what the server says of them, and where it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.cluster.server.policies import Policy
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import Evicted, WorkloadRef
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import deployment, named, stateful_set

Json = dict[str, Any]
Register = Callable[..., None]
HOOK = "validate.kyverno.svc-fail"
MARKER = "marker.kyverno.svc-fail"
MARKED = {"marker": "asks-whether-the-server-knows"}
WORDS = "policy Deployment/web for resource violation: require-labels: label team is required"
STAMP = "2026-03-02T09:00:00Z"
BASE = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture
def register(ground: Ground) -> Iterator[Register]:
    """Register a webhook for one namespace's objects; it goes with the test."""
    ground.need("webhooks")
    made: list[str] = []

    def act(space: str, policy: Policy, resources: list[str], operations: str = "CREATE", **more: Any) -> None:
        kind = "mutating" if policy.kind == "mutate" else "validating"
        patch = {"metadata": {"labels": {"policed": space}}}
        assert ground.send("PATCH", f"/api/v1/namespaces/{space}", patch, MERGE).status_code == 200
        rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": operations.split(), "resources": resources}
        hook = {
            "name": HOOK, "admissionReviewVersions": ["v1"], "sideEffects": "None", "rules": [rule],
            "clientConfig": ground.play_webhook(HOOK, policy), "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": {"policed": space}}, **more,
        }  # fmt: skip
        body = {"metadata": {"name": space}, "webhooks": [hook, mark(ground, hook)]}
        path = f"{BASE}/{kind}webhookconfigurations"
        answer = ground.send("POST", path, body)
        assert answer.is_success, answer.text
        made.append(f"{path}/{space}")
        ground.until(lambda: is_known(ground, space))

    yield act
    for path in made:
        ground.send("DELETE", path)


def mark(ground: Ground, hook: Json) -> Json:
    """A webhook beside this one that refuses marked ConfigMaps: read with it, a moment after creation."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    own = {"name": MARKER, "rules": [rule], "failurePolicy": "Fail", "objectSelector": {"matchLabels": MARKED}}
    return {**hook, **own, "clientConfig": ground.play_webhook(MARKER, Policy("down"))}


def is_known(ground: Ground, space: str) -> bool:
    """Whether the server acts by the registration, and by the namespace's label."""
    body = {"metadata": {"name": "marker", "labels": MARKED}}
    answer = ground.send("POST", f"/api/v1/namespaces/{space}/configmaps", body, dryRun="All")
    return answer.status_code == 500 and MARKER in answer.text


def _event(ground: Ground, ref: WorkloadRef, reason: str) -> str:
    """The message of the first event of this reason, once there is one."""
    found: list[str] = []

    def look() -> bool:
        events = ground.gateway.read_events(ref.namespace, ref.kind, ref.name)
        found[:] = [event.message for event in events if event.reason == reason]
        return bool(found)

    ground.until(look)
    return found[0]


@pytest.mark.weather("an admission policy denies, or its webhook is away")
@pytest.mark.parametrize("code", [400, 403])
def test_a_policy_that_denies_a_restart_says_so_in_its_own_words(ground: Ground, register: Register, code: int) -> None:
    """The server repeats webhook and words, with the webhook's code: 400 where it names none."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("deny", WORDS, code), ["deployments"], "UPDATE")
    with pytest.raises(GiveUp) as refused:
        ground.gateway.restart_workload(named(space), STAMP)
    assert f'admission webhook "{HOOK}" denied the request: {WORDS}' in refused.value.why
    assert f"answered {code} " in refused.value.why
    assert ground.read(named(space)).restarted_at == ""


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_that_denies_pods_shows_on_the_deployment(ground: Ground, register: Register) -> None:
    """As a ReplicaFailure; the old pods stay."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("deny", WORDS), ["pods"])
    ground.gateway.restart_workload(named(space), STAMP)
    ground.until(lambda: ground.read(named(space)).failure)
    wanted = f'FailedCreate: admission webhook "{HOOK}" denied the request: {WORDS}'
    assert ground.read(named(space)).failure == wanted


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_that_denies_pods_shows_in_a_stateful_sets_events_alone(ground: Ground, register: Register) -> None:
    """No condition tells of it, and the pod that was deleted for the rollout does not come back."""
    space = ground.make_space()
    ref = named(space, "StatefulSet", "db")
    ground.create(stateful_set(space))
    ground.settle(ref)
    register(space, Policy("deny", WORDS), ["pods"])
    ground.gateway.restart_workload(ref, STAMP)
    said = f'admission webhook "{HOOK}" denied the request: {WORDS}'
    wanted = f"create Pod db-1 in StatefulSet db failed error: {said}"
    assert _event(ground, ref, "FailedCreate") == wanted
    assert ground.read(ref).failure == ""
    assert [pod.name for pod in ground.list_live(space)] == ["db-0"]


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_that_denies_replica_sets_shows_as_progressing_false(ground: Ground, register: Register) -> None:
    """The Deployment's own event names the set that could not be made; its status stays behind."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("deny", WORDS), ["replicasets"])
    ground.gateway.restart_workload(named(space), STAMP)
    message = _event(ground, named(space), "ReplicaSetCreateError")
    assert message.startswith('Failed to create new replica set "web-')
    assert message.endswith(f'": admission webhook "{HOOK}" denied the request: {WORDS}')
    found = ground.read(named(space))
    assert found.observed_generation < found.generation


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_webhook_that_is_down_stops_restarts_and_pods(ground: Ground, register: Register) -> None:
    """500 with the webhook's name, and the same words as a ReplicaFailure."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP)
    ground.settle(named(space))
    register(space, Policy("down"), ["deployments", "pods"], "CREATE UPDATE")
    with pytest.raises(TryAgain) as refused:
        ground.gateway.restart_workload(named(space), "2026-03-02T10:00:00Z")
    assert f'Internal error occurred: failed calling webhook "{HOOK}": Post ' in refused.value.why
    assert "connect: connection refused" in refused.value.why
    path = f"/api/v1/namespaces/{space}/pods/{ground.list_live(space)[0].name}"
    assert ground.send("DELETE", path, {"gracePeriodSeconds": 0}).is_success
    ground.until(lambda: ground.read(named(space)).failure)
    assert f'failed calling webhook "{HOOK}"' in ground.read(named(space)).failure


def test_a_webhook_that_is_down_and_ignored_stops_nothing(ground: Ground, register: Register) -> None:
    """The failurePolicy decides."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("down"), ["deployments", "pods"], "CREATE UPDATE", failurePolicy="Ignore")
    ground.gateway.restart_workload(named(space), STAMP)
    assert ground.settle(named(space)).restarted_at == STAMP


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_webhook_may_take_the_stamp_out(ground: Ground, register: Register) -> None:
    """The answer is 200 and nothing was restarted."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    stamp = {"kubectl.kubernetes.io/restartedAt": None}
    patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    register(space, Policy("mutate", patch=patch), ["deployments"], "UPDATE")
    ground.gateway.restart_workload(named(space), STAMP)
    assert ground.read(named(space)).restarted_at == ""


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_that_denies_deletions_stops_a_rollout_and_no_eviction(ground: Ground, register: Register) -> None:
    """The old pods stay beside the new ones, and the Deployment tells it; an eviction asks no webhook for deletions."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("deny", WORDS, 403), ["pods"], "DELETE")
    pod = ground.list_live(space)[0]
    answer = ground.send("DELETE", f"/api/v1/namespaces/{space}/pods/{pod.name}")
    assert answer.status_code == 403
    assert answer.json()["message"] == f'admission webhook "{HOOK}" denied the request: {WORDS}'
    ground.gateway.restart_workload(named(space), STAMP)
    ground.until(lambda: ground.read(named(space)).failure)
    said = f'admission webhook "{HOOK}" denied the request: {WORDS}'
    assert ground.read(named(space)).failure == f"FailedDelete: unable to delete pods: {said}"
    assert pod.uid in {one.uid for one in ground.list_live(space)}
    assert ground.gateway.evict_pod(space, pod.name, pod.uid) == Evicted()


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_that_denies_deletions_stops_a_stateful_set(ground: Ground, register: Register) -> None:
    """Its events alone tell it."""
    space = ground.make_space()
    ref = named(space, "StatefulSet", "db")
    ground.create(stateful_set(space))
    ground.settle(ref)
    register(space, Policy("deny", WORDS), ["pods"], "DELETE")
    ground.gateway.restart_workload(ref, STAMP)
    said = f'admission webhook "{HOOK}" denied the request: {WORDS}'
    assert _event(ground, ref, "FailedDelete") == f"delete Pod db-1 in StatefulSet db failed error: {said}"
    assert [pod.name for pod in ground.list_live(space)] == ["db-0", "db-1"]


@pytest.mark.weather("an admission policy denies, or its webhook is away")
def test_a_policy_may_deny_evictions(ground: Ground, register: Register) -> None:
    """They are objects of their own, and not deletions."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    register(space, Policy("deny", WORDS), ["pods/eviction"])
    pod = ground.list_live(space)[0]
    with pytest.raises(GiveUp) as refused:
        ground.gateway.evict_pod(space, pod.name, pod.uid)
    assert f'admission webhook "{HOOK}" denied the request: {WORDS}' in refused.value.why
    assert ground.send("DELETE", f"/api/v1/namespaces/{space}/pods/{pod.name}").is_success
