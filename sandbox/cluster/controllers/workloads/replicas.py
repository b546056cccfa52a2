"""What the controllers of pods share: finding theirs, making new ones, counting, trying again after a refusal."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.controllers.workloads.claims import Claims
from sandbox.cluster.controllers.workloads.disk_claims import make_claims
from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import (
    Json,
    condition_of,
    controller_of,
    copy_json,
    is_pod_ready,
    is_terminating,
    name_of,
    namespace_of,
    owner_reference,
    seconds_of,
    uid_of,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.store import Change

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class _Refusal:
    count: int
    retry_at: float
    error: ApiError


class PodMaker:
    """Creates and deletes pods for controllers, with events, and waits longer after each refusal."""

    def __init__(self, api: ApiServer, engine: Engine, recorder: Recorder, pace: Pace) -> None:
        self.api = api
        self.engine = engine
        self.recorder = recorder
        self.pace = pace
        self.claims = Claims(api)
        self._refusals: dict[str, _Refusal] = {}

    def pods_of(self, owner: Json) -> list[Json]:
        """Return the pods an owner controls, terminating ones included."""
        return self.api.store.controlled_by(uid_of(owner), "pods")

    def make(
        self, controller: str, owner: Json, pod: Json, component: str, said: str = "", failed: str = "Error creating"
    ) -> ApiError | None:
        """Create a pod for an owner, and first the disks that are its own.

        A refusal is recorded and returned, and nothing is tried for a while after it.
        """
        waited = self._wait(controller, owner)
        if waited is not None:
            return waited
        pod["metadata"]["ownerReferences"] = [owner_reference(owner)]
        try:
            make_claims(self.api, self.recorder, owner, pod, component)
            made = self.api.create(self.api.resources.by_key("pods"), namespace_of(owner), pod)
        except ApiError as error:
            self._refused(controller, owner, error, component, f"FailedCreate {failed}")
            return error
        self._refusals.pop(uid_of(owner), None)
        self.recorder.note(owner, "SuccessfulCreate", said or f"Created pod: {name_of(made)}", component)
        return None

    def drop(
        self, controller: str, owner: Json, pod: Json, component: str, said: str = "", failed: str = "Error deleting"
    ) -> ApiError | None:
        """Delete a pod gracefully for an owner; a refusal is recorded and waited after as one of `make`."""
        waited = self._wait(controller, owner)
        if waited is not None:
            return waited
        try:
            delete_object(self.api, self.api.resources.by_key("pods"), pod, DeleteOptions())
        except ApiError as error:
            self._refused(controller, owner, error, component, f"FailedDelete {failed}")
            return error
        self._refusals.pop(uid_of(owner), None)
        self.recorder.note(owner, "SuccessfulDelete", said or f"Deleted pod: {name_of(pod)}", component)
        return None

    def _wait(self, controller: str, owner: Json) -> ApiError | None:
        """Return the last refusal while nothing is tried after it."""
        refusal = self._refusals.get(uid_of(owner))
        if refusal is None or self.api.now() >= refusal.retry_at - 1e-6:
            return None
        # The look that was planned may have been this one, which came a grain too early.
        self._plan_look(controller, owner, refusal)
        return refusal.error

    def available(self, controller: str, owner: Json, pods: list[Json]) -> list[Json]:
        """Return the pods that have been ready for the owner's minReadySeconds; looks again when more will be."""
        wanted = float((owner.get("spec") or {}).get("minReadySeconds", 0))
        ready = [pod for pod in pods if is_pod_ready(pod)]
        if not wanted:
            return ready
        now = self.api.now()
        waits = {id(pod): wanted - (now - _ready_since(pod)) for pod in ready}
        pending = [wait for wait in waits.values() if wait > 0]
        if pending:
            self.engine.look_later(min(pending), controller, namespace_of(owner), name_of(owner))
        return [pod for pod in ready if waits[id(pod)] <= 0]

    def _refused(self, controller: str, owner: Json, error: ApiError, component: str, failed: str) -> None:
        if (error.details.get("causes") or [{}])[0].get("reason") == "NamespaceTerminating":
            return
        reason, _, said = failed.partition(" ")
        self.recorder.warn(owner, reason, f"{said}: {error.message}", component)
        before = self._refusals.get(uid_of(owner))
        count = before.count + 1 if before else 1
        wait = min(self.pace.create_retry * 2.0 ** min(count - 1, 10), self.pace.create_retry_most)
        self._refusals[uid_of(owner)] = refusal = _Refusal(count, self.api.now() + wait, error)
        self._plan_look(controller, owner, refusal)

    def _plan_look(self, controller: str, owner: Json, refusal: _Refusal) -> None:
        wait = refusal.retry_at - self.api.now()
        self.engine.look_later(wait, controller, namespace_of(owner), name_of(owner))


def template_pod(template: Json, labels: dict[str, str] | None = None, **metadata: str) -> Json:
    """Return a new pod from a template; `metadata` is name or generateName (as keyword arguments)."""
    head: Json = copy_json(template.get("metadata") or {})
    head.pop("creationTimestamp", None)
    head["labels"] = {**(head.get("labels") or {}), **(labels or {})}
    head |= metadata
    return {"apiVersion": "v1", "kind": "Pod", "metadata": head, "spec": copy_json(template["spec"])}


def controlled_by(change: Change, kind: str) -> tuple[tuple[str, str], ...]:
    """Name the owner of this kind that controls the changed object, or controlled it before.

    A pod's changes that no owner looks at (bound, containers created or started) concern none.
    """
    if change.key == "pods" and change.type == "MODIFIED" and _seen(change.before) == _seen(change.obj):
        return ()
    found: dict[tuple[str, str], None] = {}
    for obj in (change.obj, change.before):
        owner = controller_of(obj) if obj is not None else None
        if obj is not None and owner is not None and owner["kind"] == kind:
            found[namespace_of(obj), owner["name"]] = None
    return tuple(found)


def _seen(pod: Json | None) -> tuple[object, ...]:
    if pod is None:
        return ()
    metadata = pod["metadata"]
    owners, labels = metadata.get("ownerReferences"), metadata.get("labels")
    return is_pod_ready(pod), is_terminating(pod), pod["status"].get("phase") in _ENDED, labels, owners


def concerned(maker: PodMaker, change: Change, key: str, kind: str) -> tuple[tuple[str, str], ...]:
    """Name the owners of a kind that a pod's change concerns: who controls it, and who would adopt it."""
    return (*controlled_by(change, kind), *maker.claims.find_takers(change, key))


def itself(change: Change) -> tuple[tuple[str, str], ...]:
    """Name the changed object, unless it is gone."""
    return () if change.type == "DELETED" else ((namespace_of(change.obj), name_of(change.obj)),)


def deletion_order(pod: Json) -> tuple[bool, bool, bool, float, str]:
    """Sort key of pods to delete first: unscheduled, not running, not ready, youngest (source: controller_utils.go)."""
    running = (pod.get("status") or {}).get("phase") == "Running"
    born = seconds_of(pod["metadata"]["creationTimestamp"])
    return bool(pod["spec"].get("nodeName")), running, is_pod_ready(pod), -born, name_of(pod)


def living(pods: list[Json]) -> list[Json]:
    """Return the pods whose deletion has not begun."""
    return [pod for pod in pods if not is_terminating(pod)]


def _ready_since(pod: Json) -> float:
    ready = condition_of(pod, "Ready")
    return seconds_of(ready["lastTransitionTime"]) if ready else 0.0
