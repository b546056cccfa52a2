"""Who runs without a sidecar, and so can't speak to a mesh that takes mutual TLS alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from steps.contract.ports import Kubernetes
from steps.contract.release import Release
from steps.mesh import WorkloadRef
from steps.workloads.injection import MIRROR
from steps.workloads.inventory import find_workload, is_control_plane, is_finished

# What Kubernetes itself runs there speaks to no service of the mesh.
SYSTEM = ("kube-system", "kube-public", "kube-node-lease")


def count_outside(kubernetes: Kubernetes, release: Release) -> Mapping[WorkloadRef, int]:
    """The workloads with pods that run without a sidecar, with how many pods; in order of their ids."""
    workloads = {workload.ref: workload for workload in kubernetes.list_workloads()}
    found: Counter[WorkloadRef] = Counter()
    for pod in kubernetes.list_pods():
        ended = pod.terminating or is_finished(pod) or MIRROR in pod.annotations
        if ended or pod.proxy_image or pod.namespace in SYSTEM:
            continue
        ref = find_workload(pod, workloads)
        if not is_control_plane(ref, release):
            found[ref] += 1
    return {ref: found[ref] for ref in sorted(found, key=str)}
