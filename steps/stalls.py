"""Why a rollout doesn't move, told apart, with what a person can do about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from steps.mesh import Pod, Webhook, Workload

# How long a stall may last before a person is asked: a cluster autoscaler needs minutes for a node, a registry or
# quota rarely heals by itself, a gateway drains for 30 s and more.
TERMINATING = timedelta(minutes=10)
_PATIENCE = {
    "Unschedulable": timedelta(minutes=10),
    "image pull": timedelta(minutes=5),
    "webhook": timedelta(minutes=5),
    "readiness": timedelta(minutes=10),
    "Terminating": TERMINATING,
    "quota": timedelta(minutes=2),
    "ProgressDeadlineExceeded": timedelta(0),
}
_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ImageInspectError", "ErrImageNeverPull")
_CRASH = ("CrashLoopBackOff", "Error", "OOMKilled", "RunContainerError", "CreateContainerConfigError", "Completed")


@dataclass(frozen=True)
class Stall:
    """One reason why a rollout stands still; `kind` is a key of the patience table."""

    kind: str
    sentence: str
    remedy: str

    @property
    def patience(self) -> timedelta:
        """How long it may last before a person is asked."""
        return _PATIENCE[self.kind]


def find_stalls(workloads: Iterable[Workload], pods: Iterable[Pod]) -> tuple[Stall, ...]:
    """What keeps the workloads' rollouts from ending, most telling first."""
    found = [
        *(stall for pod in pods if (stall := read_pod_stall(pod))),
        *(stall for workload in workloads for stall in _read_workload_stalls(workload)),
    ]
    order = ["quota", "webhook", "image pull", "Unschedulable", "readiness", "Terminating", "ProgressDeadlineExceeded"]
    return tuple(sorted(found, key=lambda stall: order.index(stall.kind)))


def read_pod_stall(pod: Pod) -> Stall | None:
    """The stall that a pod's own state tells of, None for a pod that is fine."""
    name, space = pod.name, pod.namespace
    problem = pod.problem
    if (pod.ready >= pod.total and pod.total) or not problem:
        return None
    if "Unschedulable" in problem or "nodes are available" in problem:
        return Stall(
            "Unschedulable", f"{name} can't be scheduled: {problem}",
            "Add a node or free CPU and memory; the rollout goes on by itself as soon as there is room.",
        )  # fmt: skip
    if any(word in problem for word in _PULL):
        return Stall(
            "image pull", f"{name} can't pull its image: {problem}",
            "Let the nodes reach gcr.io/gke-release (firewall, Private Google Access, Binary Authorization).",
        )  # fmt: skip
    if any(word in problem for word in _CRASH) or "probe" in problem.lower():
        return Stall(
            "readiness", f"{name} is not ready: {problem}",
            f"Read its log: kubectl -n {space} logs {name} --all-containers --previous.",
        )  # fmt: skip
    return None


def find_webhook_gap(webhook: Webhook | None, endpoints: int) -> str:
    """What the injection webhook still lacks, "" when pods can be injected."""
    if webhook is None:
        return "the injector's webhook is not registered"
    if not webhook.has_ca_bundle:
        return "the injector's webhook has no CA bundle yet"
    if endpoints < 1:
        return "the injector has no ready endpoint"
    return ""


def explain_webhook_gap(gap: str) -> Stall:
    """The gap as a stall."""
    return Stall(
        "webhook", gap,
        "Until it is mended no pod can start in an injected namespace. Read the injector's log, and check that the"
        " master reaches port 9443 on the nodes (private clusters need a firewall rule).",
    )  # fmt: skip


def explain_late_leaving(pod: Pod) -> Stall:
    """A pod that terminates for too long as a stall."""
    return Stall(
        "Terminating", f"{pod.name} is terminating for more than {TERMINATING.seconds // 60} min",
        f"A finalizer or a dead node holds it: kubectl -n {pod.namespace} describe pod {pod.name}. The bot never"
        " deletes by force.",
    )  # fmt: skip


def choose_overdue(stalls: Sequence[Stall], waited: timedelta) -> Stall | None:
    """The first stall whose patience is over; a missed deadline is told with the reason that is known for it."""
    overdue = next((stall for stall in stalls if waited >= stall.patience), None)
    if overdue is None or overdue.kind != "ProgressDeadlineExceeded":
        return overdue
    reason = next((stall for stall in stalls if stall.kind != overdue.kind), None)
    return Stall(overdue.kind, f"{overdue.sentence}: {reason.sentence}", reason.remedy) if reason else overdue


def _read_workload_stalls(workload: Workload) -> Iterator[Stall]:
    name, space, kind = workload.ref.name, workload.ref.namespace, workload.ref.kind.lower()
    failure = workload.failure
    if "exceeded quota" in failure or "quota" in failure.lower():
        yield Stall(
            "quota", f"{name}: {failure}",
            f"Raise the quota for the time of the upgrade: kubectl -n {space} describe resourcequota.",
        )  # fmt: skip
    elif "webhook" in failure:
        yield Stall(
            "webhook", f"{name}: {failure}",
            f"A webhook refuses its pods: kubectl -n {space} describe {kind} {name}; mend or remove that webhook.",
        )  # fmt: skip
    elif failure:
        yield Stall("readiness", f"{name}: {failure}", f"kubectl -n {space} describe {kind} {name}")
    # A verdict on an earlier generation says nothing about this rollout.
    if workload.stalled and workload.observed_generation >= workload.generation:
        yield Stall(
            "ProgressDeadlineExceeded", f"{name} made no progress for {workload.progress_deadline_seconds} s",
            f"kubectl -n {space} describe {kind} {name} shows why; mend it, then retry. The old pods still serve.",
        )  # fmt: skip
