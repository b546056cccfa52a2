"""How a workload's pods get their new sidecar; never a way that loses a pod or rolls out a change nobody asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from steps.contract.documents import read_count
from steps.mesh import Pod, Workload, WorkloadRef
from steps.workloads.injection import INJECT, PINNED_IMAGE, PROXY
from steps.workloads.inventory import OWNERLESS, Finding, find_pin
from steps.workloads.placement import scale_count

Method: TypeAlias = Literal["restart", "evict", "restart-at", "manual"]
RESTARTABLE = ("Deployment", "StatefulSet", "DaemonSet")
EVICTABLE = (*RESTARTABLE, "ReplicaSet", "ReplicationController")
# pilot-agent's own way out; killing it would count as a failure of the Job
END_PROXY = "curl -sS -X POST http://127.0.0.1:15020/quitquitquit"
_REVISION_LABEL = "controller-revision-hash"


@dataclass(frozen=True)
class Way:
    """The method for one pod; for manual `reason` says why and `command` what a person runs."""

    method: Method
    reason: str = ""
    command: str = ""


def choose_way(finding: Finding, workload: Workload | None, evicting: Collection[str], target: str) -> Way:
    """The method for a pod that lacks the new sidecar.

    `evicting` are namespaces and ids of workloads where eviction was asked for, `target` is the image that the
    injector gives.
    """
    return _veto(finding, workload, target) or _choose_by_owner(finding, workload, evicting)


def _veto(finding: Finding, workload: Workload | None, target: str) -> Way | None:
    """Pods that no restart can help, whatever owns them."""
    ref, pod = finding.ref, finding.pod
    match finding.condition:
        case "pinned":
            pin = find_pin(pod.annotations) or find_pin(workload.template_annotations if workload else {})
            return Way(
                "manual",
                f"annotation {PINNED_IMAGE} pins its sidecar to {pin}",
                f"kubectl -n {ref.namespace} edit {_name(ref)}  # remove the annotation {PINNED_IMAGE}",
            )
        case "by-hand":
            return _leave_by_hand(ref, workload, target)
        case "losing":
            return _leave_losing(ref, workload)
        case _:
            return None


def _leave_losing(ref: WorkloadRef, workload: Workload | None) -> Way:
    if workload is not None and (INJECT in workload.template_annotations or workload.host_network):
        asked = "runs on the host's network" if workload.host_network else f"says {INJECT} itself"
        return Way(
            "manual",
            f"a restart would take its sidecar away: its template {asked}",
            f"kubectl -n {ref.namespace} edit {_name(ref)}  # mend the template, or restart it without a sidecar",
        )
    return Way(
        "manual",
        "a restart would take its sidecar away: its namespace or template no longer asks for one",
        f"kubectl label namespace {ref.namespace} istio-injection=enabled --overwrite",
    )


def name_later_command(ref: WorkloadRef, method: Method, pod: str) -> str:
    """What a person runs once a workload that was left alone is in order again."""
    match method:
        case "restart":
            return f"kubectl -n {ref.namespace} rollout restart {_name(ref)}"
        case "restart-at":
            return f"kubectl argo rollouts -n {ref.namespace} restart {ref.name}"
        case "evict" | "manual":
            return f"kubectl -n {ref.namespace} delete pod {pod}"
        case _:
            assert_never(method)


def is_gateway(workload: Workload | None) -> bool:
    """Whether the proxy is the workload's own program: a gateway, 1/1, whose image stands in its template."""
    return workload is not None and set(workload.images) == {PROXY}


def _leave_by_hand(ref: WorkloadRef, workload: Workload | None, target: str) -> Way:
    if is_gateway(workload):
        return Way(
            "manual",
            "a gateway of its own: its proxy's image stands in its template, the injector has no part in it",
            f"kubectl -n {ref.namespace} set image {_name(ref)} {PROXY}={target}",
        )
    return Way(
        "manual",
        "its template holds the sidecar itself and the injector does not replace it",
        f"kubectl -n {ref.namespace} get {_name(ref)} -o yaml | istioctl kube-inject -f - | kubectl apply -f -",
    )


