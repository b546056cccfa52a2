"""Deployments: one ReplicaSet per template, rolled within maxSurge and maxUnavailable (source: 1.16's controller)."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.workloads.deployment_status import (
    FRESH_SET,
    PAUSED,
    REFUSED_SET,
    deployment_status,
    with_progress,
)
from sandbox.cluster.controllers.workloads.replicas import controlled_by, itself
from sandbox.cluster.controllers.workloads.rolling import fenceposts, first_size, next_sizes
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.field_managers import CONTROLLERS
from sandbox.cluster.objects.objects import (
    Json,
    annotations_of,
    condition_of,
    controller_of,
    copy_json,
    is_pod_finished,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    oldest_first,
    owner_reference,
    safe_hash,
    uid_of,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.store import Change

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
_SETS = "replicasets.apps"
_KEY = "deployments.apps"
_COMPONENT = "deployment-controller"
REFUSED_SECONDS = 5.0


class Deployments:
    """The Deployment controller."""

    name = _COMPONENT
    watches = (_KEY, _SETS, "pods")

    def __init__(self, api: ApiServer, engine: Engine, recorder: Recorder) -> None:
        self._api = api
        self._engine = engine
        self._recorder = recorder

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == _SETS:
            return controlled_by(change, "Deployment")
        if change.key == "pods":
            # Only a Recreate rollout waits for pods themselves: until the last old one is gone.
            return self._owner_of_gone(change) if change.type == "DELETED" else ()
        return itself(change)

    def reconcile(self, namespace: str, name: str) -> None:
        deployment = self._api.store.find(_KEY, namespace, name)
        if deployment is None or is_terminating(deployment):
            return
        sets = self._sets(deployment)
        if any(not _is_observed(one) for one in sets):
            return
        newest = find_newest(deployment, sets)
        try:
            if not deployment["spec"].get("paused"):
                self._roll(deployment, sets, newest)
            else:
                self._resize(deployment, sets, newest)
        except ApiError:
            return  # as the real one does: it was told, the status stays behind, and it is tried again
        self._report(namespace, name)

    def _owner_of_gone(self, change: Change) -> Iterable[tuple[str, str]]:
        owner = controller_of(change.obj)
        if owner is None or owner["kind"] != "ReplicaSet":
            return ()
        owning = self._api.store.find(_SETS, namespace_of(change.obj), owner["name"])
        above = controller_of(owning) if owning else None
        return ((namespace_of(change.obj), above["name"]),) if above and above["kind"] == "Deployment" else ()

    def _sets(self, deployment: Json) -> list[Json]:
        return oldest_first(self._api.store.controlled_by(uid_of(deployment), _SETS))

    def _roll(self, deployment: Json, sets: list[Json], newest: Json | None) -> None:
        old = [one for one in sets if newest is None or uid_of(one) != uid_of(newest)]
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            if any(one["spec"]["replicas"] for one in old):
                for one in old:
                    self._scale(deployment, one, 0)
                return
            if any(self._has_pods(one) for one in old):
                return
        if newest is None:
            newest = self._new_set(deployment, sets, first_size(deployment, old))
        elif not annotations_of(newest).get(REVISION) or any(_revision(one) > _revision(newest) for one in old):
            newest = self._annotate(newest, str(max(map(_revision, sets)) + 1))
        self._annotate_deployment(deployment, newest)
        if not _is_observed(newest):
            return
        sizes = next_sizes(deployment, newest, old)
        for one in [newest, *old]:
            self._scale(deployment, one, sizes[name_of(one)])
        self._clean_up(deployment, old)

    def _resize(self, deployment: Json, sets: list[Json], newest: Json | None) -> None:
        # While paused only the number of replicas is kept, on the set that holds the pods.
        active = [one for one in sets if one["spec"]["replicas"]]
        target = active[-1] if len(active) == 1 else newest if not active else None
        if target is not None:
            self._scale(deployment, target, deployment["spec"]["replicas"])

    def _has_pods(self, replica_set: Json) -> bool:
        pods = self._api.store.owned_by(uid_of(replica_set), "pods")
        return any(not is_pod_finished(pod) for pod in pods)

    def _new_set(self, deployment: Json, sets: list[Json], size: int) -> Json:
        template: Json = copy_json(deployment["spec"]["template"])
        hashed = safe_hash(template, 9 + len(name_of(deployment)) % 2)
        labels = {**(template["metadata"].get("labels") or {}), HASH_LABEL: hashed}
        template["metadata"]["labels"] = labels
        selector: Json = copy_json(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hashed}
        revision = str(max(map(_revision, sets), default=0) + 1)
        spec: Json = {"replicas": size, "selector": selector, "template": template}
        if "minReadySeconds" in deployment["spec"]:
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        metadata = {
            "name": f"{name_of(deployment)}-{hashed}", "labels": labels,
            "annotations": {REVISION: revision, **size_annotations(deployment)},
            "ownerReferences": [owner_reference(deployment)],
        }  # fmt: skip
        body = {"metadata": metadata, "spec": spec}
        try:
            resource = self._api.resources.by_key(_SETS)
            made = self._api.create(resource, namespace_of(deployment), body, manager=CONTROLLERS)
        except ApiError as error:
            self._tell_refusal(deployment, f'Failed to create new replica set "{metadata["name"]}": {error.message}')
            raise
        if size:
            message = f"Scaled up replica set {name_of(made)} to {size}"
            self._recorder.note(deployment, "ScalingReplicaSet", message, _COMPONENT)
        note = f'Created new replica set "{name_of(made)}"'
        current = self._api.get(self._api.resources.by_key(_KEY), namespace_of(deployment), name_of(deployment))
        status = with_progress(current.get("status") or {}, "True", FRESH_SET, note, self._api.now())
        self._api.set_status(_KEY, current, status)
        return made

    def _tell_refusal(self, deployment: Json, message: str) -> None:
        """The server took no new ReplicaSet: said once, and tried again after a while."""
        namespace, name = namespace_of(deployment), name_of(deployment)
        current = self._api.get(self._api.resources.by_key(_KEY), namespace, name)
        status = with_progress(current.get("status") or {}, "False", REFUSED_SET, message, self._api.now())
        self._api.set_status(_KEY, current, status)
        self._recorder.warn(deployment, REFUSED_SET, message, _COMPONENT)
        self._engine.look_later(REFUSED_SECONDS, self.name, namespace, name)

    def _annotate(self, replica_set: Json, revision: str) -> Json:
        annotations = {**annotations_of(replica_set), REVISION: revision}
        changed = {**replica_set, "metadata": {**replica_set["metadata"], "annotations": annotations}}
        return self._api.put_if_changed(_SETS, replica_set, changed)

    def _annotate_deployment(self, deployment: Json, newest: Json) -> None:
        current = self._api.get(self._api.resources.by_key(_KEY), namespace_of(deployment), name_of(deployment))
        annotations = {**annotations_of(current), REVISION: annotations_of(newest).get(REVISION, "1")}
        changed = {**current, "metadata": {**current["metadata"], "annotations": annotations}}
        self._api.put_if_changed(_KEY, current, changed)

    def _scale(self, deployment: Json, replica_set: Json, replicas: int) -> None:
        before = replica_set["spec"]["replicas"]
        annotations = {**annotations_of(replica_set), **size_annotations(deployment)}
        if before == replicas and (not replicas or annotations == annotations_of(replica_set)):
            return
        metadata = {**replica_set["metadata"], "annotations": annotations}
        changed = {**replica_set, "metadata": metadata, "spec": {**replica_set["spec"], "replicas": replicas}}
        self._api.put_if_changed(_SETS, replica_set, changed)
        if before == replicas:
            return
        way = "up" if replicas > before else "down"
        message = f"Scaled {way} replica set {name_of(replica_set)} to {replicas}"
        self._recorder.note(deployment, "ScalingReplicaSet", message, _COMPONENT)

    def _clean_up(self, deployment: Json, old: list[Json]) -> None:
        empty = [one for one in old if not one["spec"]["replicas"] and not (one.get("status") or {}).get("replicas")]
        limit = deployment["spec"]["revisionHistoryLimit"]
        for one in sorted(empty, key=_revision)[: max(len(empty) - limit, 0)]:
            self._api.store.remove(_SETS, one)

    def _report(self, namespace: str, name: str) -> None:
        deployment = self._api.store.find(_KEY, namespace, name)
        if deployment is None:
            return
        sets = self._sets(deployment)
        newest = find_newest(deployment, sets)
        status = deployment_status(deployment, sets, newest, self._api.now())
        self._api.set_status(_KEY, deployment, status)
        progress = condition_of({"status": status}, "Progressing")
        if progress and progress["status"] == "True" and progress["reason"] not in ("NewReplicaSetAvailable", PAUSED):
            self._engine.look_later(deployment["spec"]["progressDeadlineSeconds"] + 1, self.name, namespace, name)


def size_annotations(deployment: Json) -> dict[str, str]:
    """Return what a ReplicaSet notes of its Deployment's size."""
    surge, _ = fenceposts(deployment)
    wanted = int(deployment["spec"]["replicas"])
    return {DESIRED: str(wanted), MOST: str(wanted + surge)}


def find_newest(deployment: Json, sets: list[Json]) -> Json | None:
    """Return the ReplicaSet whose template is the Deployment's."""
    wanted = deployment["spec"]["template"]
    return next((one for one in sets if _without_hash(one["spec"]["template"]) == wanted), None)


def _without_hash(template: Json) -> Json:
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def _is_observed(replica_set: Json) -> bool:
    observed = (replica_set.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= replica_set["metadata"]["generation"])


def _revision(replica_set: Json) -> int:
    return int(annotations_of(replica_set).get(REVISION, "0"))


def template_hash(pod: Json) -> str:
    """Return the pod's template hash label."""
    return str(labels_of(pod).get(HASH_LABEL, ""))
