"""A pod as the upgrade sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.gateways.kubernetes.wire import ContainerStatus, Meta, PodContainer, PodStatus
from bot.gateways.kubernetes.wire import Pod as WirePod
from steps.mesh import Owner, Pod

PROXY = "istio-proxy"
MIRROR = "kubernetes.io/config.mirror"
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def reduce_pod(pod: WirePod) -> Pod:
    """Keep what the upgrade uses; texts that repeat from pod to pod are kept once."""
    counted = list(list_counted(pod))
    statuses = {status.name: status for status in list_statuses(pod.status)}
    ready = sum(1 for container in counted if _is_ready(statuses.get(container.name)))
    return Pod(
        namespace=sys.intern(pod.metadata.namespace),
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        owner=find_owner(pod.metadata),
        proxy_image=next((sys.intern(c.image) for c in counted if c.name == PROXY), ""),
        images=tuple(sys.intern(container.image) for container in counted),
        ready=ready,
        total=len(counted),
        phase=sys.intern(pod.status.phase),
        terminating=pod.metadata.deletion_timestamp is not None,
        created=pod.metadata.creation_timestamp or UNKNOWN_TIME,
        node=sys.intern(pod.spec.node_name),
        labels=pod.metadata.labels or {},
        annotations=keep_mesh_annotations(pod.metadata.annotations or {}),
        host_network=pod.spec.host_network,
        restarts=sum(status.restart_count for status in statuses.values()),
        problem=describe_problem(pod.status),
    )


def list_counted(pod: WirePod) -> Iterable[PodContainer]:
    """The containers that READY counts: all of them, and init containers that keep running (native sidecars)."""
    yield from pod.spec.containers
    yield from (c for c in pod.spec.init_containers or () if c.restart_policy == "Always")


def list_statuses(status: PodStatus) -> Iterable[ContainerStatus]:
    """The statuses of all containers, init containers first, as they start."""
    yield from status.init_container_statuses or ()
    yield from status.container_statuses or ()


def find_owner(meta: Meta) -> Owner | None:
    """The controlling owner reference."""
    for reference in meta.owner_references or ():
        if reference.controller:
            group = reference.api_version.rpartition("/")[0]
            return Owner(sys.intern(reference.kind), sys.intern(reference.name), sys.intern(reference.uid), group)
    return None


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
    return f"{status.reason}: {status.message}".strip(": ")


def _describe_container(container: ContainerStatus) -> str:
    state, last = container.state, container.last_state
    if state and state.waiting and state.waiting.reason not in STARTING:
        return f"{container.name} {state.waiting.reason}: {state.waiting.message}".rstrip(": ")
    ended = (state.terminated if state else None) or (last.terminated if last and not container.ready else None)
    if ended and ended.exit_code:
        return f"{container.name} ended with {ended.exit_code} ({ended.reason}) {ended.message}".rstrip()
    return ""


def _is_ready(status: ContainerStatus | None) -> bool:
    return status is not None and status.ready
