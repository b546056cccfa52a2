import pytest

from steps.mesh import Pod, Workload, WorkloadRef
from steps.workloads.injection import INJECT, PINNED_IMAGE
from steps.workloads.inventory import Condition, Finding
from steps.workloads.method import Way, choose_way, count_allowed_gone, keeps_revision, read_ordinal
from steps.workloads.placement import scale_count
from tests.unit.steps.shapes import pod, workload

TARGET = "gcr.io/gke-release/asm/proxyv2:1.4.10-asm.18"


def choose(
    shape: Workload | None, one: Pod | None = None, condition: Condition = "outdated", evicting: tuple[str, ...] = ()
) -> Way:
    """The way for a pod of the workload."""
    ref = shape.ref if shape else WorkloadRef("shop", "Pod", "web-1")
    return choose_way(Finding(one or pod(), ref, condition), shape, evicting, TARGET)


def hashed(revision: str, name: str = "web-0") -> Pod:
    """A StatefulSet's pod of a revision."""
    return pod(name, labels={"app": "web", "controller-revision-hash": revision})


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_rolling_workloads_are_restarted(kind: str) -> None:
    """kubectl rollout restart's three kinds."""
    assert choose(workload(kind)).method == "restart"


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController"])
def test_controllers_without_a_rollout_are_evicted(kind: str) -> None:
    """A template patch would change nothing."""
    assert choose(workload(kind)).method == "evict"


def test_a_recreated_deployment_is_restarted() -> None:
    """Recreate is a risk, not another method."""
    assert choose(workload(strategy="Recreate")).method == "restart"


def test_a_namespace_may_choose_eviction() -> None:
    """There budgets count, which a rollout ignores."""
    assert choose(workload(), evicting=("shop",)).method == "evict"


def test_a_bare_pod_is_never_touched() -> None:
    """Nothing would bring it back."""
    way = choose(None)
    assert way.method == "manual"
    assert "delete pod web-1 && kubectl apply -f" in way.command


def test_a_job_is_left_to_finish() -> None:
    """Its work would be repeated."""
    assert "wait --for=condition=complete" in choose(workload("Job")).command


def test_a_job_whose_own_containers_have_ended_is_done() -> None:
    """Waiting for it would never end: its proxy has to be ended."""
    way = choose(workload("Job"), pod("report-x", ready=1, spent=True))
    assert way.method == "manual"
    assert "the work of this Job is done" in way.reason
    assert way.command.startswith("kubectl -n shop exec report-x -c istio-proxy -- curl ")
    assert "quitquitquit" in way.command


def test_an_unknown_owner_is_not_guessed_at() -> None:
    """A custom controller may do anything with an annotation."""
    finding = Finding(pod(), WorkloadRef("shop", "CloneSet", "web"), "outdated")
    way = choose_way(finding, None, (), TARGET)
    assert (way.method, "CloneSet" in way.reason) == ("manual", True)


def test_a_paused_deployment_is_left_to_a_person() -> None:
    """The API would take the patch and roll nothing."""
    assert "rollout resume deployment/web" in choose(workload(paused=True)).command


def test_an_argo_rollout_restarts_itself() -> None:
    """Its own controller evicts what is older than restartAt."""
    assert choose(workload("Rollout")).method == "restart-at"


def test_a_paused_argo_rollout_is_left_to_a_person() -> None:
    """Its controller would not act."""
    assert choose(workload("Rollout", paused=True)).method == "manual"


@pytest.mark.parametrize("condition", ["pinned", "by-hand", "losing"])
def test_what_a_restart_can_not_mend_is_manual(condition: Condition) -> None:
    """Whatever owns the pod."""
    way = choose(workload(), pod(annotations={PINNED_IMAGE: "x"}), condition)
    assert way.method == "manual"
    assert way.reason
    assert way.command


def test_a_gateway_gets_the_command_for_its_image() -> None:
    """1/1: the proxy is its program, and stands in its template."""
    way = choose(workload(images={"istio-proxy": "proxyv2:1.4.7-asm.0"}), condition="by-hand")
    assert way.command == f"kubectl -n shop set image deployment/web istio-proxy={TARGET}"


