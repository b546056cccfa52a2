"""StatefulSets: ordered pods with stable names; rolling from the top down to a partition, or only on deletion."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.workloads.disk_claims import mount_claims
from sandbox.cluster.controllers.workloads.replicas import PodMaker, concerned, itself, template_pod
from sandbox.cluster.controllers.workloads.revisions import REVISION_LABEL, current_revision, pod_revision, revisions_of
from sandbox.cluster.objects.objects import Json, is_pod_finished, is_pod_ready, is_terminating, name_of, uid_of
from sandbox.cluster.server.store import Change

_KEY = "statefulsets.apps"
_COMPONENT = "statefulset-controller"


class StatefulSets:
    """The StatefulSet controller."""

    name = _COMPONENT
    watches = (_KEY, "pods")

    def __init__(self, maker: PodMaker) -> None:
        self._maker = maker

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return concerned(self._maker, change, _KEY, "StatefulSet") if change.key == "pods" else itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        owner = self._maker.api.store.find(_KEY, namespace, name)
        if owner is None or is_terminating(owner):
            return
        self._maker.claims.settle(owner)
        update = name_of(current_revision(self._maker.api, owner))
        held = (owner.get("status") or {}).get("currentRevision") or update
        if held not in {name_of(row) for row in revisions_of(self._maker.api, owner)}:
            held = update
        pods = {ordinal_of(pod): pod for pod in self._maker.pods_of(owner)}
        self._match(owner, pods, held, update)
        self._report(namespace, name, held, update)

    def _match(self, owner: Json, pods: dict[int, Json], held: str, update: str) -> None:
        ordered = owner["spec"]["podManagementPolicy"] == "OrderedReady"
        wanted = owner["spec"]["replicas"]
        for ordinal in range(wanted):
            pod = pods.get(ordinal)
            if pod is None:
                self._make(owner, ordinal, held, update)
            elif is_pod_finished(pod) and not is_terminating(pod):
                self._drop(owner, pod)
            if ordered and not _is_healthy(pod):
                return
        condemned = sorted((ordinal for ordinal in pods if ordinal >= wanted), reverse=True)
        for ordinal in condemned:
            if not is_terminating(pods[ordinal]):
                self._drop(owner, pods[ordinal])
            if ordered:
                return
        if not condemned and owner["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._roll(owner, pods, update)

    def _roll(self, owner: Json, pods: dict[int, Json], update: str) -> None:
        for ordinal in range(owner["spec"]["replicas"] - 1, partition_of(owner) - 1, -1):
            pod = pods.get(ordinal)
            if pod is not None and pod_revision(pod) != update and not is_terminating(pod):
                self._drop(owner, pod)
                return
            if not _is_healthy(pod):
                return

    def _make(self, owner: Json, ordinal: int, held: str, update: str) -> None:
        rolling = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        revision = held if rolling and ordinal < partition_of(owner) else update
        template = owner["spec"]["template"]
        for row in revisions_of(self._maker.api, owner):
            if name_of(row) == revision:
                template = row["data"]["spec"]["template"]
        name = f"{name_of(owner)}-{ordinal}"
        pod = template_pod(
            template,
            {REVISION_LABEL: revision, "statefulset.kubernetes.io/pod-name": name},
            name=name,
            generateName=f"{name_of(owner)}-",
        )
        pod["spec"] |= {"hostname": name, "subdomain": owner["spec"]["serviceName"]}
        mount_claims(owner, pod)
        said = f"create Pod {name} in StatefulSet {name_of(owner)}"
        self._maker.make(self.name, owner, pod, _COMPONENT, f"{said} successful", f"{said} failed error")

    def _drop(self, owner: Json, pod: Json) -> None:
        said = f"delete Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
        self._maker.drop(self.name, owner, pod, _COMPONENT, f"{said} successful", f"{said} failed error")

    def _report(self, namespace: str, name: str, held: str, update: str) -> None:
        owner = self._maker.api.store.find(_KEY, namespace, name)
        if owner is None:
            return
        pods = [pod for pod in self._maker.pods_of(owner) if not is_terminating(pod)]
        ready = sum(1 for pod in pods if is_pod_ready(pod))
        updated = sum(1 for pod in pods if pod_revision(pod) == update)
        wanted = owner["spec"]["replicas"]
        rolling = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        if rolling and updated == wanted == len(pods) == ready:
            held = update
        counts = {
            "readyReplicas": ready,
            "currentReplicas": sum(1 for pod in pods if pod_revision(pod) == held),
            "updatedReplicas": updated,
        }
        status: Json = {"observedGeneration": owner["metadata"]["generation"], "replicas": len(pods)}
        status |= {name: count for name, count in counts.items() if count}
        status |= {"currentRevision": held, "updateRevision": update, "collisionCount": 0}
        self._maker.api.set_status(_KEY, owner, status)


def ordinal_of(pod: Json) -> int:
    """Return the number at the end of a pod's name."""
    return int(name_of(pod).rpartition("-")[2])


def partition_of(owner: Json) -> int:
    """Return the ordinal below which pods keep their revision."""
    return int((owner["spec"]["updateStrategy"].get("rollingUpdate") or {}).get("partition", 0))


def _is_healthy(pod: Json | None) -> bool:
    return pod is not None and is_pod_ready(pod) and not is_terminating(pod) and bool(uid_of(pod))
