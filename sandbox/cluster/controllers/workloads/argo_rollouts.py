"""Argo Rollouts, as far as a restart goes: spec.restartAt evicts older pods one by one, honouring budgets.

Source: argo-rollouts' documentation of restarts; canary and blue-green steps are not played.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.workloads.replicas import PodMaker, controlled_by, itself, living
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.field_managers import FieldOwner
from sandbox.cluster.objects.objects import (
    Json,
    controller_of,
    copy_json,
    is_pod_ready,
    is_terminating,
    name_of,
    namespace_of,
    oldest_first,
    owner_reference,
    safe_hash,
    seconds_of,
    uid_of,
)
from sandbox.cluster.server.evictions import evict_pod
from sandbox.cluster.server.store import Change

KEY = "rollouts.argoproj.io"
HASH_LABEL = "rollouts-pod-template-hash"
RETRY_SECONDS = 5.0
_SETS = "replicasets.apps"
_OWN = FieldOwner("rollouts-controller")


class Rollouts:
    """The Rollout controller."""

    name = "rollouts-controller"
    watches = (KEY, _SETS, "pods")

    def __init__(self, maker: PodMaker) -> None:
        self._maker = maker
        self._api = maker.api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == _SETS:
            return controlled_by(change, "Rollout")
        if change.key == "pods":
            return self._above(change.obj)
        return itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        rollout = self._api.store.find(KEY, namespace, name)
        if rollout is None or is_terminating(rollout):
            return
        newest = self._ensure_set(rollout)
        wanted = int(rollout["spec"].get("replicas", 1))
        for one in self._sets(rollout):
            size = wanted if uid_of(one) == uid_of(newest) else 0
            self._api.put_if_changed(_SETS, one, {**one, "spec": {**one["spec"], "replicas": size}}, _OWN)
        pods = self._maker.pods_of(newest)
        restarted = self._restart(rollout, pods, wanted)
        self._report(rollout, newest, pods, wanted, restarted)

    def _above(self, pod: Json) -> Iterable[tuple[str, str]]:
        reference = controller_of(pod)
        owner = self._api.store.with_uid(reference["uid"]) if reference else None
        above = controller_of(owner) if owner else None
        return ((namespace_of(pod), above["name"]),) if above and above["kind"] == "Rollout" else ()

    def _sets(self, rollout: Json) -> list[Json]:
        return oldest_first(self._api.store.owned_by(uid_of(rollout), _SETS))

    def _ensure_set(self, rollout: Json) -> Json:
        template: Json = copy_json(rollout["spec"]["template"])
        hashed = safe_hash(template)
        name = f"{name_of(rollout)}-{hashed}"
        found = self._api.store.find(_SETS, namespace_of(rollout), name)
        if found is not None:
            return found
        labels = {**(template["metadata"].get("labels") or {}), HASH_LABEL: hashed}
        template["metadata"]["labels"] = labels
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "labels": labels, "ownerReferences": [owner_reference(rollout)]}
        body = {"metadata": metadata, "spec": spec}
        return self._api.create(self._api.resources.by_key(_SETS), namespace_of(rollout), body, manager=_OWN)

    def _restart(self, rollout: Json, pods: list[Json], wanted: int) -> bool:
        """Evict one pod older than restartAt; returns whether none is left."""
        asked = rollout["spec"].get("restartAt")
        if not asked or rollout["spec"].get("paused"):
            return False
        if seconds_of(asked) > self._api.now():
            wait = seconds_of(asked) - self._api.now()
            self._maker.engine.look_later(wait, self.name, namespace_of(rollout), name_of(rollout))
            return False
        old = [pod for pod in pods if seconds_of(pod["metadata"]["creationTimestamp"]) < seconds_of(asked)]
        ready = sum(1 for pod in living(pods) if is_pod_ready(pod))
        if old and ready >= wanted and len(living(old)) == len(old):
            self._evict(rollout, old[0])
        return not old

    def _evict(self, rollout: Json, pod: Json) -> None:
        minor = self._api.resources.minor
        body = {"apiVersion": "policy/v1" if minor >= 22 else "policy/v1beta1", "kind": "Eviction"}
        try:
            evict_pod(self._api, pod, body, dry_run=False)
        except ApiError:
            self._maker.engine.look_later(RETRY_SECONDS, self.name, namespace_of(rollout), name_of(rollout))

    def _report(self, rollout: Json, newest: Json, pods: list[Json], wanted: int, restarted: bool) -> None:
        here = living(pods)
        ready = sum(1 for pod in here if is_pod_ready(pod))
        total = sum(len(living(self._maker.pods_of(one))) for one in self._sets(rollout))
        healthy = len(here) == wanted == ready == total
        status: Json = {
            "replicas": total, "updatedReplicas": len(here), "readyReplicas": ready, "availableReplicas": ready,
            "observedGeneration": str(rollout["metadata"]["generation"]), "currentPodHash": _hash_of(newest),
            "phase": "Healthy" if healthy else "Progressing",
        }  # fmt: skip
        done = (rollout.get("status") or {}).get("restartedAt")
        if restarted or done:
            status["restartedAt"] = rollout["spec"].get("restartAt") if restarted else done
        current = self._api.store.find(KEY, namespace_of(rollout), name_of(rollout))
        if current is not None:
            self._api.set_status(KEY, current, status)


def rollout_definition() -> Json:
    """Return the CustomResourceDefinition of Rollouts."""
    names = {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "shortNames": ["ro"]}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"group": "argoproj.io", "names": names, "scope": "Namespaced",
                 "versions": [{**version, "subresources": {"status": {}}}]},
    }  # fmt: skip


def _hash_of(replica_set: Json) -> str:
    return str(replica_set["metadata"]["labels"][HASH_LABEL])
