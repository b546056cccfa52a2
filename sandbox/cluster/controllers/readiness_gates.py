"""Who answers for readiness gates, as GKE's NEG controller does: after a while a load balancer finds a pod healthy."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.objects.objects import Json, condition_of, name_of, namespace_of, seconds_of, stamp
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.store import Change

NEG_READY = "cloud.google.com/load-balancer-neg-ready"
HEALTH_CHECK_SECONDS = 3.0


class ReadinessGates:
    """Sets a gate's condition some seconds after the containers are ready; a gate without a delay stays shut."""

    name = "readiness-gates"
    watches = ("pods",)

    def __init__(self, api: ApiServer, engine: Engine) -> None:
        self._api = api
        self._engine = engine
        self.delays: dict[str, float] = {NEG_READY: HEALTH_CHECK_SECONDS}

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.type == "DELETED" or not change.obj["spec"].get("readinessGates"):
            return ()
        return ((namespace_of(change.obj), name_of(change.obj)),)

    def reconcile(self, namespace: str, name: str) -> None:
        pod = self._api.store.find("pods", namespace, name)
        containers = condition_of(pod, "ContainersReady") if pod else None
        if pod is None or containers is None or containers["status"] != "True":
            return
        for gate in pod["spec"].get("readinessGates") or ():
            self._answer(pod, gate["conditionType"], seconds_of(containers["lastTransitionTime"]))

    def _answer(self, pod: Json, gate: str, since: float) -> None:
        held = condition_of(pod, gate)
        if gate not in self.delays or (held and held["status"] == "True"):
            return
        left = since + self.delays[gate] - self._api.now()
        if left > 0:
            self._engine.look_later(left, self.name, namespace_of(pod), name_of(pod))
            return
        row = {"type": gate, "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp(self._api.now())}
        others = [old for old in pod["status"]["conditions"] if old["type"] != gate]
        self._api.set_status("pods", pod, {**pod["status"], "conditions": [*others, row]})
