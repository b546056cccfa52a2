"""Twenty clusters that differ in what makes an upgrade long: sizes, kinds, strategies, budgets, limits, pod times."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.objects import uid_of
from sandbox.cluster.seeds.cluster_x import INSTALLED, create_any, mesh_options
from sandbox.cluster.seeds.objects import budget, daemon_set, deployment, namespace, node, rbac_defaults, stateful_set
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.release import Release
from tests.direct import DirectConnection
from tests.unit.steps.phases.sidecars.simulated_mesh import HandClock, SimulatedMesh, replace_object

COUNT = 20
Json = dict[str, Any]


@dataclass(frozen=True)
class Variety:
    """One of the clusters: what is in it, how quick its pods are, and what an upgrade may do at once.

    `moved` says whether its control plane is on the release already.
    """

    number: int
    nodes: int
    objects: tuple[Json, ...]
    pace: Pace
    options: UpgradeOptions
    moved: bool = True


def vary(number: int) -> Variety:
    """The cluster of this number; the same each time. Two in a row are one cluster that has changed between upgrades.

    The times of pods are about those that the guide's 100 pods a minute come from.
    """
    pods, dice = random.Random(f"pods {number // 2}"), random.Random(number)
    pace = Pace(create=pods.uniform(4, 7), ready=pods.uniform(5, 9), stop=pods.uniform(1, 4), slower={})
    spaces = [f"team-{n}" for n in range(dice.randint(1, 4))]
    objects = [namespace(space, injected=True) for space in spaces]
    objects += [made for space in spaces for made in _fill(dice, space)]
    evicted = tuple(space for space in spaces if dice.random() < 0.2)
    limits = Limits(
        workloads_at_once=dice.choice([0, 2, 4, 8, 8]),
        pods_per_minute=dice.choice([0, 40, 300, 300]),
        soak_seconds=dice.choice([0.0, 0.0, 30.0]),
    )
    options = UpgradeOptions(evict_namespaces=evicted, limits=limits)
    return Variety(number, dice.randint(3, 10), tuple(objects), pace, options)


def _fill(dice: random.Random, space: str) -> Iterator[Json]:
    for number in range(dice.randint(1, 6)):
        name = f"app-{number}"
        match dice.choice(["Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet"]):
            case "StatefulSet":
                yield stateful_set(space, name, dice.randint(1, 7))
            case "DaemonSet":
                yield _roll(daemon_set(space, name), {"maxUnavailable": dice.choice([1, 1, "25%"])})
            case _:
                replicas = dice.choice([1, 2, 3, 5, 8, 12, 16])
                yield _strategy(dice, deployment(space, name, replicas))
                if replicas > 3 and dice.random() < 0.3:
                    yield budget(space, name, min_available=replicas - 1)


def _strategy(dice: random.Random, made: Json) -> Json:
    match dice.choice(["default", "default", "careful", "wide", "recreate", "late"]):
        case "careful":
            made["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        case "wide":
            made["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}
        case "recreate":
            made["spec"]["strategy"] = {"type": "Recreate"}
        case "late":
            made["spec"]["minReadySeconds"] = 10
        case _:
            pass
    return made


def _roll(made: Json, rolling: Json) -> Json:
    made["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return made


class VariedMesh(SimulatedMesh):
    """One of the clusters with its control plane on the target and its sidecars old; time passes in leaps."""

    def __init__(self, variety: Variety, release: Release, stack: ExitStack) -> None:
        self.release = release
        self.clock = HandClock()
        self.cluster = SimulatedCluster(self.clock, seed_fn=None, pace=variety.pace)
        fill_cluster(self.cluster, variety, release if variety.moved else None)
        retries = ReadRetries(limit=2.0, clock=lambda: 0.0, sleep=lambda _seconds: None)
        self.kubernetes = KubernetesGateway(ApiServer(DirectConnection(self.cluster), TimeLimits(2, 10), retries))
        stack.callback(self.kubernetes.close)

    def tick(self, seconds: float = 5.0) -> None:
        """The cluster does by itself what falls in between."""
        self.clock.seconds += max(seconds, 0.5)
        self.cluster.tick()


def fill_cluster(cluster: SimulatedCluster, variety: Variety, release: Release | None) -> None:
    """Nodes, the old mesh, the workloads, then the new mesh where there is one."""
    with cluster.engine.earlier(3600):
        nodes = (node(number, cluster.server_version) for number in range(variety.nodes))
        spaces = namespace("default"), namespace("kube-system")
        for made in (*rbac_defaults(), *nodes, *spaces, *render_mesh(INSTALLED, mesh_options())):
            create_any(cluster, made)
        cluster.engine.advance(900)
        for made in variety.objects:
            create_any(cluster, _with_owner(cluster, made))
        cluster.engine.advance(900)
        if release:
            move_control_plane(cluster, release)
        cluster.engine.advance(1800)
    cluster.tick()


def _with_owner(cluster: SimulatedCluster, made: Json) -> Json:
    """The object with its owner's uid, which nobody knows before the owner is made."""
    owners = made["metadata"].get("ownerReferences") or ()
    space = made["metadata"].get("namespace", "")
    named = [{**owner, "uid": uid_of(_find_owner(cluster, space, owner))} for owner in owners]
    return {**made, "metadata": {**made["metadata"], "ownerReferences": named}} if named else made


def _find_owner(cluster: SimulatedCluster, space: str, owner: Json) -> Json:
    resource = cluster.resources.of_kind(owner["apiVersion"].partition("/")[0], owner["kind"])
    found = cluster.store.find(resource.key, space, owner["name"]) if resource else None
    assert found is not None
    return found


def move_control_plane(cluster: SimulatedCluster, release: Release) -> list[Json]:
    """Put the release's mesh in place of the old one, as an apply does; the objects."""
    rendered = render_mesh(release.version, mesh_options())
    for made in rendered:
        replace_object(cluster, made)
    return rendered
