"""Pods that rule nodes out for one another: what the scheduler says, and what a rollout makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from steps.mesh import Pod
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import IMAGE, bare_pod, deployment, named, template

Json = dict[str, Any]
Choose = Callable[[int], dict[str, str]]
STAMP = "2026-03-02T09:00:00Z"
HOSTNAME = "kubernetes.io/hostname"
SURGING: Json = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
YIELDING: Json = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}


def _shun() -> Json:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _take_port() -> Json:
    port = {"containerPort": 31999, "hostPort": 31999}
    return {"containers": [{"name": "app", "image": IMAGE, "ports": [port]}]}


def _spread() -> Json:
    row = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule"}
    return {"topologySpreadConstraints": [{**row, "labelSelector": {"matchLabels": {"app": "web"}}}]}


@pytest.fixture
def choose(ground: Ground) -> Iterator[Choose]:
    """Label some nodes for one test; returns the selector that picks them."""
    ground.need("faults")
    chosen: list[str] = []

    def act(count: int) -> dict[str, str]:
        rows = sorted(node.name for node in ground.gateway.list_nodes())[:count]
        for name in rows:
            _change_node(ground, name, {"metadata": {"labels": {"contract": "chosen"}}})
        chosen.extend(rows)
        return {"contract": "chosen"}

    yield act
    for name in chosen:
        change = {"metadata": {"labels": {"contract": None}}, "spec": {"unschedulable": None}}
        _change_node(ground, name, change)


def _change_node(ground: Ground, name: str, change: Json) -> None:
    answer = ground.send("PATCH", f"/api/v1/nodes/{name}", change, MERGE)
    assert answer.status_code == 200, answer.text


def _waiting(ground: Ground, space: str) -> Pod:
    """The pod that can't be scheduled, once there is one."""
    ground.until(lambda: any(pod.problem for pod in ground.list_live(space)))
    (pod,) = (pod for pod in ground.list_live(space) if pod.problem)
    return pod


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"key": "contract", "operator": "In", "values": ["chosen"]}], True),
        ([{"key": "contract", "operator": "Exists"}], True),
        ([{"key": "contract", "operator": "Gt", "values": ["1"]}], False),
        ([], False),
    ],
    ids=["in", "exists", "no number", "empty term"],
)
def test_node_affinity_picks_nodes_by_their_labels(
    ground: Ground, choose: Choose, rows: list[Json], found: bool
) -> None:
    """The required terms; a term that says nothing means no node."""
    choose(1)
    space = ground.make_space()
    made = deployment(space, replicas=1)
    terms = {"nodeSelectorTerms": [{"matchExpressions": rows}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    made["spec"]["template"]["spec"]["affinity"] = affinity
    ground.create(made)
    if not found:
        assert "node(s) didn't match" in _waiting(ground, space).problem
        return
    ground.settle(named(space))
    (pod,) = ground.list_live(space)
    nodes = {node.name: node for node in ground.gateway.list_nodes()}
    assert nodes[pod.node].labels.get("contract") == "chosen"
    assert ground.read(named(space)).placement.node_terms


@pytest.mark.weather("pods that keep apart fill the nodes")
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            _shun,
            "2 node(s) didn't match pod affinity/anti-affinity, 2 node(s) didn't match pod anti-affinity rules",
        ),
        (_take_port, "2 node(s) didn't have free ports for the requested pod ports"),
    ],
    ids=["anti-affinity", "host port"],
)
def test_as_many_replicas_as_nodes_leave_no_node_for_one_more(
    ground: Ground, choose: Choose, rule: Callable[[], Json], words: str
) -> None:
    """With a surge the rollout stands still; without one, an old pod goes first and it ends."""
    space, picked = ground.make_space(), choose(2)
    ground.create(deployment(space, pods=template("web", nodeSelector=picked, **rule()), **SURGING))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP)
    pod = _waiting(ground, space)
    assert pod.problem.startswith("Unschedulable: 0/")
    assert words in pod.problem
    assert ground.read(named(space)).available == 2
    ground.patch(named(space), {"spec": YIELDING})
    assert ground.settle(named(space)).restarted_at == STAMP


@pytest.mark.weather("pods that keep apart fill the nodes")
def test_an_uneven_spread_is_refused(ground: Ground, choose: Choose) -> None:
    """Where the emptier node takes nothing, the fuller one may not either."""
    space, picked = ground.make_space(), choose(2)
    ground.create(deployment(space, pods=template("web", nodeSelector=picked, **_spread()), **SURGING))
    ground.settle(named(space))
    closed = ground.list_live(space)[0].node
    _change_node(ground, closed, {"spec": {"unschedulable": True}})
    ground.patch(named(space), {"spec": {"replicas": 4}})
    ground.until(lambda: any(pod.problem for pod in ground.list_live(space)))
    words = next(pod.problem for pod in ground.list_live(space) if pod.problem)
    assert "1 node(s) didn't match pod topology spread constraints" in words
    assert "1 node(s) were unschedulable" in words


@pytest.mark.weather("pods that keep apart fill the nodes")
def test_a_pod_is_shunned_by_those_that_are_there(ground: Ground, choose: Choose) -> None:
    """Also one that has no rule itself."""
    space, picked = ground.make_space(), choose(1)
    ground.create(deployment(space, replicas=1, pods=template("web", nodeSelector=picked, **_shun())))
    ground.settle(named(space))
    other = bare_pod(space, "other", nodeSelector=picked)
    other["metadata"]["labels"] = {"app": "web", "own": "none"}
    ground.create(other)
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules" in _waiting(ground, space).problem
