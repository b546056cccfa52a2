"""Why a rollout doesn't move, told apart, with what a person can do about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from steps.contract.wording import describe_seconds
from steps.mesh import InjectorWebhook, Pod, Workload
from steps.workloads.causes import advise, find_cause

DEADLINE = "ProgressDeadlineExceeded"
UNREADY = "unready"
TERMINATING = timedelta(minutes=10)
# Pods that have ended are leftovers: nothing waits for them.
ENDED = ("Succeeded", "Failed")
# How long a stall may last before a person is asked, most telling kind first: a cluster autoscaler needs minutes for
# a node, a registry or quota rarely heals by itself, a gateway drains for 30 s and more.
PATIENCE = {
    "policy": timedelta(minutes=2),
    "quota": timedelta(minutes=2),
    "webhook": timedelta(minutes=5),
    "image pull": timedelta(minutes=5),
    "volume": timedelta(minutes=5),
    "network": timedelta(minutes=5),
    "Unschedulable": timedelta(minutes=10),
    "readiness": timedelta(minutes=10),
    UNREADY: timedelta(minutes=10),
    "Terminating": TERMINATING,
    DEADLINE: timedelta(0),
}


@dataclass(frozen=True)
class Stall:
    """One reason why a rollout stands still; `kind` is a key of PATIENCE, `subject` the pod's or workload's name.

    `key` says of which thing it is a stall of which sort: the clock of its patience starts when that was first seen.
    """

    kind: str
    sentence: str
    remedy: str
    subject: str = ""
    key: str = ""

    @property
    def patience(self) -> timedelta:
        """How long it may last before a person is asked."""
        return PATIENCE[self.kind]


def find_stalls(workloads: Iterable[Workload], pods: Iterable[Pod]) -> tuple[Stall, ...]:
    """What keeps the workloads' rollouts from ending, most telling first."""
    found = [
        *(stall for pod in pods if (stall := read_pod_stall(pod))),
        *(stall for workload in workloads for stall in _read_workload_stalls(workload)),
    ]
    order = list(PATIENCE)
    return tuple(sorted(found, key=lambda stall: order.index(stall.kind)))


def read_pod_stall(pod: Pod) -> Stall | None:
    """The stall that a pod's own state tells of, None for a pod that is fine."""
    if pod.terminating or pod.is_ready or pod.phase in ENDED:
        return None
    cause = find_cause(pod.problem)
    if cause is None:
        return _read_unready(pod)
    sentence = _POD_WORDS.get(cause.kind, _STILL).format(name=pod.name, problem=pod.problem)
    return Stall(
        cause.kind, sentence, advise(pod.problem, pod.namespace, pod.name), pod.name, _name_key(pod, cause.kind)
    )


def _name_key(pod: Pod, kind: str) -> str:
    # A crash loop goes to and fro between its kinds; a pod that was scheduled has got on.
    return f"{pod.uid} waits for a node" if kind == "Unschedulable" else pod.uid


def find_webhook_gap(webhook: InjectorWebhook | None, endpoints: int) -> str:
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
        key="injector",
    )  # fmt: skip


def explain_late_leaving(pod: Pod, passed: timedelta) -> Stall:
    """A pod that has been terminating for too long, as a stall; `passed` is for how long that was seen."""
    place = f" on {pod.node}" if pod.node else ""
    return Stall(
        "Terminating", f"{pod.name}{place} has been terminating for {describe_seconds(passed.total_seconds())}",
        f"A finalizer or a lost node holds it: kubectl -n {pod.namespace} describe pod {pod.name}, and kubectl get"
        " nodes. The bot never deletes by force.",
        pod.name,
    )  # fmt: skip


def choose_overdue(stalls: Sequence[Stall], ages: Mapping[str, timedelta]) -> Stall | None:
    """The first stall whose patience is over by its own age (by its key), with how long it has lasted.

    A missed deadline is told with what is known of its pods.
    """
    overdue = next((stall for stall in stalls if ages[stall.key] >= stall.patience), None)
    if overdue is None:
        return None
    if overdue.kind != DEADLINE:
        return replace(
            overdue, sentence=f"{overdue.sentence}, for {describe_seconds(ages[overdue.key].total_seconds())}"
        )
    own = (stall for stall in stalls if stall.subject.startswith(f"{overdue.subject}-"))
    reason = next(own, None)
    if reason is None:
        return overdue
    return Stall(overdue.kind, f"{overdue.sentence}: {reason.sentence}", reason.remedy, reason.subject)


_STILL = "{name} does not start: {problem}"
_POD_WORDS = {
    "Unschedulable": "{name} can't be scheduled: {problem}",
    "image pull": "{name} can't pull its image: {problem}",
    "readiness": "{name} is not ready: {problem}",
}


def _read_unready(pod: Pod) -> Stall | None:
    if pod.phase != "Running":
        return None
    if pod.ready >= pod.total:
        return _read_gated(pod)
    return Stall(
        UNREADY, f"{pod.name} runs and is not ready ({pod.ready}/{pod.total})",
        f"Its readiness probe fails: kubectl -n {pod.namespace} describe pod {pod.name}, and read its log.",
        pod.name, pod.uid,
    )  # fmt: skip


def _read_gated(pod: Pod) -> Stall:
    """All its containers are ready and the pod is not: a readiness gate, or a node that is lost."""
    gated = "readiness gate" in pod.problem
    remedy = (
        "A load balancer has to find it healthy first: look at its health check and at the controller that sets the"
        " gate" if gated else f"Its node may be lost: kubectl get node {pod.node}"
    )  # fmt: skip
    reason = pod.problem or "its Ready condition is not True"
    return Stall(
        UNREADY, f"{pod.name} is out of service with all {pod.total} containers ready: {reason}",
        f"{remedy}, and kubectl -n {pod.namespace} describe pod {pod.name}.",
        pod.name, pod.uid,
    )  # fmt: skip


def _read_workload_stalls(workload: Workload) -> Iterator[Stall]:
    name, space, kind = workload.ref.name, workload.ref.namespace, workload.ref.kind.lower()
    failure, describe = workload.failure, f"kubectl -n {space} describe {kind} {name}"
    if failure:
        cause = find_cause(failure)
        remedy = advise(failure, space, name) or describe
        told = cause.kind if cause else "readiness"
        yield Stall(told, f"{name}: {failure}", remedy, name, f"{workload.ref} {told}")
    # A verdict on an earlier generation says nothing about this rollout.
    if workload.stalled and workload.observed_generation >= workload.generation:
        sentence = f"{name} made no progress for {describe_seconds(workload.progress_deadline_seconds)}"
        yield Stall(
            DEADLINE, sentence, f"{describe} shows why; mend it, then retry. The old pods still serve.", name, name
        )
