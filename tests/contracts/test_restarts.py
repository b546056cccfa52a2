"""What a rollout restart does to each kind of workload, and how its status tells."""

from __future__ import annotations

import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.phases.sidecars.flights.lookout import pick_pods
from tests.contracts.ground import Ground
from tests.contracts.shapes import (
    daemon_set,
    deployment,
    long_run,
    named,
    replication_controller,
    stateful_set,
    template,
    workload,
)

STAMP = "2026-03-02T09:00:00Z"
LATER = "2026-03-02T09:00:01Z"


def list_uids(ground: Ground, space: str) -> set[str]:
    return {pod.uid for pod in ground.list_live(space)}


def test_a_restart_replaces_every_pod_of_a_deployment(ground: Ground) -> None:
    """kubectl's patch rolls the workload."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=3))
    ground.settle(named(space))
    before = list_uids(ground, space)
    ground.gateway.restart_workload(named(space), STAMP)
    after = ground.settle(named(space))
    ground.until(lambda: len(ground.list_live(space)) == 3)
    assert not before & list_uids(ground, space)
    assert after.restarted_at == STAMP


def test_the_same_stamp_again_changes_nothing(ground: Ground) -> None:
    """A restart is safe to repeat."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP)
    once = ground.settle(named(space)).generation
    ground.gateway.restart_workload(named(space), STAMP)
    assert ground.read(named(space)).generation == once


def test_a_stale_resource_version_is_refused(ground: Ground) -> None:
    """Somebody else was faster."""
    space = ground.make_space()
    ground.create(deployment(space))
    stale = ground.settle(named(space))
    ground.patch(named(space), {"metadata": {"labels": {"touched": "yes"}}})
    with pytest.raises(TryAgain, match="409"):
        ground.gateway.restart_workload(named(space), STAMP, stale.resource_version)
    assert ground.read(named(space)).restarted_at == ""


def test_a_current_resource_version_is_taken(ground: Ground) -> None:
    """Compare and swap succeeds where nobody interfered."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=0))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP, ground.read(named(space)).resource_version)
    assert ground.read(named(space)).restarted_at == STAMP


def test_an_absent_workload_can_not_be_restarted(ground: Ground) -> None:
    """It was deleted meanwhile: observe again."""
    with pytest.raises(TryAgain, match="deleted"):
        ground.gateway.restart_workload(named(ground.make_space()), STAMP)


def test_a_paused_deployment_takes_the_patch_and_rolls_nothing(ground: Ground) -> None:
    """Only spec.paused tells, for the status says 'updated 0' for ever."""
    space = ground.make_space()
    ground.create(deployment(space))
    ground.settle(named(space))
    ground.patch(named(space), {"spec": {"paused": True}})
    before = list_uids(ground, space)
    ground.gateway.restart_workload(named(space), STAMP)
    ground.until(lambda: ground.read(named(space)).observed_generation == ground.read(named(space)).generation)
    ground.pause(2)
    found = ground.read(named(space))
    assert (found.paused, found.updated, found.stalled) == (True, 0, False)
    assert list_uids(ground, space) == before


def test_no_replicas_are_done_at_once(ground: Ground) -> None:
    """Nothing to wait for."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=0))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP)
    assert ground.settle(named(space)).updated == 0


def test_recreate_ends_all_pods_before_the_first_new_one(ground: Ground) -> None:
    """The strategy is told, for it means a gap."""
    space = ground.make_space()
    ground.create(deployment(space, strategy={"type": "Recreate"}))
    ground.settle(named(space))
    old = list_uids(ground, space)
    ground.gateway.restart_workload(named(space), STAMP)
    mixed = False

    def is_replaced() -> bool:
        nonlocal mixed
        now = list_uids(ground, space)
        mixed = mixed or bool(now & old and now - old)
        return len(now) == 2 and not now & old

    ground.until(is_replaced)
    assert ground.read(named(space)).strategy == "Recreate"
    assert not mixed


def test_a_daemon_set_rolls_on_every_node(ground: Ground) -> None:
    """Its counts are those of nodes."""
    space = ground.make_space()
    ground.create(daemon_set(space))
    agent = named(space, "DaemonSet", "agent")
    ground.until(lambda: ground.read(agent).replicas > 0)
    before = ground.settle(agent)
    ground.gateway.restart_workload(agent, STAMP)
    after = ground.settle(agent)
    assert after.replicas == before.replicas
    assert after.generation == before.generation + 1


def test_a_stateful_set_keeps_names_and_changes_pods(ground: Ground) -> None:
    """Revisions tell when all pods are of the new template."""
    space = ground.make_space()
    ground.create(stateful_set(space))
    db = named(space, "StatefulSet", "db")
    ground.settle(db)
    before = {pod.name: pod.uid for pod in ground.list_live(space)}
    ground.gateway.restart_workload(db, STAMP)
    after = ground.settle(db)
    ground.until(lambda: ground.read(db).current_revision == ground.read(db).update_revision)
    now = {pod.name: pod.uid for pod in ground.list_live(space)}
    assert now.keys() == before.keys() == {"db-0", "db-1"}
    assert not set(now.values()) & set(before.values())
    assert after.ready == 2


def test_a_partition_keeps_the_lower_ordinals(ground: Ground) -> None:
    """What kubectl calls complete leaves old pods behind."""
    space = ground.make_space()
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    ground.create(stateful_set(space, replicas=3, updateStrategy=strategy))
    db = named(space, "StatefulSet", "db")
    ground.until(lambda: ground.read(db).ready == 3)
    before = {pod.name: pod.uid for pod in ground.list_live(space)}
    ground.gateway.restart_workload(db, STAMP)
    ground.until(lambda: ground.read(db).updated == 1 and ground.read(db).ready == 3)
    ground.pause(1)
    now = {pod.name: pod.uid for pod in ground.list_live(space)}
    assert {name for name in now if now[name] == before[name]} == {"db-0", "db-1"}
    assert ground.read(db).partition == 2


