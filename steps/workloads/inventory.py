"""The sidecar inventory: which pods have a sidecar, should have one, or carry an old one, and whose they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from steps.contract.errors import GiveUp
from steps.contract.options import UpgradeOptions
from steps.contract.ports import Kubernetes
from steps.contract.release import Release
from steps.mesh import Autoscaler, DisruptionBudget, InjectorWebhook, Namespace, Node, Owner, Pod, Workload, WorkloadRef
from steps.workloads.injection import (
    MIRROR,
    PINNED_IMAGE,
    PROXY,
    Injector,
    expects_sidecar,
    is_injected_namespace,
    is_target_image,
    is_version_image,
    parse_injector,
)
from steps.workloads.placement import Claims, Room, measure_rooms

Condition: TypeAlias = Literal["current", "outdated", "missing", "pinned", "by-hand", "losing"]
LeftOut: TypeAlias = Literal[
    "control plane", "terminating", "finished", "mirror", "without sidecar", "namespace being deleted", "not moved"
]
ConfigurationKey: TypeAlias = tuple[str, str, str]
OWNERLESS = "Pod"
# Beyond so many namespaces one list over all of them is cheaper.
SPACES_APART = 5
# OpenKruise, for one, has a StatefulSet and a DaemonSet of its own.
_GROUPS = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), ("apps", "extensions")),
    "ReplicationController": (),
    "Job": ("batch",),
    "Rollout": ("argoproj.io",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A pod in scope, the workload that it belongs to, and how its sidecar stands.

    outdated: a restart brings the new sidecar; missing: born without one that it should have; pinned: an annotation of
    pod or template names another image; by-hand: the owner's template holds the sidecar; losing: a restart would take
    the sidecar away.
    `skipped` says why the pod is opted out, "" where it isn't.
    """

    pod: Pod
    ref: WorkloadRef
    condition: Condition
    skipped: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What pods are judged against: one reading of everything but the pods."""

    namespaces: Mapping[str, Namespace]
    workloads: Mapping[WorkloadRef, Workload]
    injector: Injector
    webhook: InjectorWebhook | None = None


@dataclass(frozen=True)
class Inventory:
    """The pods in scope with what their restart risk is judged by; `left_out` counts the others by reason.

    `changes` says when a ConfigMap or Secret (namespace, kind, name) was last changed; `rooms` holds what each node
    has left; `unknown` says what could not be read; `stranded` are the pods on nodes that are
    not ready, those on their way out too; `claims` are the access modes of disks that workloads in scope name.
    """

    findings: tuple[Finding, ...]
    surroundings: Surroundings
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    budgets: tuple[DisruptionBudget, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    rooms: Mapping[str, Room] = field(default_factory=dict)
    changes: Mapping[ConfigurationKey, datetime] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    stranded: Mapping[WorkloadRef, tuple[Pod, ...]] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    claims: Claims = field(default_factory=dict)

    def group_by_workload(self) -> Mapping[WorkloadRef, tuple[Finding, ...]]:
        """The findings of each workload, workloads in order of their ids."""
        grouped: dict[WorkloadRef, list[Finding]] = {}
        for finding in self.findings:
            grouped.setdefault(finding.ref, []).append(finding)
        return {ref: tuple(grouped[ref]) for ref in sorted(grouped, key=str)}


@dataclass
class _Aside:
    """What the pass over the pods keeps besides findings: how many stand on which node, of which workload."""

    left_out: Counter[LeftOut] = field(default_factory=Counter)
    leaving: list[tuple[WorkloadRef, Pod]] = field(default_factory=list)
    standing: Counter[tuple[str, WorkloadRef]] = field(default_factory=Counter)


def take_inventory(kubernetes: Kubernetes, release: Release, options: UpgradeOptions) -> Inventory:
    """Read the cluster: one paged pass over all pods, one list of each other kind."""
    surroundings = read_surroundings(kubernetes, release)
    aside = _Aside()
    findings = tuple(_sift(kubernetes.list_pods(), surroundings, release, options, aside))
    budgets, autoscalers = kubernetes.list_disruption_budgets(), kubernetes.list_autoscalers()
    nodes, (claims, unread) = kubernetes.list_nodes(), _read_claims(kubernetes, surroundings.workloads.values())
    changes, unknown = _read_changes(kubernetes)
    return Inventory(
        findings=findings,
        surroundings=surroundings,
        left_out=dict(aside.left_out),
        budgets=budgets,
        autoscalers=autoscalers,
        rooms=measure_rooms(nodes, aside.standing, surroundings.workloads),
        changes=changes,
        unknown=(*unknown, *unread),
        stranded=find_stranded(nodes, [*((one.ref, one.pod) for one in findings), *aside.leaving]),
        nodes=nodes,
        claims=claims,
    )


def find_stranded(
    nodes: Iterable[Node], pods: Iterable[tuple[WorkloadRef, Pod]]
) -> Mapping[WorkloadRef, tuple[Pod, ...]]:
    """The pods of each workload that stand on a node that is not ready."""
    lost = {node.name for node in nodes if not node.ready}
    found: dict[WorkloadRef, tuple[Pod, ...]] = {}
    for ref, pod in pods:
        if pod.node in lost:
            found[ref] = (*found.get(ref, ()), pod)
    return found


def _read_claims(kubernetes: Kubernetes, workloads: Iterable[Workload]) -> tuple[Claims, tuple[str, ...]]:
    """The access modes of the claims in the namespaces where a template names one; what could not be read."""
    spaces = sorted({one.ref.namespace for one in workloads if one.placement.claims})
    try:
        found = [
            claim
            for space in (spaces if len(spaces) <= SPACES_APART else [""])
            for claim in kubernetes.list_objects("v1", "PersistentVolumeClaim", space)
        ]
    except GiveUp as fault:
        return {}, (f"whether disks can be on one node alone is unknown: {fault.why}",)
    return {
        (claim["metadata"]["namespace"], claim["metadata"]["name"]): (claim.get("spec") or {}).get("accessModes") or ()
        for claim in found
    }, ()


def _read_changes(kubernetes: Kubernetes) -> tuple[Mapping[ConfigurationKey, datetime], tuple[str, ...]]:
    """The changes and what is unknown: without the right to list Secrets one risk is, and that stops nobody."""
    try:
        return kubernetes.list_changes(), ()
    except GiveUp as fault:
        return {}, (f"whether a restart picks up changed configuration is unknown: {fault.why}",)


def read_surroundings(kubernetes: Kubernetes, release: Release) -> Surroundings:
    """Read namespaces, workloads and the injector's configuration."""
    config = kubernetes.read_config_map(release.namespace, release.injector_config)
    return Surroundings(
        namespaces={namespace.name: namespace for namespace in kubernetes.list_namespaces()},
        workloads={workload.ref: workload for workload in kubernetes.list_workloads()},
        injector=parse_injector(config, f"{release.namespace}/{release.injector_config}"),
        webhook=kubernetes.read_webhook(release.injector_webhook),
    )


