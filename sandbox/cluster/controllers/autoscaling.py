"""HorizontalPodAutoscalers: replicas are kept between their limits; a wished-for number can be set from outside."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.objects.objects import Json, name_of, namespace_of, stamp
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.store import Change

_KEY = "horizontalpodautoscalers.autoscaling"
_TARGETS = ("deployments.apps", "statefulsets.apps", "replicasets.apps", "replicationcontrollers")


class Autoscalers:
    """The HPA controller. `wishes` replaces a load: (namespace, name) to a number of replicas."""

    name = "horizontal-pod-autoscaler"
    watches = (_KEY, *_TARGETS)

    def __init__(self, api: ApiServer, engine: Engine, recorder: Recorder, pace: Pace) -> None:
        self._api = api
        self._engine = engine
        self._recorder = recorder
        self._pace = pace
        self.wishes: dict[tuple[str, str], int] = {}

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        namespace = namespace_of(change.obj)
        if change.key == _KEY:
            return () if change.type == "DELETED" else ((namespace, name_of(change.obj)),)
        return [
            (namespace, name_of(scaler))
            for scaler in self._api.store.each(_KEY, namespace)
            if scaler["spec"]["scaleTargetRef"]["name"] == name_of(change.obj)
        ]

    def reconcile(self, namespace: str, name: str) -> None:
        scaler = self._api.store.find(_KEY, namespace, name)
        if scaler is None:
            return
        found = self._target(scaler)
        if found is None:
            return
        key, target = found
        spec = scaler["spec"]
        replicas = int(target["spec"].get("replicas", 1))
        wish = self.wishes.get((namespace, name), replicas)
        wanted = 0 if replicas == 0 else min(max(wish, spec["minReplicas"]), spec["maxReplicas"])
        status = {
            **(scaler.get("status") or {}),
            "currentReplicas": int((target.get("status") or {}).get("replicas", 0)),
        }
        status |= {"desiredReplicas": wanted, "conditions": _conditions(scaler, wish, self._api.now())}
        if wanted != replicas:
            status["lastScaleTime"] = stamp(self._api.now())
            scaled = {**target, "spec": {**target["spec"], "replicas": wanted}}
            self._api.put_if_changed(key, target, scaled, manager=None)  # by /scale, which leaves no trace
            self._recorder.note(scaler, "SuccessfulRescale", f"New size: {wanted}", self.name)
        self._api.set_status(_KEY, scaler, status)

    def _target(self, scaler: Json) -> tuple[str, Json] | None:
        reference = scaler["spec"]["scaleTargetRef"]
        group = str(reference.get("apiVersion", "")).rpartition("/")[0]
        resource = self._api.resources.of_kind(group, reference["kind"])
        target = self._api.store.find(resource.key, namespace_of(scaler), reference["name"]) if resource else None
        return (resource.key, target) if resource and target else None


def _conditions(scaler: Json, wish: int, now: float) -> list[Json]:
    spec = scaler["spec"]
    limited = not spec["minReplicas"] <= wish < spec["maxReplicas"]
    able = ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
    active = ("ScalingActive", "True", "ValidMetricFound", "the HPA was able to compute the replica count")
    inside = ("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range")
    over = (
        "ScalingLimited",
        "True",
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
    )
    under = (
        "ScalingLimited",
        "True",
        "TooFewReplicas",
        "the desired replica count is less than the minimum replica count",
    )
    edge = inside if not limited else over if wish >= spec["maxReplicas"] else under
    old = {row["type"]: row for row in (scaler.get("status") or {}).get("conditions") or ()}
    rows = []
    for kind, value, reason, message in (able, active, edge):
        before = old.get(kind)
        moved = before["lastTransitionTime"] if before and before["status"] == value else stamp(now)
        rows.append({"type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": moved})
    return rows
