"""What the gate names as removals against what an apply that nobody guards really takes away."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from bot.gateways.kubernetes.api_server import ApiServer
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from steps.install.record.removals import find_removals, read_removals
from steps.mesh import ClusterAddress
from tests.contracts.istioctl.bench import COMPONENT, GUIDE, Bench, Json

NOTE = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
TEAM = "team-space"


POD: Json = {"containers": [{"name": "a", "image": "registry.example/a:1"}]}
APIS = {
    "CronJob": "batch/v1beta1", "DaemonSet": "apps/v1", "Deployment": "apps/v1", "Job": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1",
}  # fmt: skip


def labelled(kind: str, name: str, component: str, namespace: str = "istio-system", **metadata: Any) -> Json:
    """An object that carries a component's label, as one does that somebody copied."""
    named = {"name": name, "namespace": namespace, "labels": {COMPONENT: component}, **metadata}
    made: Json = {"apiVersion": APIS.get(kind, "v1"), "kind": kind, "metadata": named}
    spec = write_spec(kind, name)
    return {**made, "spec": spec} if spec else made


def write_spec(kind: str, name: str) -> Json:
    """As little as the server takes, and nothing that runs."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD}
    once = {"template": {"metadata": {"labels": labels}, "spec": {**POD, "restartPolicy": "Never"}}}
    rolled = {"selector": {"matchLabels": labels}, "template": template}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "none",
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}
    specs: dict[str, Json] = {
        "CronJob": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": once}},
        "DaemonSet": rolled,
        "Deployment": {"replicas": 0, **rolled},
        "HorizontalPodAutoscaler": {"maxReplicas": 2, "scaleTargetRef": target},
        "Job": {"parallelism": 0, **once},
        "PersistentVolumeClaim": claim,
        "Pod": POD,
        "ReplicaSet": {"replicas": 0, **rolled},
        "ReplicationController": {"replicas": 0, "selector": labels, "template": template},
        "Service": {"ports": [{"port": 80}]},
        "StatefulSet": {"replicas": 0, "serviceName": name, **rolled},
    }
    return specs.get(kind, {})


KINDS = (
    "ConfigMap", "CronJob", "DaemonSet", "Deployment", "Endpoints", "HorizontalPodAutoscaler", "Job",
    "PersistentVolumeClaim", "Pod", "ReplicaSet", "ReplicationController", "Secret", "Service", "StatefulSet",
)  # fmt: skip
LEFT: dict[str, Json] = {
    "a gateway that was copied with its label and note": labelled(
        "Deployment", "own-gateway", "IngressGateway", annotations=NOTE
    ),
    "its Service": labelled("Service", "own-gateway", "IngressGateway", annotations=NOTE),
    "its ConfigMap": labelled("ConfigMap", "own-gateway", "IngressGateway", annotations=NOTE),
    "one without kubectl's note": labelled("Service", "no-note", "IngressGateway"),
    "one in a team's namespace": labelled("Service", "elsewhere", "IngressGateway", TEAM, annotations=NOTE),
    "an object that is handed over under another name now": labelled(
        "ConfigMap", "istio-old-name", "Pilot", annotations=NOTE
    ),
    "a component that is switched off": labelled("Deployment", "kiali", "Kiali"),
    "its Service in a team's namespace": labelled("Service", "kiali", "Kiali", TEAM),
    "its account, which no category has": labelled("ServiceAccount", "kiali", "Kiali"),
    "its ConfigMap, which no category has": labelled("ConfigMap", "kiali", "Kiali", annotations=NOTE),
    "a label that no component bears": labelled("Service", "stranger", "NoSuchThing", annotations=NOTE),
    "one of Base": labelled("ConfigMap", "base-left", "Base", annotations=NOTE),
    **{
        f"{kind} of a component that is on": labelled(kind, f"{kind.lower()}-of-pilot", "Pilot", annotations=NOTE)
        for kind in KINDS
    },
    **{f"{kind} that nobody applied": labelled(kind, f"{kind.lower()}-no-note-at-all", "Pilot") for kind in KINDS},
    **{f"{kind} of a component that is off": labelled(kind, f"{kind.lower()}-of-grafana", "Grafana") for kind in KINDS},
}


@pytest.fixture
def gateway(bench: Bench) -> Iterator[KubernetesGateway]:
    """Give the bot's own view of the cluster."""
    address = ClusterAddress("cluster-x", kubeconfig=str(bench.admin))
    made = KubernetesGateway(ApiServer(KubeconfigConnection(address)))
    yield made
    made.close()


