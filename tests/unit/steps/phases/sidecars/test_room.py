"""Whether "no room" is told exactly where the scheduler has none: drawn clusters, judged by what becomes of pods."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import Any

import pytest

from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.objects.objects import copy_json
from sandbox.cluster.seeds.cluster_x import create_any
from sandbox.cluster.seeds.objects import deployment, namespace
from sandbox.cluster.simulation import Simulation
from steps.contract.options import UpgradeOptions
from steps.mesh import WorkloadRef
from steps.workloads.around import find_crowded, find_placeless
from steps.workloads.inventory import take_inventory
from steps.workloads.placement import count_surge
from steps.workloads.subject import Subject
from tests.unit.steps.phases.sidecars.varied_clusters import VariedMesh, Variety
from tests.unit.steps.rig import load_release

Json = dict[str, Any]
COUNT = 24
SPACE = "shop"
WEB = WorkloadRef(SPACE, "Deployment", "web")
PACE = Pace(create=1.0, ready=1.0, stop=1.0, slower={})
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def draw_app(dice: random.Random, name: str, replicas: int) -> Json:
    """A Deployment that asks for room, and for some nodes only."""
    made = deployment(SPACE, name, replicas)
    made["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": dice.choice([1, 2, "50%", "100%"]), "maxUnavailable": 0}}
    spec = made["spec"]["template"]["spec"]
    asked = {"cpu": f"{dice.choice([0, 100, 400, 900])}m", "memory": f"{dice.choice([0, 64, 1024, 3000])}Mi"}
    spec["containers"][0]["resources"] = {"requests": asked}
    if dice.random() < 0.5:
        spec["nodeSelector"] = {"pool": "new"}
    if dice.random() < 0.4:
        spec["tolerations"] = [{"key": "gpu", "operator": "Exists"}]
    return made


def change_nodes(dice: random.Random, cluster: Simulation) -> None:
    """Pools, taints, closed nodes, and nodes of few pods or little room."""
    resource = cluster.resources.by_key("nodes")
    for found in list(cluster.store.each("nodes")):
        node = copy_json(found)
        node["metadata"]["labels"]["pool"] = dice.choice(["old", "new"])
        node["spec"] = {"taints": [TAINT]} if dice.random() < 0.3 else {}
        if dice.random() < 0.2:
            node["spec"]["unschedulable"] = True
        cluster.api.update(resource, "", node["metadata"]["name"], node)
        room = {"cpu": f"{dice.choice([1500, 3920])}m", "pods": str(dice.choice([6, 9, 110]))}
        live = cluster.api.get(resource, "", node["metadata"]["name"])
        allocatable = {**live["status"]["allocatable"], **room}
        cluster.api.set_status("nodes", live, {**live["status"], "allocatable": allocatable})


def try_more(mesh: VariedMesh, template: Json, count: int) -> int:
    """Make so many more pods of a template; how many of them the scheduler finds a node for."""
    names = [f"more-{number}" for number in range(count)]
    made = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
    for name in names:
        create_any(mesh.cluster, {**copy_json(made), "metadata": {"name": name, "namespace": SPACE}})
    mesh.tick(0.5)
    found = (mesh.cluster.store.find("pods", SPACE, name) for name in names)
    return sum(bool(pod and pod["spec"].get("nodeName")) for pod in found)


@pytest.mark.weather("nodes without room for a rollout")
@pytest.mark.parametrize("number", range(COUNT))
def test_no_room_is_told_where_the_scheduler_has_none(number: int) -> None:
    """By the nodes that the pods may go to and what is left on each, not by all nodes together."""
    dice, release = random.Random(f"room {number}"), load_release()
    web = draw_app(dice, WEB.name, dice.choice([1, 2, 4, 8]))
    others = [draw_app(dice, f"app-{one}", dice.choice([1, 3, 6])) for one in range(dice.randint(0, 3))]
    variety = Variety(number, dice.randint(2, 6), (namespace(SPACE), *others, web), PACE, UpgradeOptions())
    with ExitStack() as stack:
        mesh = VariedMesh(variety, release, stack)
        change_nodes(dice, mesh.cluster)
        mesh.tick(60)
        inventory = take_inventory(mesh.kubernetes, release, variety.options)
        workload = inventory.surroundings.workloads[WEB]
        subject = Subject(WEB, "restart", workload, (), inventory)
        told = [risk.kind for risk in (*find_placeless(subject), *find_crowded(subject))]
        extra = count_surge(workload)
        fitting = try_more(mesh, web["spec"]["template"], extra)
    if fitting:
        assert told == ([] if fitting == extra else ["no room"])
    else:
        assert told in (["no room"], ["no free node"])
