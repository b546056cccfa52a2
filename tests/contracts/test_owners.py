"""Who owns which field of a workload, and what happens where an owner takes a restart back."""

from __future__ import annotations

from typing import Any

import pytest

from steps.mesh import Pod, WorkloadRef
from steps.workloads import holders
from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import daemon_set, deployment, named, stateful_set

Json = dict[str, Any]
STAMP = "2026-03-02T09:00:00Z"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
OPERATOR = "shop-operator"


def place_of(ref: WorkloadRef) -> str:
    return f"/apis/apps/v1/namespaces/{ref.namespace}/{ref.kind.lower()}s/{ref.name}"


def make_owned(ground: Ground, kind: str = "Deployment", **spec: Any) -> WorkloadRef:
    """A workload that an operator has made by its own field manager."""
    space = ground.make_space()
    made = {"Deployment": deployment, "StatefulSet": stateful_set, "DaemonSet": daemon_set}[kind](space, "web", **spec)
    path = place_of(named(space, kind)).rpartition("/")[0]
    assert ground.send("POST", path, made, fieldManager=OPERATOR).is_success
    ref = named(space, kind)
    ground.until(lambda: ground.read(ref).replicas > 0)
    ground.settle(ref)
    return ref


def put_back(ground: Ground, ref: WorkloadRef, **annotations: str) -> None:
    """What an operator does: the whole object as it wants it, without the restart; again where it was too late."""

    def is_put() -> bool:
        found = ground.send("GET", place_of(ref)).json()
        found["spec"]["template"]["metadata"]["annotations"] = annotations
        answer = ground.send("PUT", place_of(ref), found, fieldManager=OPERATOR)
        assert answer.status_code in (200, 409), answer.text
        return answer.is_success

    ground.until(is_put)


def set_another_stamp(ground: Ground) -> WorkloadRef:
    """A workload whose operator has put a stamp of its own in place of the restart's."""
    ref = make_owned(ground)
    ground.gateway.restart_workload(ref, STAMP)
    put_back(ground, ref, **{RESTARTED_AT: "2020-01-01T00:00:00Z"})
    return ref


def list_holders(ground: Ground, ref: WorkloadRef, *path: str) -> set[str]:
    """The managers that hold a field of the pod template."""
    entries = ground.send("GET", place_of(ref)).json()["metadata"].get("managedFields") or ()
    return {entry["manager"] for entry in entries if holds(entry["fieldsV1"], ("spec", "template", *path))}


def holds(fields: Json, path: tuple[str, ...]) -> bool:
    for key in path:
        if f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True


def list_uids(pods: list[Pod]) -> set[str]:
    return {pod.uid for pod in pods}


def test_a_restart_leaves_the_manager_that_kubectl_leaves(ground: Ground) -> None:
    """The stamp is kubectl-rollout's, the template its creator's."""
    ref = make_owned(ground)
    ground.gateway.restart_workload(ref, STAMP)
    assert list_holders(ground, ref, "metadata", "annotations", RESTARTED_AT) == {"kubectl-rollout"}
    assert OPERATOR in list_holders(ground, ref, "spec")


def test_who_takes_a_stamp_away_leaves_nobody_who_holds_it(ground: Ground) -> None:
    """An update that only removes leaves no trace of its own: who holds the template is all that tells."""
    ref = make_owned(ground)
    ground.gateway.restart_workload(ref, STAMP)
    put_back(ground, ref)
    assert ground.read(ref).restarted_at == ""
    assert list_holders(ground, ref, "metadata", "annotations", RESTARTED_AT) == set()
    assert list_holders(ground, ref, "spec") == {OPERATOR}


def test_who_sets_the_stamp_to_another_value_holds_it(ground: Ground) -> None:
    """An operator with a stamp of its own is named by the field itself, with the time."""
    ref = set_another_stamp(ground)
    assert OPERATOR in list_holders(ground, ref, "metadata", "annotations", RESTARTED_AT)


def test_who_made_the_annotations_holds_anothers_stamp_after_the_next_write(ground: Ground) -> None:
    """The restart made the map: with its own stamp lost it holds all of it again once a controller has written."""
    ref = set_another_stamp(ground)
    ground.settle(ref)
    assert list_holders(ground, ref, "metadata", "annotations", RESTARTED_AT) == {OPERATOR, "kubectl-rollout"}


@pytest.mark.parametrize("rests", [False, True])
def test_the_bot_names_who_set_another_stamp_and_not_itself(ground: Ground, rests: bool) -> None:
    """Whether the controllers have written since or not."""
    ref = set_another_stamp(ground)
    if rests:
        ground.settle(ref)
    found = holders.list_holders(ground.send("GET", place_of(ref)).json())
    assert [(one.manager, one.stamps) for one in found] == [(OPERATOR, True)]


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_stamp_that_is_taken_back_at_once_moves_pods_to_no_new_template(ground: Ground, kind: str) -> None:
    """Pods made by the restart go again, and the workload comes to rest as it was."""
    ref = make_owned(ground, kind)
    before = ground.read(ref)
    ground.gateway.restart_workload(ref, STAMP)
    put_back(ground, ref)
    ground.until(lambda: ground.read(ref).observed_generation >= before.generation + 2)
    found = ground.settle(ref)
    assert (found.restarted_at, found.generation) == ("", before.generation + 2)
    assert found.update_revision == before.update_revision


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
def test_a_stamp_taken_back_later_replaces_the_pods_a_second_time(ground: Ground) -> None:
    """What makes a fight with an owner so costly: each try and each revert rolls all pods."""
    ref = make_owned(ground)
    ground.gateway.restart_workload(ref, STAMP)
    ground.settle(ref)
    ground.until(lambda: len(ground.list_live(ref.namespace)) == 2)
    restarted = list_uids(ground.list_live(ref.namespace))
    put_back(ground, ref)
    ground.until(lambda: ground.read(ref).observed_generation == ground.read(ref).generation)
    ground.settle(ref)
    ground.until(lambda: len(ground.list_live(ref.namespace)) == 2)
    assert not restarted & list_uids(ground.list_live(ref.namespace))


def test_taking_a_stamp_back_keeps_the_pods_that_have_not_moved(ground: Ground) -> None:
    """A rollout whose new pods never get ready ends where it began, its old pods untouched."""
    ground.need("faults")
    ref = make_owned(ground)
    before = list_uids(ground.list_live(ref.namespace))
    ground.break_images(never_ready=["registry.k8s.io/pause:*"])
    ground.gateway.restart_workload(ref, STAMP)
    ground.until(lambda: len(ground.list_live(ref.namespace)) == 3)
    answer = ground.send("PATCH", place_of(ref), _without_stamp(), MERGE, fieldManager="kubectl-rollout")
    assert answer.is_success
    ground.until(lambda: list_uids(ground.list_live(ref.namespace)) == before)
    assert ground.settle(ref).restarted_at == ""


def _without_stamp() -> Json:
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: None}}}}}
