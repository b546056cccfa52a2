import dataclasses
from datetime import datetime

import pytest

from steps.contract.errors import GiveUp
from steps.contract.options import UpgradeOptions
from steps.mesh import Namespace, Node, Owner, WorkloadRef
from steps.workloads.injection import INJECT, MIRROR, PINNED_IMAGE
from steps.workloads.inventory import find_workload, judge_pod, take_inventory
from steps.workloads.placement import Room, measure_rooms
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import load_release
from tests.unit.steps.shapes import NEW, WEB, pod, surroundings, workload

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


@pytest.mark.parametrize("where", ["pod", "template"])
@pytest.mark.parametrize("version", ["", "1.4.7-asm.0"])
def test_a_pinned_image_is_told_whoever_pins_it(where: str, version: str) -> None:
    """A pod that has no sidecar yet would come back with the old one."""
    pin = {PINNED_IMAGE: "proxyv2:1.4.7-asm.0"}
    shape = workload(template_annotations=pin if where == "template" else {})
    one = pod(version=version, annotations=pin if where == "pod" else {})
    assert judge_pod(one, WEB, surroundings(shape), RELEASE) == "pinned"


def test_a_pin_to_the_target_does_no_harm() -> None:
    """The restart brings what the annotation names."""
    shape = workload(template_annotations={PINNED_IMAGE: f"proxyv2:{NEW}"})
    assert judge_pod(pod(), WEB, surroundings(shape), RELEASE) == "outdated"


def test_a_template_on_the_hosts_network_would_lose_the_sidecar() -> None:
    """The injector leaves such pods alone whatever they ask for."""
    shape = workload(host_network=True)
    assert judge_pod(pod(), WEB, surroundings(shape), RELEASE) == "losing"
    assert judge_pod(pod(version=""), WEB, surroundings(shape), RELEASE) is None


def test_a_pod_of_its_own_on_the_hosts_network_is_out_of_scope() -> None:
    """It is judged by itself where no template is known."""
    own = WorkloadRef("shop", "Pod", "web-1")
    assert judge_pod(pod(version="", host_network=True), own, surroundings(), RELEASE) is None


def test_a_rollout_whose_template_stands_elsewhere_is_judged_by_its_pods() -> None:
    """An Argo Rollout may refer to a Deployment's template."""
    rollout = workload("Rollout", images={}, template_labels={})
    opted_out = pod(version="", annotations={INJECT: "false"})
    assert judge_pod(opted_out, rollout.ref, surroundings(rollout), RELEASE) is None


def test_a_kind_of_the_same_name_in_another_group_is_told_apart() -> None:
    """OpenKruise's StatefulSet is not Kubernetes' own."""
    shape = workload("StatefulSet")
    owner = Owner("StatefulSet", "web", group="apps.kruise.io")
    found = find_workload(pod(owner=owner), {shape.ref: shape})
    assert found == WorkloadRef("shop", "StatefulSet.apps.kruise.io", "web")


@pytest.mark.parametrize("group", ["apps", "extensions"])
def test_an_older_group_of_a_kind_is_the_kind(group: str) -> None:
    """Owner references keep the group that they were made with."""
    found = find_workload(pod(owner=Owner("DaemonSet", "web", group=group)), {})
    assert found == WorkloadRef("shop", "DaemonSet", "web")


def test_a_label_on_the_workload_alone_opts_its_pods_out(cluster: PaperCluster) -> None:
    """The label need not stand in the template."""
    cluster.add("Deployment", "shop", "web", 2, labels={"upgrade": "never"})
    findings = take_inventory(cluster, RELEASE, UpgradeOptions(skip_label="upgrade=never")).findings
    assert [finding.skipped for finding in findings] == ["it carries the label upgrade=never"] * 2


def test_what_stands_on_a_node_takes_its_room() -> None:
    """By the templates; a pod whose template is not known takes a place and nothing else."""
    web = workload(cpu_millis=500, memory_bytes=1000)
    bare = WorkloadRef("shop", "Pod", "lone")
    nodes = [Node(name, True, False, 4000, 8000, 110) for name in ("a", "b")]
    standing = {("a", web.ref): 3, ("a", bare): 1, ("gone", web.ref): 7, ("", web.ref): 2}
    rooms = measure_rooms(nodes, standing, {web.ref: web})
    assert rooms == {"a": Room(4000 - 3 * 500, 8000 - 3 * 1000, 106), "b": Room(4000, 8000, 110)}