def _choose_by_owner(finding: Finding, workload: Workload | None, evicting: Collection[str]) -> Way:
    ref = finding.ref
    if ref.kind == OWNERLESS:
        return Way(
            "manual",
            "nothing owns it, so it would not come back",
            f"kubectl -n {ref.namespace} delete pod {ref.name} && kubectl apply -f MANIFEST-OF-{ref.name}.yaml",
        )
    if ref.kind == "Job" and finding.pod.spent:
        return Way(
            "manual",
            "the work of this Job is done and only its proxy lives on, so it never ends by itself",
            f"kubectl -n {ref.namespace} exec {finding.pod.name} -c {PROXY} -- {END_PROXY}  # the Job is complete then",
        )
    if ref.kind == "Job":
        return Way(
            "manual",
            "a Job is left to finish; deleting its pod would repeat its work",
            f"kubectl -n {ref.namespace} wait --for=condition=complete --timeout=-1s job/{ref.name}",
        )
    if workload is None or ref.kind not in (*EVICTABLE, "Rollout"):
        return Way(
            "manual",
            f"its owner {ref.kind} is of a kind that the bot does not know how to restart",
            f"kubectl -n {ref.namespace} get {ref.kind} {ref.name} -o yaml  # restart it as its operator says",
        )
    if ref.kind == "Rollout":
        return _choose_for_rollout(workload)
    if workload.strategy == "OnDelete" or workload.partition or ref.kind not in RESTARTABLE:
        return _evict_if_kept(finding.pod, workload)
    if ref.namespace in evicting or str(ref) in evicting:
        return _evict_if_kept(finding.pod, workload)
    if workload.paused:
        return Way(
            "manual",
            "its rollout is paused: a restart would change its template and roll nothing",
            f"kubectl -n {ref.namespace} rollout resume {_name(ref)} && "
            f"kubectl -n {ref.namespace} rollout restart {_name(ref)}",
        )
    return Way("restart")


def _choose_for_rollout(workload: Workload) -> Way:
    if not workload.paused and not workload.stalled:
        return Way("restart-at")
    ref = workload.ref
    return Way(
        "manual",
        "the Argo Rollout is paused or aborted",
        f"kubectl argo rollouts -n {ref.namespace} promote {ref.name} && "
        f"kubectl argo rollouts -n {ref.namespace} restart {ref.name}",
    )


def _evict_if_kept(pod: Pod, workload: Workload) -> Way:
    if keeps_revision(pod, workload):
        return Way("evict")
    ref = workload.ref
    return Way(
        "manual",
        f"its replacement would run another revision of the template ({describe_hold(workload)})",
        f"kubectl -n {ref.namespace} delete pod {pod.name}  # rolls the standing change out to this pod",
    )


def describe_hold(workload: Workload) -> str:
    """Why the controller has not moved the pod itself."""
    if workload.strategy == "OnDelete":
        return "update strategy OnDelete"
    return f"partition {workload.partition}" if workload.partition else "changed since the pod started"


def keeps_revision(pod: Pod, workload: Workload) -> bool:
    """Whether the controller would recreate the pod from the revision that it runs now.

    StatefulSet: below the partition the current revision, else the update revision (kubernetes
    stateful_set_utils.go, newVersionedStatefulSetPod). DaemonSet: the template, so all pods must be on it.
    """
    match workload.ref.kind:
        case "StatefulSet":
            held = workload.strategy != "OnDelete" and read_ordinal(pod.name) < workload.partition
            wanted = workload.current_revision if held else workload.update_revision
            return bool(wanted) and pod.labels.get(_REVISION_LABEL, "") == wanted
        case "DaemonSet":
            return workload.updated >= workload.current
        case "Deployment":
            return True
        case _:
            return set(workload.images.values()) <= set(pod.images)


def read_ordinal(pod_name: str) -> int:
    """The ordinal of a StatefulSet's pod; -1 where the name has none."""
    tail = pod_name.rpartition("-")[2]
    return read_count(tail, -1)


def count_allowed_gone(workload: Workload) -> int:
    """How many of the workload's pods may be away at once when they are evicted; at least 1.

    Its own maxUnavailable where it has one (a percentage is rounded down, as Kubernetes does), otherwise a tenth.
    """
    if workload.ref.kind == "StatefulSet":
        return 1
    written = workload.max_unavailable if workload.ref.kind in RESTARTABLE else ""
    return max(1, scale_count(written or "10%", workload.replicas, round_up=False))


def _name(ref: WorkloadRef) -> str:
    return f"{ref.kind.lower()}/{ref.name}"
