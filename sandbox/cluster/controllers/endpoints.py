"""Endpoints of Services, and the address of load balancers."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.objects.objects import (
    Json,
    condition_of,
    digest,
    is_pod_finished,
    is_pod_ready,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    seconds_of,
    uid_of,
)
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.store import Change


class EndpointsController:
    """Keeps an Endpoints object for each Service with a selector."""

    name = "endpoint-controller"
    watches = ("services", "pods")

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        namespace = namespace_of(change.obj)
        if change.key == "services":
            return ((namespace, name_of(change.obj)),)
        if change.before is not None and _shown(change.before) == _shown(change.obj) and change.type != "DELETED":
            return ()
        labels = labels_of(change.obj).items()
        return [
            (namespace, name_of(service))
            for service in self._api.store.each("services", namespace)
            if _selector(service) and _selector(service).items() <= labels
        ]

    def reconcile(self, namespace: str, name: str) -> None:
        service = self._api.store.find("services", namespace, name)
        held = self._api.store.find("endpoints", namespace, name)
        if service is None:
            if held is not None:
                self._api.store.remove("endpoints", held)
            return
        if not _selector(service):
            return
        subsets = self._subsets(service)
        if held is None:
            metadata: Json = {"name": name, **({"labels": dict(labels_of(service))} if labels_of(service) else {})}
            body: Json = {"metadata": metadata, **({"subsets": subsets} if subsets else {})}
            self._api.create(self._api.resources.by_key("endpoints"), namespace, body)
            return
        fresh = {key: value for key, value in held.items() if key != "subsets"}
        self._api.put_if_changed("endpoints", held, {**fresh, **({"subsets": subsets} if subsets else {})})

    def _subsets(self, service: Json) -> list[Json]:
        wanted = _selector(service).items()
        ready: list[Json] = []
        waiting: list[Json] = []
        for pod in self._api.store.each("pods", namespace_of(service)):
            if wanted <= labels_of(pod).items() and _is_addressed(pod):
                (ready if is_pod_ready(pod) else waiting).append(_address(pod))
        if not ready and not waiting:
            return []
        subset: Json = {"addresses": ready} if ready else {}
        if waiting:
            subset["notReadyAddresses"] = waiting
        subset["ports"] = [_endpoint_port(port) for port in service["spec"].get("ports") or ()]
        return [subset]


class LoadBalancers:
    """Gives Services of type LoadBalancer an address after a while."""

    name = "service-controller"
    watches = ("services",)

    def __init__(self, api: ApiServer, engine: Engine, pace: Pace) -> None:
        self._api = api
        self._engine = engine
        self._pace = pace

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.type == "DELETED" or change.obj["spec"].get("type") != "LoadBalancer":
            return ()
        return ((namespace_of(change.obj), name_of(change.obj)),)

    def reconcile(self, namespace: str, name: str) -> None:
        service = self._api.store.find("services", namespace, name)
        if service is None or (service.get("status") or {}).get("loadBalancer", {}).get("ingress"):
            return
        waited = self._api.now() - seconds_of(service["metadata"]["creationTimestamp"])
        if waited < self._pace.load_balancer:
            self._engine.look_later(self._pace.load_balancer - waited, self.name, namespace, name)
            return
        # 203.0.113.0/24 is reserved for documentation.
        address = f"203.0.113.{1 + digest(uid_of(service))[0] % 250}"
        self._api.set_status("services", service, {"loadBalancer": {"ingress": [{"ip": address}]}})


def _selector(service: Json) -> dict[str, str]:
    return service["spec"].get("selector") or {}


def _is_addressed(pod: Json) -> bool:
    return bool(pod["status"].get("podIP")) and not is_terminating(pod) and not is_pod_finished(pod)


def _shown(pod: Json) -> tuple[object, ...]:
    ready = condition_of(pod, "Ready")
    return pod["status"].get("podIP"), ready and ready["status"], is_terminating(pod), labels_of(pod)


def _address(pod: Json) -> Json:
    target = {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": target}


def _endpoint_port(port: Json) -> Json:
    target = port["targetPort"]
    number = target if isinstance(target, int) else port["port"]
    return {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
