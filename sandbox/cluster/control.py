"""/control/*: a person's or a test's hand on the cluster, beside the Kubernetes API. Loopback only, no token."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import Json, name_of, namespace_of
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.server.faults import PodFault, RequestFault
from sandbox.cluster.simulation import Simulation
from sandbox.cluster.weather.sky import Sky
from sandbox.web.switchboard import WrongSwitch, require_loopback, set_switches

_Handler = Callable[[web.Request], Awaitable[web.Response]]
_SIMPLE = ("latency", "expire_all_tokens", "watch_expiry", "silent_watches")


def control_routes(cluster: Simulation, sky: Sky) -> list[web.RouteDef]:
    """Return the control routes of a cluster."""
    control = Control(cluster, sky)

    def guarded(act: Callable[[Json], Any]) -> _Handler:
        async def handle(request: web.Request) -> web.Response:
            require_loopback(request)
            text = await request.text()
            try:
                asked = json.loads(text) if text else {}
                with cluster.lock:
                    found = act(asked)
            except (WrongSwitch, ValueError, TypeError, KeyError) as error:
                return web.json_response({"error": str(error)}, status=400)
            except ApiError as error:
                return web.json_response({"error": error.message}, status=error.code)
            return web.Response(body=msgspec.json.encode(found), content_type="application/json")

        return handle

    return [
        web.get("/control/faults", guarded(control.read)),
        web.post("/control/faults", guarded(control.change)),
        web.delete("/control/faults", guarded(control.clear)),
        web.post("/control/faults/requests", guarded(control.add_request_fault)),
        web.post("/control/faults/pods", guarded(control.add_pod_fault)),
        web.get("/control/weather", guarded(control.show_weather)),
        web.post("/control/weather", guarded(control.begin_weather)),
        web.delete("/control/weather", guarded(control.end_weather)),
        web.post("/control/injector", guarded(control.switch_injector)),
        web.post("/control/budget", guarded(control.stick_budget)),
        web.post("/control/quota", guarded(control.set_quota)),
        web.post("/control/autoscaler", guarded(control.wish_replicas)),
        web.post("/control/nodes", guarded(control.resize_nodes)),
        web.post("/control/watches/expire", guarded(control.expire_watches)),
        web.post("/control/tokens/expire", guarded(control.expire_token)),
        web.post("/control/namespaces/delete", guarded(control.delete_namespace)),
        web.post("/control/iam", guarded(control.set_iam)),
        web.get("/control/state", guarded(control.state)),
    ]


class Control:
    """What the control paths do. Each takes a JSON object and returns one; callers hold the cluster's lock."""

    def __init__(self, cluster: Simulation, sky: Sky) -> None:
        self._cluster = cluster
        self._sky = sky

    def read(self, asked: Json) -> Json:
        """Return the faults in force."""
        faults = self._cluster.faults
        return {
            "requests": [dataclasses.asdict(fault) for fault in faults.requests],
            "pods": [dataclasses.asdict(fault) for fault in faults.pods.active],
            "injector_down": self._cluster.injector.down,
            "controllers": [fault.sentence() for fault in self._cluster.engine.faults.values()],
            "stuck_budgets": sorted("/".join(place) for place in self._cluster.loops.budgets.stuck),
            **{name: getattr(faults, name) for name in _SIMPLE},
        }

    def change(self, asked: Json) -> Json:
        """Set latency, expire_all_tokens, watch_expiry or silent_watches."""
        unknown = sorted(set(asked) - set(_SIMPLE))
        if unknown:
            raise WrongSwitch(f"there is no switch {unknown[0]!r}; there are {', '.join(_SIMPLE)}")
        set_switches(self._cluster.faults, asked)
        self._cluster.bell.ring_all()
        return self.read({})

    def clear(self, asked: Json) -> Json:
        """Clear every fault, and end every weather."""
        self._sky.end()
        self._cluster.faults.clear()
        self._cluster.injector.down = False
        self._cluster.loops.budgets.stuck.clear()
        self._look_again("pods")
        self._look_again("poddisruptionbudgets.policy")
        return self.read({})

    def add_request_fault(self, asked: Json) -> Json:
        """Answer some requests wrongly: the fields of RequestFault."""
        self._cluster.faults.requests.append(msgspec.convert(asked, RequestFault))
        return self.read({})

    def add_pod_fault(self, asked: Json) -> Json:
        """Make some pods go wrong: the fields of PodFault."""
        self._cluster.faults.pods.active.append(msgspec.convert(asked, PodFault))
        self._look_again("pods")
        return self.read({})

    def show_weather(self, asked: Json) -> Json:
        """Return the weathers in force, and all there are."""
        return self._sky.show()

    def begin_weather(self, asked: Json) -> Json:
        """{"name", ...its fields}: begin a weather of the table."""
        fields = dict(asked)
        self._sky.begin(str(fields.pop("name")), fields)
        return self._sky.show()

    def end_weather(self, asked: Json) -> Json:
        """{"name"}: end the weathers of that name; without a name, all."""
        self._sky.end(str(asked.get("name", "")))
        return self._sky.show()

    def switch_injector(self, asked: Json) -> Json:
        """{"down": true}: the injector's webhook does not answer."""
        self._cluster.injector.down = bool(asked["down"])
        self._look_again("endpoints")
        return self.read({})

    def stick_budget(self, asked: Json) -> Json:
        """{"namespace", "name", "stuck"}: the budget allows no eviction."""
        place = (str(asked["namespace"]), str(asked["name"]))
        stuck = self._cluster.loops.budgets.stuck
        (stuck.add if asked.get("stuck", True) else stuck.discard)(place)
        self._cluster.engine.look_at(self._cluster.loops.budgets.name, *place)
        return self.read({})

    def set_quota(self, asked: Json) -> Json:
        """{"namespace", "hard": {"pods": "10"}}: a ResourceQuota, removed by an empty `hard`."""
        namespace, hard = str(asked["namespace"]), asked.get("hard") or {}
        resource = self._cluster.resources.by_key("resourcequotas")
        held = self._cluster.store.find(resource.key, namespace, "sandbox-quota")
        if held is not None:
            self._cluster.store.remove(resource.key, held)
        if hard:
            body = {"metadata": {"name": "sandbox-quota"}, "spec": {"hard": hard}}
            self._cluster.api.create(resource, namespace, body)
        return {"hard": hard}

    def wish_replicas(self, asked: Json) -> Json:
        """{"namespace", "name", "replicas"}: the autoscaler wants so many, as load would make it."""
        place = (str(asked["namespace"]), str(asked["name"]))
        self._cluster.loops.autoscalers.wishes[place] = int(asked["replicas"])
        self._cluster.engine.look_at(self._cluster.loops.autoscalers.name, *place)
        return {"wishes": {"/".join(key): count for key, count in self._cluster.loops.autoscalers.wishes.items()}}

    def resize_nodes(self, asked: Json) -> Json:
        """{"allocatable": {"cpu": "1"}}: changes what every node offers (bound pods stay)."""
        for node in list(self._cluster.store.each("nodes")):
            status = node.get("status") or {}
            offered = {**(status.get("allocatable") or {}), **asked["allocatable"]}
            self._cluster.api.set_status("nodes", node, {**status, "allocatable": offered})
        return {"allocatable": asked["allocatable"]}

    def expire_watches(self, asked: Json) -> Json:
        """Make every open watch and continue token too old."""
        self._cluster.expire_watches()
        return {"revision": self._cluster.store.revision}

    def expire_token(self, asked: Json) -> Json:
        """{"token"}: refuse one token with 401 from now on."""
        self._cluster.faults.expired_tokens.add(str(asked["token"]))
        return {"expired": len(self._cluster.faults.expired_tokens)}

    def delete_namespace(self, asked: Json) -> Json:
        """{"namespace"}: delete it with all it holds."""
        resource = self._cluster.resources.by_key("namespaces")
        namespace = self._cluster.api.get(resource, "", str(asked["namespace"]))
        delete_object(self._cluster.api, resource, namespace, DeleteOptions(admitted=True))
        return {"deleting": asked["namespace"]}

    def set_iam(self, asked: Json) -> Json:
        """{"user", "rules"}: what a Google account may do beside RBAC; rules as in a ClusterRole."""
        self._cluster.authorizer.iam[str(asked["user"])] = list(asked["rules"])
        return {"users": sorted(self._cluster.authorizer.iam)}

    def state(self, asked: Json) -> Json:
        """Return the canonical state."""
        return {"objects": self._cluster.canonical_state()}

    def _look_again(self, key: str) -> None:
        for obj in list(self._cluster.store.each(key)):
            self._cluster.engine.look_again(key, namespace_of(obj), name_of(obj))