def _sift(
    pods: Iterable[Pod],
    surroundings: Surroundings,
    release: Release,
    options: UpgradeOptions,
    aside: _Aside,
) -> Iterator[Finding]:
    for pod in pods:
        ref = find_workload(pod, surroundings.workloads)
        aside.standing[pod.node, ref] += takes_room(pod)
        reason = _leave_out(pod, ref, surroundings, release)
        condition = None if reason else judge_pod(pod, ref, surroundings, release)
        if condition not in (None, "current") and not is_meant(pod, options):
            reason, condition = "not moved", None
        if condition is None:
            aside.left_out[reason or "without sidecar"] += 1
            if reason == "terminating":
                aside.leaving.append((ref, pod))
            continue
        yield Finding(pod, ref, condition, _opt_out(pod, surroundings.workloads.get(ref), options))


def find_workload(pod: Pod, workloads: Mapping[WorkloadRef, Workload]) -> WorkloadRef:
    """The workload at the top of the pod's owners that can be restarted; the pod itself where nothing owns it."""
    if pod.owner is None:
        return WorkloadRef(pod.namespace, OWNERLESS, pod.name)
    ref = WorkloadRef(pod.namespace, name_owner_kind(pod.owner), pod.owner.name)
    parent = workloads[ref].owner if ref in workloads else None
    if ref.kind != "ReplicaSet" or parent is None:
        return ref
    return WorkloadRef(pod.namespace, name_owner_kind(parent), parent.name)