def test_under_a_partition_an_evicted_pod_comes_back_old(ground: Ground) -> None:
    """The replacement keeps the revision of its ordinal."""
    space = ground.make_space()
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    ground.create(stateful_set(space, replicas=2, updateStrategy=strategy))
    db = named(space, "StatefulSet", "db")
    ground.until(lambda: ground.read(db).ready == 2)
    first = ground.list_live(space)[0]
    ground.gateway.restart_workload(db, STAMP)
    ground.until(lambda: ground.read(db).update_revision != ground.read(db).current_revision)
    ground.gateway.evict_pod(space, first.name, first.uid)
    ground.until(lambda: first.uid not in list_uids(ground, space) and len(list_uids(ground, space)) == 2)
    found = ground.list_live(space)[0]
    assert found.labels["controller-revision-hash"] == first.labels["controller-revision-hash"]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_on_delete_waits_for_somebody_to_take_the_pods(ground: Ground, kind: str) -> None:
    """A restart changes nothing until a pod is evicted; its replacement is new."""
    space = ground.make_space()
    made = stateful_set(space, "web") if kind == "StatefulSet" else daemon_set(space, "web")
    made["spec"]["updateStrategy"] = {"type": "OnDelete"}
    ground.create(made)
    ref = named(space, kind)
    ground.until(lambda: (found := ground.read(ref)).ready == found.replicas > 0)
    before = ground.list_live(space)
    ground.gateway.restart_workload(ref, STAMP)
    ground.until(lambda: ground.read(ref).observed_generation == ground.read(ref).generation)
    ground.pause(1.5)
    assert list_uids(ground, space) == {pod.uid for pod in before}
    ground.gateway.evict_pod(space, before[0].name, before[0].uid)
    ground.until(lambda: (found := ground.read(ref)).updated == 1 and found.ready == found.replicas)
    assert ground.read(ref).strategy == "OnDelete"


def test_a_rollout_without_progress_is_stalled(ground: Ground) -> None:
    """progressDeadlineSeconds went by without one new pod ready."""
    ground.need("faults")
    space = ground.make_space()
    ground.create(deployment(space, progressDeadlineSeconds=2))
    ground.settle(named(space))
    ground.break_images(never_ready=["example.com/broken:*"])
    change = {"spec": {"template": template("web", image="example.com/broken:1")}}
    ground.patch(named(space), change)
    ground.until(lambda: ground.read(named(space)).stalled)
    assert ground.read(named(space)).available == 2


def test_minimum_ready_seconds_hold_availability_back(ground: Ground) -> None:
    """Ready is not yet available."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=1, minReadySeconds=10))
    seen = list[tuple[int, int]]()

    def is_ready() -> bool:
        found = ground.read(named(space))
        seen.append((found.ready, found.available))
        return found.ready == 1

    ground.until(is_ready)
    assert seen[-1] == (1, 0)
    assert ground.settle(named(space)).min_ready_seconds == 10


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController", "Job"])
def test_other_kinds_are_not_restarted_by_their_template(ground: Ground, kind: str) -> None:
    """The API would take the patch and change nothing."""
    with pytest.raises(GiveUp, match="can't be restarted"):
        ground.gateway.restart_workload(named(ground.make_space(), kind), STAMP)


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController", "Job"])
def test_owners_without_rollout_refill_after_an_eviction(ground: Ground, kind: str) -> None:
    """Eviction is what gives their pods a new sidecar."""
    space = ground.make_space()
    made = {
        "ReplicaSet": workload("ReplicaSet", space, replicas=2),
        "ReplicationController": replication_controller(space, "web"),
        "Job": long_run(space, "web"),
    }[kind]
    ground.create(made)
    wanted = 1 if kind == "Job" else 2
    ground.until(lambda: sum(pod.ready for pod in ground.list_live(space)) == wanted)
    pod = ground.list_live(space)[0]
    ground.gateway.evict_pod(space, pod.name, pod.uid)
    ground.until(lambda: sum(found.uid != pod.uid and found.ready for found in ground.list_live(space)) == wanted)
    assert pod.owner is not None
    assert pod.owner.kind == kind


def test_a_second_restart_may_overtake_the_first(ground: Ground) -> None:
    """Only the last stamp counts, and the rollout ends."""
    space = ground.make_space()
    ground.create(deployment(space, replicas=3))
    ground.settle(named(space))
    ground.gateway.restart_workload(named(space), STAMP)
    ground.pause(0.2)
    ground.gateway.restart_workload(named(space), LATER)
    assert ground.settle(named(space)).restarted_at == LATER


def test_deployments_whose_selectors_overlap_keep_their_pods_apart(ground: Ground) -> None:
    """A ReplicaSet is named after its Deployment and the hash that its pods carry, after a restart as well."""
    space = ground.make_space()
    canary = deployment(space, "web-canary", pods=template("web"))
    canary["spec"]["selector"]["matchLabels"] = {"app": "web", "track": "canary"}
    canary["spec"]["template"]["metadata"]["labels"] = {"app": "web", "track": "canary"}
    ground.create(deployment(space), canary)
    for name in ("web", "web-canary"):
        ground.settle(named(space, name=name))
    ground.gateway.restart_workload(named(space), STAMP)
    stable = ground.settle(named(space))
    ground.until(lambda: len(ground.list_live(space)) == 4)
    own = pick_pods(ground.list_live(space, "app=web"), stable)
    assert len(own) == 2
    assert not any("track" in pod.labels for pod in own)
