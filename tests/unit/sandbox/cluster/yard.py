"""A small simulated cluster, a clock moved by hand, and short ways to say things to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.objects import is_terminating, name_of
from sandbox.cluster.objects.patches import STRATEGIC_PATCH
from sandbox.cluster.seeds.cluster_x import create_any
from sandbox.cluster.seeds.objects import namespace, node, rbac_defaults
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.simulation import SERVER_VERSION

Json = dict[str, Any]
START = 1_600_000_000.0
EVEN = Pace(create=1.0, ready=1.0, stop=1.0, spread=0.0, slower={})


@dataclass
class HandClock:
    """Simulated time that moves only when told."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Yard:
    """A cluster and its clock."""

    cluster: SimulatedCluster
    clock: HandClock = field(default_factory=HandClock)

    def settle(self, seconds: float = 60.0) -> None:
        """Let simulated seconds go by. Fails where a controller stumbles."""
        self.stumble(seconds)
        assert self.cluster.engine.faults == {}

    def stumble(self, seconds: float = 60.0) -> None:
        """Let simulated seconds go by, whatever the controllers stumble over."""
        self.cluster.tick()
        self.clock.now += seconds
        self.cluster.tick()

    def create(self, *objects: Json) -> list[Json]:
        """Create objects as they are written."""
        return [create_any(self.cluster, obj) for obj in objects]

    def get(self, key: str, name: str, namespace: str = "shop") -> Json:
        """Return an object that must exist."""
        found = self.cluster.store.find(key, namespace, name)
        assert found is not None, f"{key} {namespace}/{name} does not exist"
        return found

    def pods(self, prefix: str = "", namespace: str = "shop") -> list[Json]:
        """Return the pods that are not going away, by the start of their name."""
        pods = self.cluster.store.each("pods", namespace)
        return [pod for pod in pods if name_of(pod).startswith(prefix) and not is_terminating(pod)]

    def patch(self, key: str, name: str, body: Json, namespace: str = "shop", **options: Any) -> Json:
        """Patch an object strategically."""
        resource = self.cluster.resources.by_key(key)
        return self.cluster.api.patch(resource, namespace, name, body, STRATEGIC_PATCH, **options)

    def delete(self, key: str, name: str, **options: Any) -> None:
        """Delete an object, in the background unless told otherwise."""
        resource = self.cluster.resources.by_key(key)
        delete_object(self.cluster.api, resource, self.get(key, name), DeleteOptions(**options))

    def restart(self, key: str, name: str, stamp: str = "2020-11-13T10:00:00Z", namespace: str = "shop") -> Json:
        """Restart a workload as kubectl does."""
        annotations = {"kubectl.kubernetes.io/restartedAt": stamp}
        return self.patch(key, name, {"spec": {"template": {"metadata": {"annotations": annotations}}}}, namespace)


def make_yard(
    *namespaces: str, nodes: int = 3, pace: Pace = EVEN, server_version: str = SERVER_VERSION, mesh: str = ""
) -> Yard:
    """Return a cluster with plain namespaces; with `mesh` a version of ASM runs and the namespaces are injected."""
    clock = HandClock()
    cluster = SimulatedCluster(clock, seed_fn=None, pace=pace, server_version=server_version)
    yard = Yard(cluster, clock)
    yard.create(*rbac_defaults(), *(node(number, server_version) for number in range(1, nodes + 1)))
    if mesh:
        yard.create(*render_mesh(mesh, {"profile": "asm"}))
        yard.settle()
    yard.create(*(namespace(name, injected=bool(mesh)) for name in namespaces or ("shop",)))
    yard.settle(1)
    return yard


def template(name: str, **spec: Any) -> Json:
    """Return a pod template with one probed container."""
    probe = {"httpGet": {"path": "/", "port": 80}}
    container = {"name": "app", "image": f"example.com/{name}:1", "readinessProbe": probe}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def workload(kind: str, name: str, *, api: str = "apps/v1", namespace: str = "shop", **spec: Any) -> Json:
    """Return a workload that selects app=NAME."""
    body = {"selector": {"matchLabels": {"app": name}}, "template": template(name), **spec}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": body}


def bare_pod(name: str, namespace: str = "shop", **spec: Any) -> Json:
    """Return a pod without an owner."""
    made = template(name, **spec)
    metadata = {**made["metadata"], "name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


def budget(name: str, namespace: str = "shop", **spec: Any) -> Json:
    """Return a PodDisruptionBudget for app=NAME."""
    body = {"selector": {"matchLabels": {"app": name}}, **spec}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": body}


def names(objects: list[Json]) -> list[str]:
    """Return the names of objects, sorted."""
    return sorted(name_of(obj) for obj in objects)


def images(pods: list[Json]) -> set[str]:
    """Return the images of the pods' sidecars."""
    rows = [row for pod in pods for row in pod["spec"]["containers"] if row["name"] == "istio-proxy"]
    return {row["image"] for row in rows}


def until(condition: Callable[[], bool], yard: Yard, *, seconds: float = 120.0, step: float = 1.0) -> float:
    """Let time go by until a condition holds; returns how long it took. Fails when it never does."""
    begun = yard.clock.now
    while not condition():
        assert yard.clock.now - begun < seconds, "it did not happen in time"
        yard.settle(step)
    return yard.clock.now - begun
