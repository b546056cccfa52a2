"""ReplicaSets and ReplicationControllers: as many pods as asked for, whatever their image."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.workloads.replicas import PodMaker, concerned, deletion_order, itself, template_pod
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import Json, is_pod_active, is_pod_ready, is_terminating, labels_of, name_of, stamp
from sandbox.cluster.server.store import Change

_BURST = 500


class ReplicaSets:
    """The controller of one of the two kinds that keep a number of pods."""

    def __init__(self, maker: PodMaker, *, key: str, kind: str) -> None:
        self.name = f"{kind}-controller"
        self.watches: tuple[str, ...] = (key, "pods")
        self._maker = maker
        self._key = key
        self._kind = kind
        self._component = "replicaset-controller" if kind == "ReplicaSet" else "replication-controller"

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return concerned(self._maker, change, self._key, self._kind) if change.key == "pods" else itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        owner = self._maker.api.store.find(self._key, namespace, name)
        if owner is None:
            return
        self._maker.claims.settle(owner)
        active = [pod for pod in self._maker.pods_of(owner) if is_pod_active(pod)]
        failure = None
        if not is_terminating(owner) and len(active) != owner["spec"]["replicas"]:
            failure = self._match(owner, active)
            active = [pod for pod in self._maker.pods_of(owner) if is_pod_active(pod)]
        self._report(owner, active, failure)

    def _match(self, owner: Json, active: list[Json]) -> ApiError | None:
        missing = owner["spec"]["replicas"] - len(active)
        if missing < 0:
            for pod in sorted(active, key=deletion_order)[:-missing]:
                error = self._maker.drop(self.name, owner, pod, self._component)
                if error is not None:
                    return error
        for _ in range(min(missing, _BURST)):
            pod = template_pod(owner["spec"]["template"], generateName=f"{name_of(owner)}-")
            error = self._maker.make(self.name, owner, pod, self._component)
            if error is not None:
                return error
        return None

    def _report(self, owner: Json, active: list[Json], failure: ApiError | None) -> None:
        wanted = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        labelled = [pod for pod in active if wanted.items() <= labels_of(pod).items()]
        counts = {
            "replicas": len(active),
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": sum(1 for pod in active if is_pod_ready(pod)),
            "availableReplicas": len(self._maker.available(self.name, owner, active)),
        }
        status: Json = {name: count for name, count in counts.items() if count or name == "replicas"}
        status["observedGeneration"] = owner["metadata"]["generation"]
        conditions = self._conditions(owner, active, failure)
        if conditions:
            status["conditions"] = conditions
        self._maker.api.set_status(self._key, owner, status)

    def _conditions(self, owner: Json, active: list[Json], failure: ApiError | None) -> list[Json]:
        old = (owner.get("status") or {}).get("conditions") or []
        if failure is None:
            return old if len(active) < owner["spec"]["replicas"] else []
        surplus = len(active) > owner["spec"]["replicas"]
        reason, said = ("FailedDelete", "unable to delete pods: ") if surplus else ("FailedCreate", "")
        row = {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": f"{said}{failure.message}"}
        if old and all(old[0].get(name) == value for name, value in row.items()):
            return old
        return [{**row, "lastTransitionTime": stamp(self._maker.api.now())}]
