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


def labelled(kind: str, name: str, component: str, namespace: str = "istio-system", **metadata: Any) -> Json:
    """An object that carries a component's label, as one does that somebody copied."""
    api = "apps/v1" if kind == "Deployment" else "v1"
    made: Json = {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {COMPONENT: component}, **metadata},
    }
    if kind == "Service":
        made["spec"] = {"ports": [{"port": 80}]}
    if kind == "Deployment":
        labels = {"app": name}
        pod = {"containers": [{"name": "a", "image": "registry.example/a:1"}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        made["spec"] = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return made


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
        if bench.api.get(made):
            bench.api.delete(made)


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
    gone = {name_of(made) for made in LEFT.values() if not left.api.get(made)}
    assert named == gone
    assert "Deployment istio-system/own-gateway" in named


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