@pytest.fixture
def left(bench: Bench) -> Iterator[Bench]:
    """Give a cluster with all sorts of objects that an apply may take for its own."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}}
    if not bench.api.get(space):
        bench.api.create(space)
    for made in LEFT.values():
        bench.api.create(copy.deepcopy(made))
    yield bench
    for made in LEFT.values():
        if not is_gone(bench, made):
            bench.api.delete(made)


def is_gone(bench: Bench, made: Json) -> bool:
    """Whether it is there no more, or told to go."""
    live = bench.api.get(made)
    return live is None or "deletionTimestamp" in live["metadata"]


def name_of(made: Json) -> str:
    """The object's name as cards write it."""
    return f"{made['kind']} {made['metadata']['namespace']}/{made['metadata']['name']}"


def test_what_the_gate_names_is_what_an_apply_takes(left: Bench, gateway: KubernetesGateway) -> None:
    """Nothing goes that isn't named, and nothing is named that would stay."""
    read, ran = left.record(*GUIDE)
    asked = {call.component for call in ran.calls if call.verb == "get" and call.component}
    disabled = sorted(asked - set(read.recording.record.components))
    objects = [made.content for made in read.recording.record.list_objects()]
    named = {one.name for one in find_removals(gateway, objects, disabled)}
    left.install(*GUIDE)
    gone = {name_of(made) for made in LEFT.values() if is_gone(left, made)}
    assert named == gone
    assert "Deployment istio-system/own-gateway" in named


def test_what_somebody_else_keeps_is_left_to_them(left: Bench, gateway: KubernetesGateway) -> None:
    """An object with an owner isn't named: it would be made again, or it goes with its owner."""
    owner = left.api.get(LEFT["its ConfigMap"])
    assert owner is not None
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "own-gateway", "uid": owner["metadata"]["uid"]}
    owned = [labelled("Service", f"owned-by-{name.lower()}", name, annotations=NOTE, ownerReferences=[reference])
             for name in ("Pilot", "Grafana")]  # fmt: skip
    for made in owned:
        left.api.create(made)
    assert not {name_of(made) for made in owned} & {
        one.name for one in find_removals(gateway, [], ["Pilot", "Grafana"])
    }
    for made in owned:
        left.api.delete(made)


def test_what_was_born_or_went_between_is_not_touched(left: Bench, gateway: KubernetesGateway) -> None:
    """Approved is an object, not a name: a new one under it stays, and one that is gone is no fault."""
    reborn, lost = LEFT["its Service"], LEFT["its ConfigMap"]
    approved = {one.name: one.uid for one in find_removals(gateway, [], ["IngressGateway"])}
    for made in (reborn, lost):
        live = left.api.get(made)
        left.api.delete(made)
        if made is reborn:
            assert live is not None
            assert approved[name_of(made)] == live["metadata"]["uid"]
            left.api.create(copy.deepcopy(made))
        uid = live["metadata"]["uid"] if live else ""
        gateway.delete_object("v1", made["kind"], "istio-system", "own-gateway", uid)
    assert left.api.get(reborn) is not None
    assert left.api.get(lost) is None


def test_a_guarded_apply_and_the_bots_own_hand_leave_what_was_not_approved(
    left: Bench, gateway: KubernetesGateway
) -> None:
    """Of two that were named one is kept; only the other one goes, by its UID."""
    read, _ = left.record(*GUIDE)
    assert left.guard(read.recording, *GUIDE).code == 0
    assert all(left.api.get(made) for made in LEFT.values())
    gone, kept = "Service istio-system/own-gateway", "Deployment istio-system/own-gateway"
    ((name, made),) = read_removals(gateway, [gone]).items()
    metadata = made["metadata"]
    gateway.delete_object("v1", "Service", metadata["namespace"], metadata["name"], metadata["uid"])
    assert name == gone
    present = {name_of(one) for one in LEFT.values() if left.api.get(one)}
    assert kept in present
    assert gone not in present
    assert len(present) == len(LEFT) - 1
