import dataclasses
from datetime import datetime

import pytest

from steps.errors import GiveUp
from steps.injection import INJECT, MIRROR, PINNED_IMAGE
from steps.inventory import find_workload, judge_pod, take_inventory
from steps.mesh import Namespace, Owner, WorkloadRef
from steps.options import UpgradeOptions
from tests.unit.steps_sidecars.paper_cluster import PaperCluster
from tests.unit.steps_sidecars.rig import load_release
from tests.unit.steps_sidecars.shapes import NEW, WEB, pod, surroundings, workload

RELEASE = load_release()


def test_a_pod_belongs_to_the_deployment_above_its_replica_set() -> None:
    """Owners are walked by reference, names are not parsed."""
    shape = workload("ReplicaSet", owner=Owner("Deployment", "front"))
    replica_set = dataclasses.replace(shape, ref=WorkloadRef("shop", "ReplicaSet", "web-rs"))
    found = find_workload(pod(), {replica_set.ref: replica_set})
    assert found == WorkloadRef("shop", "Deployment", "front")


def test_a_replica_set_without_an_owner_is_a_workload() -> None:
    """A bare ReplicaSet stands for itself."""
    assert find_workload(pod(), {}) == WorkloadRef("shop", "ReplicaSet", "web-rs")


def test_a_pod_without_an_owner_is_its_own_workload() -> None:
    """Bare pods are kept apart from everything that comes back."""
    assert find_workload(pod(owner=None), {}) == WorkloadRef("shop", "Pod", "web-1")


def test_a_pod_of_an_unknown_kind_belongs_to_that_kind() -> None:
    """A custom controller is named, not guessed."""
    owner = Owner("CloneSet", "web", group="apps.kruise.io")
    assert find_workload(pod(owner=owner), {}) == WorkloadRef("shop", "CloneSet", "web")


def test_an_old_sidecar_that_a_restart_replaces_is_outdated() -> None:
    """The common case."""
    assert judge_pod(pod(), WEB, surroundings(workload()), RELEASE) == "outdated"


def test_a_pod_on_the_target_is_current() -> None:
    """Nothing to do."""
    assert judge_pod(pod(version=NEW), WEB, surroundings(workload()), RELEASE) == "current"


def test_a_pod_born_without_a_sidecar_is_missing_one() -> None:
    """A pod made while the webhook was away should have had one."""
    assert judge_pod(pod(version=""), WEB, surroundings(workload()), RELEASE) == "missing"


def test_a_pod_that_should_have_none_is_out_of_scope() -> None:
    """An opted-out template is nobody's business."""
    shape = workload(template_annotations={INJECT: "false"})
    assert judge_pod(pod(version=""), WEB, surroundings(shape), RELEASE) is None


def test_a_pinned_image_is_told_apart() -> None:
    """The annotation decides the image, a restart can't."""
    pinned = pod(annotations={PINNED_IMAGE: "proxyv2:1.4.7-asm.0"})
    assert judge_pod(pinned, WEB, surroundings(workload()), RELEASE) == "pinned"


def test_a_restart_that_would_take_the_sidecar_away_is_told_apart() -> None:
    """The namespace lost its label after the pod was made."""
    around = surroundings(workload(), namespaces={"shop": Namespace("shop")})
    assert judge_pod(pod(), WEB, around, RELEASE) == "losing"


def test_a_sidecar_in_the_template_outside_injection_is_by_hand() -> None:
    """kube-inject wrote it, kube-inject has to write it again."""
    shape = workload(images={"app": "app:1", "istio-proxy": "proxyv2:1.4.7-asm.0"})
    around = surroundings(shape, namespaces={"shop": Namespace("shop")})
    assert judge_pod(pod(), WEB, around, RELEASE) == "by-hand"


def test_a_sidecar_in_the_template_inside_injection_is_replaced() -> None:
    """The webhook takes it out and adds its own."""
    shape = workload(images={"app": "app:1", "istio-proxy": "proxyv2:1.4.7-asm.0"})
    assert judge_pod(pod(), WEB, surroundings(shape), RELEASE) == "outdated"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"terminating": True}, "terminating"),
        ({"phase": "Succeeded"}, "finished"),
        ({"phase": "Failed"}, "finished"),
        ({"annotations": {MIRROR: "x"}}, "mirror"),
    ],
)
def test_pods_that_do_not_count_are_counted_apart(
    cluster: PaperCluster, change: dict[str, object], reason: str
) -> None:
    """Finished, terminating and mirror pods are no part of N of M."""
    own = cluster.add_bare_pod("batch", "shell")
    cluster.pods[own.uid] = dataclasses.replace(own, **change)  # type: ignore[arg-type]
    inventory = take_inventory(cluster, RELEASE, UpgradeOptions())
    assert inventory.findings == ()
    assert inventory.left_out[reason] == 1  # type: ignore[index]


def test_the_control_plane_is_not_a_sidecar(cluster: PaperCluster) -> None:
    """Its pods moved in their own phase."""
    inventory = take_inventory(cluster, RELEASE, UpgradeOptions())
    assert (inventory.findings, inventory.left_out["control plane"]) == ((), 6)


def test_a_namespace_being_deleted_is_left_alone(cluster: PaperCluster) -> None:
    """Its pods are on their way out anyway."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.namespaces["shop"] = dataclasses.replace(cluster.namespaces["shop"], terminating=True)
    assert take_inventory(cluster, RELEASE, UpgradeOptions()).left_out["namespace being deleted"] == 2


@pytest.mark.parametrize(
    "options",
    [
        UpgradeOptions(skip_namespaces=("shop",)),
        UpgradeOptions(skip_label="app"),
        UpgradeOptions(skip_label="app=web"),
    ],
)
def test_opted_out_pods_say_why(cluster: PaperCluster, options: UpgradeOptions) -> None:
    """By namespace, by label or by label and value."""
    cluster.add("Deployment", "shop", "web", 1)
    assert all(finding.skipped for finding in take_inventory(cluster, RELEASE, options).findings)


def test_another_value_of_the_label_is_not_opted_out(cluster: PaperCluster) -> None:
    """The value counts where one is given."""
    cluster.add("Deployment", "shop", "web", 1)
    options = UpgradeOptions(skip_label="app=other")
    assert [finding.skipped for finding in take_inventory(cluster, RELEASE, options).findings] == [""]


def test_secrets_that_may_not_be_listed_stop_nobody(cluster: PaperCluster) -> None:
    """One risk stays unknown, and the card says so."""

    def refuse(namespace: str = "") -> dict[tuple[str, str, str], datetime]:
        raise GiveUp("secrets are forbidden", "grant it")

    cluster.list_changes = refuse  # type: ignore[method-assign]
    inventory = take_inventory(cluster, RELEASE, UpgradeOptions())
    assert inventory.unknown == ("whether a restart picks up changed configuration is unknown: secrets are forbidden",)