def name_owner_kind(owner: Owner) -> str:
    """The owner's kind, with its group (`StatefulSet.apps.kruise.io`) where a kind of Kubernetes is not meant."""
    meant = owner.kind not in _GROUPS or not owner.group or owner.group in _GROUPS[owner.kind]
    return owner.kind if meant else f"{owner.kind}.{owner.group}"


def _leave_out(pod: Pod, ref: WorkloadRef, surroundings: Surroundings, release: Release) -> LeftOut | None:
    if is_control_plane(ref, release):
        return "control plane"
    if MIRROR in pod.annotations:
        return "mirror"
    if is_finished(pod):
        return "finished"
    if pod.terminating:
        return "terminating"
    namespace = surroundings.namespaces.get(pod.namespace)
    return "namespace being deleted" if namespace and namespace.terminating else None


def is_control_plane(ref: WorkloadRef, release: Release) -> bool:
    """Whether the workload belongs to the release's control plane, which its own phase moves."""
    own = {(workload.kind, workload.name) for workload in release.workloads}
    return ref.namespace == release.namespace and (ref.kind, ref.name) in own


def takes_room(pod: Pod) -> bool:
    """Whether the pod stands in the way of others on its node, and will."""
    return not (pod.terminating or is_finished(pod))


def is_finished(pod: Pod) -> bool:
    """Whether the pod's containers have ended for good."""
    return pod.phase in ("Succeeded", "Failed")


def is_meant(pod: Pod, options: UpgradeOptions) -> bool:
    """Whether the pod's sidecar is of the version that is re-injected, where only one is."""
    return not options.only_from or is_version_image(pod.proxy_image, options.only_from)


def judge_pod(pod: Pod, ref: WorkloadRef, surroundings: Surroundings, release: Release) -> Condition | None:
    """How the pod's sidecar stands; None where it has none and should have none."""
    if is_target_image(pod.proxy_image, release):
        return "current"
    injected = gets_sidecar(pod, ref, surroundings)
    if not injected and not pod.proxy_image:
        return None
    workload = surroundings.workloads.get(ref)
    pin = find_pin(pod.annotations) or find_pin(workload.template_annotations if workload else {})
    if pin and not is_target_image(pin, release):
        return "pinned"
    if injected:
        return "outdated" if pod.proxy_image else "missing"
    return "by-hand" if workload and PROXY in workload.images else "losing"


def gets_sidecar(pod: Pod, ref: WorkloadRef, surroundings: Surroundings) -> bool:
    """Whether the pod's replacement would be given a sidecar; judged by the owner's template where there is one."""
    namespace = surroundings.namespaces.get(pod.namespace)
    if namespace is None or not is_injected_namespace(namespace, surroundings.injector, surroundings.webhook):
        return False
    workload = surroundings.workloads.get(ref)
    # An Argo Rollout may refer to the template of another workload.
    if workload is None or not workload.images:
        return expects_sidecar(pod.labels, pod.annotations, pod.host_network, surroundings.injector)
    return expects_sidecar(
        workload.template_labels, workload.template_annotations, workload.host_network, surroundings.injector
    )


def find_pin(annotations: Mapping[str, str]) -> str:
    """The image that an annotation of pod or template names for the sidecar, "" where none does."""
    return annotations.get(PINNED_IMAGE, "")


def _opt_out(pod: Pod, workload: Workload | None, options: UpgradeOptions) -> str:
    if pod.namespace in options.skip_namespaces:
        return f"namespace {pod.namespace} is on the list of namespaces to skip"
    key, _, value = options.skip_label.partition("=")
    labels = {**(workload.labels if workload else {}), **pod.labels}
    opted_out = key and key in labels and (not value or labels[key] == value)
    return f"it carries the label {options.skip_label}" if opted_out else ""


def is_live(pod: Pod) -> bool:
    """Whether the pod counts: neither on its way out nor ended."""
    return not pod.terminating and not is_finished(pod)
