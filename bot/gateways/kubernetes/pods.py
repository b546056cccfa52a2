"""A pod as the upgrade sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.gateways.kubernetes.wire import ContainerStatus, Meta, PodContainer, PodItem, PodStatus, Reference
from steps.mesh import Owner, Pod

PROXY = "istio-proxy"
MIRROR = "kubernetes.io/config.mirror"
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})
GATES = "ReadinessGatesNotReady"
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def reduce_pod(pod: PodItem, owners: dict[str, Owner]) -> Pod:
    """Keep what the upgrade uses; texts that repeat from pod to pod are kept once.

    `owners` are those of the list so far, by uid. Written for speed: on 10,000 pods this is a third of the read.
    """
    meta, status = pod.metadata, pod.status
    counted = list_counted(pod)
    ready, restarts = count_ready(counted, list_statuses(status))
    images, proxy = [], ""
    for container in counted:
        image = sys.intern(container.image)
        images.append(image)
        if container.name == PROXY and not proxy:
            proxy = image
    in_service = has_condition(status, "Ready")
    # The usual case, in which no problem has to be looked for.
    runs_whole = in_service and status.phase == "Running" and ready == len(counted)
    # By position, in the order of the fields: naming 21 arguments would cost as much as finding half of them.
    return Pod(
        sys.intern(meta.namespace),
        meta.name,
        meta.uid,
        find_owner(meta, owners),
        proxy,
        tuple(images),
        ready,
        len(counted),
        in_service,
        status.phase,
        meta.deletion_timestamp is not None,
        meta.creation_timestamp or UNKNOWN_TIME,
        sys.intern(pod.spec.node_name),
        meta.labels or {},
        keep_mesh_annotations(meta.annotations) if meta.annotations else {},
        pod.spec.host_network,
        restarts,
        "" if runs_whole else describe_problem(status),
        meta.deletion_timestamp,
        None if in_service else find_unready_since(status),
        False if runs_whole else is_spent(status),
    )


def has_condition(status: PodStatus, kind: str) -> bool:
    """Whether the pod's condition of this type is True."""
    for condition in status.conditions or ():
        if condition.type == kind:
            return condition.status == "True"
    return False


def find_unready_since(status: PodStatus) -> datetime | None:
    """Since when the pod's Ready condition is not True, None where it has none."""
    times = (one.last_transition_time for one in status.conditions or () if one.type == "Ready")
    text = next(times, None)
    return datetime.fromisoformat(text) if text else None


def is_spent(status: PodStatus) -> bool:
    """Whether the pod's own containers have ended well and only its proxy runs on."""
    rows = status.container_statuses or []
    own = [row.state for row in rows if row.name != PROXY]
    ended = bool(own) and all(state and state.terminated and not state.terminated.exit_code for state in own)
    return ended and status.phase == "Running" and len(own) < len(rows)


def count_ready(counted: Iterable[PodContainer], statuses: Iterable[ContainerStatus]) -> tuple[int, int]:
    """How many of the containers are ready, and how often any has restarted."""
    names, restarts, ready = set(), 0, 0
    for status in statuses:
        restarts += status.restart_count
        if status.ready:
            names.add(status.name)
    for container in counted:
        if container.name in names:
            ready += 1
    return ready, restarts


def list_counted(pod: PodItem) -> list[PodContainer]:
    """The containers that READY counts: all of them, and init containers that keep running (native sidecars)."""
    starting = pod.spec.init_containers
    if not starting:
        return pod.spec.containers
    return pod.spec.containers + [container for container in starting if container.restart_policy == "Always"]


def list_statuses(status: PodStatus) -> list[ContainerStatus]:
    """The statuses of all containers, init containers first, as they start."""
    if not status.init_container_statuses:
        return status.container_statuses or []
    return status.init_container_statuses + (status.container_statuses or [])


def find_owner(meta: Meta, owners: dict[str, Owner] | None = None) -> Owner | None:
    """The controlling owner reference; the one kept in `owners` where another pod had it."""
    for reference in meta.owner_references or ():
        if reference.controller:
            kept = owners.get(reference.uid) if owners and reference.uid else None
            return kept or _keep_owner(reference, {} if owners is None else owners)
    return None


def _keep_owner(reference: Reference, owners: dict[str, Owner]) -> Owner:
    group = reference.api_version.rpartition("/")[0]
    owner = Owner(sys.intern(reference.kind), sys.intern(reference.name), sys.intern(reference.uid), group)
    owners[reference.uid] = owner
    return owner


def keep_mesh_annotations(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """The annotations of Istio, and the one that marks a mirror pod."""
    return {key: text for key, text in annotations.items() if "istio.io/" in key or key == MIRROR}


def describe_problem(status: PodStatus) -> str:
    """Why a pod isn't ready: unschedulable, a waiting container, a container that ended; "" where nothing is wrong."""
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    for container in list_statuses(status):
        if found := _describe_container(container):
            return found
    return f"{status.reason}: {status.message}".strip(": ") or _describe_gates(status)


def _describe_gates(status: PodStatus) -> str:
    """What keeps a pod with ready containers from being ready, as its kubelet says it."""
    for condition in status.conditions or ():
        if condition.type == "Ready" and condition.reason == GATES:
            return f"{condition.reason}: {condition.message}"
    return ""


def _describe_container(container: ContainerStatus) -> str:
    state, last = container.state, container.last_state
    if state and state.waiting and state.waiting.reason not in STARTING:
        return f"{container.name} {state.waiting.reason}: {state.waiting.message}".rstrip(": ")
    ended = (state.terminated if state else None) or (last.terminated if last and not container.ready else None)
    if ended and ended.exit_code:
        return f"{container.name} ended with {ended.exit_code} ({ended.reason}) {ended.message}".rstrip()
    return ""
