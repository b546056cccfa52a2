"""What a ledger may say and what a workload may fall to, judged by the cluster's own objects behind the API's back."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.objects import (
    Json,
    condition_of,
    controller_of,
    int_or_percent,
    is_pod_finished,
    is_pod_ready,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)
from sandbox.cluster.server.store import Change
from steps.contract.ledger import LedgerEntry

PROXY = "istio-proxy"
_KEYS = {"ReplicaSet": "replicasets.apps", "Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps",
         "DaemonSet": "daemonsets.apps"}  # fmt: skip

_WORKLOAD = re.compile(rf"[\w.-]+/(?:{'|'.join(_KEYS)})/[\w.-]+")


def find_lies(cluster: SimulatedCluster, entries: Sequence[LedgerEntry], version: str) -> Iterator[str]:
    """Sentences on what the ledger says otherwise than the cluster."""
    pods = {uid_of(pod): pod for pod in cluster.store.each("pods") if not is_pod_finished(pod)}
    known = {entry.uid for entry in entries}
    for uid, pod in pods.items():
        if uid not in known and _is_old(pod, version):
            yield f"{namespace_of(pod)}/{name_of(pod)} keeps the old sidecar and stands nowhere"
    for entry in entries:
        pod_left = pods.get(entry.uid)
        if entry.state in ("upgraded", "gone"):
            # One that ends may be replaced already; it is not gone.
            replaced = entry.state == "upgraded" and pod_left is not None and is_terminating(pod_left)
            if pod_left is not None and _is_old(pod_left, version) and not replaced:
                yield f"{entry.namespace}/{entry.pod} is {entry.state} and lives with the old sidecar"
        elif pod_left is None:
            yield f"{entry.namespace}/{entry.pod} is {entry.state} and is not there any more"
        elif not _is_old(pod_left, version):
            yield f"{entry.namespace}/{entry.pod} is {entry.state} and has the new sidecar"
    yield from _find_wrong_successors(pods.values(), entries, version)


def _find_wrong_successors(pods: Iterable[Json], entries: Sequence[LedgerEntry], version: str) -> Iterator[str]:
    """An upgraded pod that is gone has a successor: of its name in a StatefulSet, else one of its workload's."""
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    uids = set()
    for pod in pods:
        if not is_terminating(pod):
            uids.add(uid_of(pod))
        if _has_sidecar(pod) and not _is_old(pod, version):
            moved[namespace_of(pod)][name_of(pod)] += 1
    for entry in entries:
        if entry.state != "upgraded" or entry.uid in uids or "/StatefulSet/" not in entry.workload:
            continue
        if not moved[entry.namespace][entry.pod]:
            yield f"{entry.namespace}/{entry.pod} is upgraded, and no pod of its name has the new sidecar"


def _has_sidecar(pod: Json) -> bool:
    return any(row["name"] == PROXY for row in pod["spec"]["containers"])


def _is_old(pod: Json, version: str) -> bool:
    images = [row["image"] for row in pod["spec"]["containers"] if row["name"] == PROXY]
    return any(not image.endswith(f":{version}") for image in images) and namespace_of(pod) != "istio-system"


class Bystander:
    """Looks at every ready pod whose deletion begins, and notes where its workload falls below what its rules allow."""

    def __init__(self, cluster: SimulatedCluster, evicted: Sequence[str]) -> None:
        self.fallen: list[str] = []
        self._cluster = cluster
        self._evicted = evicted
        # Those of which a person chose eviction, for they can't be restarted: one pod away is what any of them bears.
        self._chosen: set[str] = set()
        cluster.store.listen(self._follow)

    def note_evictions(self, why: str) -> None:
        """A person chose eviction of the workloads that this text names."""
        self._chosen |= set(_WORKLOAD.findall(why))

    def _follow(self, change: Change) -> None:
        if change.key != "pods" or change.before is None or namespace_of(change.obj) == "istio-system":
            return
        ends = is_terminating(change.obj) and not is_terminating(change.before)
        if ends and is_pod_ready(change.before) and not self._is_lost(change.before):
            self._judge(change.before)

    def _is_lost(self, pod: Json) -> bool:
        """Whether its node is not ready, drained or gone: what takes the pod away is not the upgrade."""
        node = self._cluster.store.find("nodes", "", pod["spec"].get("nodeName") or "")
        ready = condition_of(node, "Ready") if node else None
        return node is None or ready is None or ready["status"] != "True" or bool(node["spec"].get("unschedulable"))

    def _judge(self, pod: Json) -> None:
        owner = self._find_workload(pod)
        if owner is None:
            return
        place = f"{namespace_of(owner)}/{owner['kind']}/{name_of(owner)}"
        least = self._count_least(owner, place in self._chosen or namespace_of(pod) in self._evicted)
        left = sum(1 for one in self._list_pods(owner) if is_pod_ready(one) and not is_terminating(one))
        if left < least:
            self.fallen.append(f"{place} had {left} ready pods where its rules allow {least}")

    def _find_workload(self, pod: Json) -> Json | None:
        found: Json | None = None
        reference = controller_of(pod)
        while reference is not None and reference["kind"] in _KEYS:
            found = self._cluster.store.find(_KEYS[reference["kind"]], namespace_of(pod), reference["name"])
            reference = controller_of(found) if found else None
        return found

    def _list_pods(self, owner: Json) -> Iterator[Json]:
        pods = self._cluster.store.each("pods", namespace_of(owner))
        return (pod for pod in pods if (found := self._find_workload(pod)) and uid_of(found) == uid_of(owner))

    def _count_least(self, owner: Json, evicted: bool) -> int:
        spec, kind = owner["spec"], owner["kind"]
        strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        if kind == "DaemonSet":
            nodes = int((owner.get("status") or {}).get("desiredNumberScheduled", 0))
            return nodes - max(1, int_or_percent(rolling.get("maxUnavailable", 1), nodes, round_up=True))
        replicas = int(spec["replicas"])
        if strategy.get("type") == "Recreate" and not evicted:
            return 0
        away = int_or_percent(rolling.get("maxUnavailable", "25%"), replicas, round_up=False)
        surge = int_or_percent(rolling.get("maxSurge", 1), replicas, round_up=True)
        alone = evicted or kind != "Deployment" or not surge
        return replicas - max(away, 1 if alone else 0)
