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
    meta, status = pod.metadata, pod.status
    counted, statuses = list_counted(pod), list_statuses(status)
    ready_names = {container.name for container in statuses if container.ready}
    images = [sys.intern(container.image) for container in counted]
    ready = sum([container.name in ready_names for container in counted])
    # A healthy pod, the usual case, has no problem to look for.
    healthy = status.phase == "Running" and ready == len(counted)
    return Pod(
        namespace=sys.intern(meta.namespace),
        name=meta.name,
        uid=meta.uid,
        owner=find_owner(meta),
        proxy_image=find_proxy(counted),
        images=tuple(images),
        ready=ready,
        total=len(counted),
        phase=status.phase,
        terminating=meta.deletion_timestamp is not None,
        created=meta.creation_timestamp or UNKNOWN_TIME,
        node=sys.intern(pod.spec.node_name),
        labels=meta.labels or {},
        annotations=keep_mesh_annotations(meta.annotations or {}),
        host_network=pod.spec.host_network,
        restarts=sum([container.restart_count for container in statuses]),
        problem="" if healthy else describe_problem(status),
    )


def list_counted(pod: WirePod) -> list[PodContainer]:
    """The containers that READY counts: all of them, and init containers that keep running (native sidecars)."""
    starting = pod.spec.init_containers
    if not starting:
        return pod.spec.containers
    return pod.spec.containers + [container for container in starting if container.restart_policy == "Always"]


def list_statuses(status: PodStatus) -> list[ContainerStatus]:
    """The statuses of all containers, init containers first, as they start."""
    return (status.init_container_statuses or []) + (status.container_statuses or [])


def find_proxy(containers: Iterable[PodContainer]) -> str:
    """The image of the sidecar, "" where there is none."""
    for container in containers:
        if container.name == PROXY:
            return sys.intern(container.image)
    return ""


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
