"""PodDisruptionBudgets: how many of their pods may be evicted right now."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.objects.objects import (
    Json,
    controller_of,
    int_or_percent,
    is_pod_ready,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    seconds_of,
    uid_of,
)
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.evictions import BUDGETS
from sandbox.cluster.server.store import Change

# After so long an evicted pod that was not deleted counts as healthy again.
DISRUPTION_TIMEOUT = 120.0


class DisruptionBudgets:
    """The disruption controller."""

    name = "disruption-controller"
    watches = (BUDGETS, "pods", "deployments.apps", "statefulsets.apps", "replicasets.apps", "replicationcontrollers")

    def __init__(self, api: ApiServer, engine: Engine) -> None:
        self._api = api
        self._engine = engine
        self.stuck: set[tuple[str, str]] = set()

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        namespace = namespace_of(change.obj)
        if change.key == BUDGETS:
            return () if change.type == "DELETED" else ((namespace, name_of(change.obj)),)
        if change.key == "pods":
            if change.before is not None and change.type == "MODIFIED" and _seen(change.before) == _seen(change.obj):
                return ()
            return [
                (namespace, name_of(budget))
                for budget in self._api.store.each(BUDGETS, namespace)
                if self._covers(budget, change.obj)
            ]
        if change.before is not None and change.before["spec"].get("replicas") == change.obj["spec"].get("replicas"):
            return ()
        return [(namespace, name_of(budget)) for budget in self._api.store.each(BUDGETS, namespace)]

    def reconcile(self, namespace: str, name: str) -> None:
        budget = self._api.store.find(BUDGETS, namespace, name)
        if budget is None:
            return
        pods = [pod for pod in self._api.store.each("pods", namespace) if self._covers(budget, pod)]
        disrupted = self._disrupted(budget, pods)
        expected, desired = self._expectations(budget, pods)
        healthy = sum(
            1 for pod in pods if is_pod_ready(pod) and not is_terminating(pod) and name_of(pod) not in disrupted
        )
        allowed = max(0, healthy - desired) if expected else 0
        if (namespace, name) in self.stuck:
            allowed = 0
        status: Json = {
            "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
            "expectedPods": expected, "observedGeneration": budget["metadata"]["generation"],
        }  # fmt: skip
        if disrupted:
            status["disruptedPods"] = disrupted
        self._api.set_status(BUDGETS, budget, status)

    def _covers(self, budget: Json, pod: Json) -> bool:
        selector = (budget.get("spec") or {}).get("selector")
        if selector == {} and budget["apiVersion"] == "policy/v1beta1":
            return False
        return match_label_selector(selector, labels_of(pod))

    def _disrupted(self, budget: Json, pods: list[Json]) -> dict[str, str]:
        now = self._api.now()
        here = {name_of(pod) for pod in pods if not is_terminating(pod)}
        kept = {}
        for name, at in ((budget.get("status") or {}).get("disruptedPods") or {}).items():
            left = seconds_of(at) + DISRUPTION_TIMEOUT - now
            if name in here and left > 0:
                kept[name] = at
                self._engine.look_later(left, self.name, namespace_of(budget), name_of(budget))
        return kept

    def _expectations(self, budget: Json, pods: list[Json]) -> tuple[int, int]:
        """Return (pods expected, healthy pods needed)."""
        spec = budget.get("spec") or {}
        least = spec.get("minAvailable")
        if isinstance(least, int):
            return len(pods), least
        expected = self._asked_for(pods)
        if least is not None:
            return expected, int_or_percent(least, expected, round_up=True)
        unavailable = int_or_percent(spec.get("maxUnavailable", 1), expected, round_up=True)
        return expected, max(expected - unavailable, 0)

    def _asked_for(self, pods: list[Json]) -> int:
        owners: dict[str, int] = {}
        for pod in pods:
            owner = self._top(pod)
            if owner is not None:
                owners[uid_of(owner)] = int((owner.get("spec") or {}).get("replicas", 1))
        return sum(owners.values())

    def _top(self, obj: Json) -> Json | None:
        reference = controller_of(obj)
        owner = self._api.store.with_uid(reference["uid"]) if reference else None
        if owner is None:
            return None
        return self._top(owner) or owner


def _seen(pod: Json) -> tuple[object, ...]:
    return is_pod_ready(pod), is_terminating(pod), labels_of(pod)
