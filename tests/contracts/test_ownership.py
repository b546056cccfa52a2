"""Whose a pod is: a relabelled one is released and replaced, and one that fits is adopted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import bare_pod, daemon_set, deployment, named, replication_controller, stateful_set

Json = dict[str, Any]


def read_pods(ground: Ground, space: str) -> list[Json]:
    pods = ground.send("GET", f"/api/v1/namespaces/{space}/pods").json()["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def owner_of(ground: Ground, space: str, name: str) -> str:
    found = ground.send("GET", f"/api/v1/namespaces/{space}/pods/{name}").json()
    return "".join(row["kind"] for row in found["metadata"].get("ownerReferences") or ())


def relabel(ground: Ground, space: str, name: str, app: str) -> None:
    path = f"/api/v1/namespaces/{space}/pods/{name}"
    assert ground.send("PATCH", path, {"metadata": {"labels": {"app": app}}}, MERGE).status_code == 200


@pytest.mark.parametrize(
    ("made", "app", "kind"),
    [
        (lambda space: deployment(space), "web", "ReplicaSet"),
        (lambda space: replication_controller(space), "old", "ReplicationController"),
        (lambda space: daemon_set(space), "agent", "DaemonSet"),
    ],
    ids=["Deployment", "ReplicationController", "DaemonSet"],
)
def test_a_relabelled_pod_is_released_and_replaced(ground: Ground, made: Any, app: str, kind: str) -> None:
    """It runs on without an owner, and is taken back with its label."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(made(space))
    wanted = 4 if kind == "DaemonSet" else 2
    ground.until(lambda: len(read_pods(ground, space)) >= wanted)
    ground.pause(2)
    before = read_pods(ground, space)
    name = before[0]["metadata"]["name"]
    relabel(ground, space, name, "elsewhere")
    ground.until(lambda: owner_of(ground, space, name) == "")
    ground.until(lambda: len(read_pods(ground, space)) == len(before) + 1)
    relabel(ground, space, name, app)
    ground.until(lambda: len(read_pods(ground, space)) == len(before))


def test_a_stateful_pod_that_is_relabelled_keeps_its_name_from_the_next(ground: Ground) -> None:
    """It is released, and as its name is taken, no other comes."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(stateful_set(space))
    ground.settle(named(space, "StatefulSet", "db"))
    relabel(ground, space, "db-1", "elsewhere")
    ground.until(lambda: owner_of(ground, space, "db-1") == "")
    ground.pause(3)
    assert len(read_pods(ground, space)) == 2


def test_a_bare_pod_that_a_selector_finds_is_adopted(ground: Ground) -> None:
    """One less is made."""
    ground.need("bot")
    space = ground.make_space()
    ground.create(bare_pod(space, "web"), bare_pod(space, "other"))
    ground.create(replication_controller(space, "web", replicas=2))
    ground.until(lambda: owner_of(ground, space, "web") == "ReplicationController")
    ground.pause(3)
    assert owner_of(ground, space, "other") == ""
    assert len(read_pods(ground, space)) == 3