def test_on_delete_is_evicted_where_the_revision_stays() -> None:
    """The replacement is the same but for the sidecar."""
    shape = workload("StatefulSet", strategy="OnDelete", update_revision="r2", current_revision="r1")
    assert choose(shape, hashed("r2")).method == "evict"


def test_on_delete_is_manual_where_an_update_is_held_back() -> None:
    """Evicting would roll the held-back change out."""
    shape = workload("StatefulSet", strategy="OnDelete", update_revision="r2", current_revision="r1")
    assert choose(shape, hashed("r1")).method == "manual"


@pytest.mark.parametrize(
    ("name", "revision", "kept"),
    [("web-0", "r1", True), ("web-0", "r2", False), ("web-2", "r2", True), ("web-2", "r1", False)],
)
def test_a_partition_decides_by_ordinal(name: str, revision: str, kept: bool) -> None:
    """Below the partition the current revision comes back, from it on the update revision."""
    shape = workload("StatefulSet", partition=2, current_revision="r1", update_revision="r2")
    assert keeps_revision(hashed(revision, name), shape) is kept


def test_a_daemon_set_keeps_its_revision_once_all_pods_are_on_it() -> None:
    """Its controller only knows the template."""
    assert keeps_revision(pod(), workload("DaemonSet", strategy="OnDelete"))
    assert not keeps_revision(pod(), workload("DaemonSet", strategy="OnDelete", updated=1))


def test_a_replica_set_with_another_image_by_now_does_not_keep_it() -> None:
    """The pod's replacement would run the new image."""
    assert not keeps_revision(pod(images=("app:1", "proxy")), workload("ReplicaSet", images={"app": "app:2"}))


@pytest.mark.parametrize(
    ("shape", "allowed"),
    [
        (workload(replicas=40, max_unavailable="25%"), 10),
        (workload(replicas=3, max_unavailable="25%"), 1),
        (workload(replicas=3, max_unavailable="2"), 2),
        (workload("StatefulSet", replicas=40), 1),
        (workload("ReplicaSet", replicas=40), 4),
        (workload("ReplicaSet", replicas=3), 1),
    ],
)
def test_evictions_take_no_more_than_a_rollout_would(shape: Workload, allowed: int) -> None:
    """The workload's own limit, or a tenth."""
    assert count_allowed_gone(shape) == allowed


@pytest.mark.parametrize(
    ("written", "round_up", "count"), [("25%", True, 2), ("25%", False, 1), ("3", True, 3), ("", True, 0)]
)
def test_a_share_is_rounded_as_kubernetes_does(written: str, round_up: bool, count: int) -> None:
    """Surge up, unavailable down."""
    assert scale_count(written, 5, round_up=round_up) == count


def test_a_name_without_an_ordinal_has_none() -> None:
    """Only StatefulSets count their pods."""
    assert (read_ordinal("db-12"), read_ordinal("web-7x")) == (12, -1)


def test_a_stuck_argo_rollout_is_left_to_a_person() -> None:
    """Neither the old nor the new version is what it should be."""
    assert "promote web" in choose(workload("Rollout", stalled=True)).command


def test_a_stateful_set_that_names_no_revision_yet_keeps_none() -> None:
    """Without a status nobody knows what an eviction would bring."""
    shape = workload("StatefulSet", strategy="OnDelete", update_revision="", current_revision="")
    assert not keeps_revision(pod("web-0"), shape)


def test_a_pin_in_the_template_alone_is_named() -> None:
    """The person has to find the annotation."""
    way = choose(workload(template_annotations={PINNED_IMAGE: "proxyv2:old"}), condition="pinned")
    assert "proxyv2:old" in way.reason


def test_a_namespace_without_injection_is_labelled_anew() -> None:
    """It may say "disabled", which kubectl does not change unless told to."""
    assert choose(workload(), condition="losing").command.endswith("istio-injection=enabled --overwrite")


@pytest.mark.parametrize(
    "shape", [workload(template_annotations={INJECT: "false"}), workload("DaemonSet", host_network=True)]
)
def test_a_template_that_asks_for_no_sidecar_is_to_be_mended(shape: Workload) -> None:
    """A label on its namespace would change nothing."""
    assert f"edit {shape.ref.kind.lower()}/web" in choose(shape, condition="losing").command
