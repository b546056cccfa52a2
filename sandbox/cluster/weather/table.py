"""All weathers by name. A new kind is one module beside this one, and one row here."""

from __future__ import annotations

from sandbox.cluster.weather.crowds import Crowded
from sandbox.cluster.weather.disks import SingleDisk
from sandbox.cluster.weather.limits import Quota, StuckBudget
from sandbox.cluster.weather.mesh import HandEdits, OwnGateway
from sandbox.cluster.weather.nodes import AutoscaledNodes, LateGates, LostNode, ManyNodes, NodeUpgrade, SlowPods
from sandbox.cluster.weather.owners import GitopsReverts, MeshOperator, OperatorReverts
from sandbox.cluster.weather.policies import PolicyDenies, PolicyDown, PolicyMutates
from sandbox.cluster.weather.server import InjectorDown, Latency, LostRequests
from sandbox.cluster.weather.sky import WeatherKind

WEATHERS = (
    WeatherKind("autoscaled-nodes", "A node is added a minute after a pod found no room.", AutoscaledNodes),
    WeatherKind("crowded", "A workload fills the nodes, and its rollout finds none for one pod more.", Crowded),
    WeatherKind("gitops-reverts", "A GitOps tool puts every change in a namespace back.", GitopsReverts),
    WeatherKind("hand-edits", "People edited mesh config, injector template and an autoscaler by hand.", HandEdits),
    WeatherKind("injector-down", "The sidecar injector does not answer, so no pod is made.", InjectorDown),
    WeatherKind("latency", "The API server takes two seconds longer for each answer.", Latency),
    WeatherKind("late-gates", "A load balancer finds new pods healthy only after 90 s.", LateGates),
    WeatherKind("lost-node", "A node is heard no more, and its pods never end.", LostNode),
    WeatherKind("lost-requests", "The API server answers one request in twenty with 503.", LostRequests),
    WeatherKind("many-nodes", "The cluster grows to 200 nodes.", ManyNodes),
    WeatherKind("mesh-operator", "An istio-operator in the cluster puts the control plane back.", MeshOperator),
    WeatherKind("node-upgrade", "GKE replaces the nodes one after the other.", NodeUpgrade),
    WeatherKind("operator-reverts", "An operator takes the restart of its workload back.", OperatorReverts),
    WeatherKind("policy-denies", "An admission policy refuses restarts in its own words.", PolicyDenies),
    WeatherKind("policy-down", "An admission webhook is away, so no pod is made.", PolicyDown),
    WeatherKind("policy-mutates", "An admission webhook takes each restart's stamp out again.", PolicyMutates),
    WeatherKind("own-gateway", "A team has a gateway of its own in istio-system, past istioctl.", OwnGateway),
    WeatherKind("quota", "A quota leaves no room for one pod more in a namespace.", Quota),
    WeatherKind("single-disk", "A workload of one pod on a disk that one node can have at a time.", SingleDisk),
    WeatherKind("slow-pods", "Pods take long to become ready, and long to end.", SlowPods),
    WeatherKind("stuck-budget", "A disruption budget allows no eviction.", StuckBudget),
)


def describe_weathers() -> str:
    """Return the table as lines of a terminal."""
    width = max(len(kind.name) for kind in WEATHERS)
    return "\n".join(f"{kind.name:<{width}}  {kind.sentence}" for kind in WEATHERS)
