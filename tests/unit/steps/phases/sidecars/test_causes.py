"""Whatever stops a workload: its cause reaches the sentence, and the remedy fits the cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.server.faults import PodFault
from steps.contract.options import Limits
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.mesh import WorkloadRef
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh
from tests.unit.steps.rig import start

HOOK = "validate.kyverno.svc-fail"
NEW = "1.4.10-asm.18"
WORDS = "label team is required"
DENIED = f'admission webhook "{HOOK}" denied the request: {WORDS}'
Json = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What comes over the cluster once the phase was approved, and what a person reads then."""

    name: str
    weather: str
    fields: Json
    why: str
    remedy: str


TROUBLES = (
    Trouble(
        "a policy that denies the restart with 400", "policy-denies", {"words": WORDS}, DENIED,
        f"webhook {HOOK} forbids it",
    ),
    Trouble(
        "a policy that denies the restart with 403", "policy-denies", {"words": WORDS, "code": 403}, DENIED,
        "exempt the namespace",
    ),
    Trouble(
        "a policy that denies pods", "policy-denies", {"words": WORDS, "resources": ["pods"]}, DENIED,
        "exempt the namespace",
    ),
    Trouble(
        "a policy that denies ReplicaSets", "policy-denies", {"words": WORDS, "resources": ["replicasets"]}, DENIED,
        "exempt the namespace",
    ),
    Trouble(
        "a policy that denies deletions of pods", "policy-denies",
        {"words": WORDS, "resources": ["pods"], "operations": ["DELETE"]}, DENIED, "exempt the namespace",
    ),
    Trouble(
        "a webhook that is away for deletions of pods", "policy-down", {"operations": ["DELETE"]},
        'failed calling webhook "validation.gatekeeper.sh"', "bring its pods back",
    ),
    Trouble(
        "a webhook that is away", "policy-down", {}, 'failed calling webhook "validation.gatekeeper.sh"',
        "bring its pods back",
    ),
    Trouble(
        "a webhook that is away for the workloads themselves", "policy-down",
        {"resources": ["deployments", "statefulsets"]}, 'failed calling webhook "validation.gatekeeper.sh"',
        "bring its pods back",
    ),
    Trouble(
        "a full quota", "quota", {"namespace": "data", "pods": 2}, "exceeded quota: sandbox-weather",
        "describe resourcequota sandbox-weather",
    ),
    Trouble(
        "an injector that is away", "injector-down", {}, 'failed calling webhook "sidecar-injector.istio.io"',
        "port 9443",
    ),
)  # fmt: skip
# Told while the phase still waits: within so many seconds.
SOON = 120.0
# Seconds between two looks once it was told, until the patience is over.
UNHURRIED = 10.0


@pytest.mark.weather("an admission policy denies, or its webhook is away")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_the_cause_reaches_the_sentence(mesh: SimulatedMesh, trouble: Trouble) -> None:
    """With a remedy that mends it: rights are none where no right is missing."""
    rig = start(mesh, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    rig.approve("approve")
    mesh.control(lambda cluster: cluster.sky.begin(trouble.weather, trouble.fields))
    begun, told = mesh.clock.seconds, 0.0
    while isinstance(outcome := rig.turn("restart"), Waiting):
        if not told and trouble.why in outcome.why:
            told = mesh.clock.seconds - begun
            assert "time left not known: " in outcome.why
            assert outcome.progress is not None
            assert outcome.progress.seconds_left is None
        mesh.tick(max(outcome.retry_in, UNHURRIED if told else 0.0))
    assert told <= SOON
    assert told or mesh.clock.seconds - begun <= SOON, "neither waits nor blocks with the cause in time"
    assert isinstance(outcome, Blocked), outcome
    assert trouble.why in outcome.why
    assert trouble.remedy in outcome.remedy
    assert "cluster-admin" not in outcome.why + outcome.remedy


def test_a_stateful_set_that_waits_for_a_broken_pod_needs_two_things(mesh: SimulatedMesh) -> None:
    """Its template mended and the pod deleted: OrderedReady never replaces a pod that is not ready."""
    rig = start(mesh, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    rig.approve("approve")
    mesh.control(lambda cluster: cluster.faults.pods.active.append(PodFault("crashing", f"*:{NEW}", "data")))
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "new pod ledger-db-2 does not start: " in outcome.why
    assert "CrashLoopBackOff" in outcome.why
    assert "kubectl -n data logs ledger-db-2 --all-containers --previous" in outcome.remedy
    assert "kubectl -n data delete pod ledger-db-2" in outcome.remedy


@pytest.mark.weather("pods that keep apart fill the nodes")
@pytest.mark.parametrize(
    ("rule", "words", "remedy"),
    [
        ("anti-affinity", "didn't match pod anti-affinity rules", "by maxSurge 0"),
        ("host-port", "didn't have free ports for the requested pod ports", "by maxSurge 0"),
    ],
)
def test_a_rollout_without_a_free_node_is_predicted_and_then_told(
    mesh: SimulatedMesh, rule: str, words: str, remedy: str
) -> None:
    """The risk before anybody approves, the scheduler's words within two minutes, and the same remedy."""
    mesh.control(lambda cluster: cluster.sky.begin("crowded", {"rule": rule}))
    mesh.tick(30)
    mesh.control(lambda cluster: _make_old(cluster, "edge"))
    mesh.tick(60)
    rig = start(mesh, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    card = rig.turn("approve")
    assert isinstance(card, Ask)
    (risk,) = (risk for risk in card.card.risks if risk.startswith("shop/Deployment/edge: "))
    assert "the rollout will stand still" in risk
    rig.approve("approve")
    begun, told = mesh.clock.seconds, 0.0
    while isinstance(outcome := rig.turn("restart"), Waiting):
        if not told and words in outcome.why:
            told = mesh.clock.seconds - begun
        mesh.tick(max(outcome.retry_in, UNHURRIED if told else 0.0))
    assert 0 < told <= SOON
    assert isinstance(outcome, Blocked)
    assert words in outcome.why
    assert remedy in outcome.remedy
    mesh.patch(
        WorkloadRef("shop", "Deployment", "edge"),
        {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}},
    )
    rig.generation += 1
    assert isinstance(rig.run("restart"), Done)


@pytest.mark.weather("a disk that one node can have at a time (by public texts)")
def test_a_disk_that_two_pods_want_is_predicted_and_then_told(mesh: SimulatedMesh) -> None:
    """Not as "starts the new pod before the old one stops", and not as "not done after 12 min"."""
    mesh.control(lambda cluster: cluster.sky.begin("single-disk"))
    mesh.tick(30)
    mesh.control(lambda cluster: _make_old(cluster, "files"))
    mesh.tick(60)
    rig = start(mesh, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    card = rig.turn("approve")
    assert isinstance(card, Ask)
    (risk,) = (risk for risk in card.card.risks if risk.startswith("shop/Deployment/files: "))
    assert "its disk files can be on one node at a time: a new pod on another node waits for the old one" in risk
    rig.approve("approve")
    begun, told = mesh.clock.seconds, 0.0
    while isinstance(outcome := rig.turn("restart"), Waiting):
        if not told and "Multi-Attach error" in outcome.why:
            told = mesh.clock.seconds - begun
        mesh.tick(max(outcome.retry_in, UNHURRIED if told else 0.0))
    assert 0 < told <= SOON
    assert isinstance(outcome, Blocked)
    assert "FailedAttachVolume: Multi-Attach error for volume" in outcome.why
    assert "set the strategy to Recreate" in outcome.remedy


def _make_old(cluster: SimulatedCluster, app: str) -> None:
    """Give the pods of an app the sidecar of before, as if they had been there all the time."""
    for pod in list(cluster.store.each("pods", "shop")):
        if pod["metadata"]["labels"].get("app") == app:
            rows = [{**row, "image": row["image"].replace(NEW, "1.4.7-asm.0")} for row in pod["spec"]["containers"]]
            cluster.store.put("pods", {**pod, "spec": {**pod["spec"], "containers": rows}})
