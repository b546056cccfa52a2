"""Whole objects as plain mappings, for the kinds that are few or not known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from bot.gateways.kubernetes.api_server import APPLY, MERGE, ApiServer
from bot.gateways.kubernetes.pages import PAGE_SIZE, decode
from bot.gateways.kubernetes.served_apis import Place, ServedApis
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Manifest
from steps.mesh import Event, Requirement, Webhook

FIELD_MANAGER = "asm-upgrade-bot"
OBJECT: msgspec.json.Decoder[Manifest] = msgspec.json.Decoder(Manifest)
MOST_RESTARTS = 3


class Objects:
    """Reads and writes of single objects through one API server."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        found = self._read(f"read ConfigMap {namespace}/{name}", _path(namespace, "configmaps", name))
        return None if found is None else found.get("data") or {}

    def read_webhook(self, name: str) -> Webhook | None:
        for version in ("v1", "v1beta1"):
            path = f"/apis/admissionregistration.k8s.io/{version}/mutatingwebhookconfigurations/{quote(name)}"
            found = self._read(f"read MutatingWebhookConfiguration {name}", path)
            if found is not None:
                return _reduce_webhook(name, found)
        return None

    def count_ready_endpoints(self, namespace: str, service: str) -> int:
        found = self._read(f"read Endpoints {namespace}/{service}", _path(namespace, "endpoints", service)) or {}
        return sum(len(subset.get("addresses") or ()) for subset in found.get("subsets") or ())

    def read_ingress_address(self, namespace: str, service: str) -> str:
        found = self._read(f"read Service {namespace}/{service}", _path(namespace, "services", service)) or {}
        balancer = (found.get("status") or {}).get("loadBalancer") or {}
        addresses = (entry.get("ip") or entry.get("hostname") or "" for entry in balancer.get("ingress") or ())
        return next((address for address in addresses if address), "")

    def read_object(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        place = self._apis.find_place(api_version, kind)
        if place is None:
            return None
        return self._read(f"read {kind} {namespace}/{name}".replace(" /", " "), place.path(namespace, quote(name)))

    def list_objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Manifest, ...]:
        place = self._apis.find_place(api_version, kind)
        if place is None:
            return ()
        action = f"list {place.plural}" + (f" in {namespace}" if namespace else "")
        found = list_raw(self._server, action, place.path(namespace), {"labelSelector": selector}, optional=True)
        # Items of a list come without their type.
        return tuple({"apiVersion": api_version, "kind": kind, **item} for item in found)

    def apply_object(self, manifest: Manifest) -> None:
        place = self._require_place(manifest)
        meta = manifest["metadata"]
        path = place.path(meta.get("namespace", ""), quote(meta["name"]))
        action = f"apply {manifest['kind']} {meta['name']}"
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        answer = self._server.send(action, "PATCH", path, query, manifest, APPLY, accept=(415,))
        if answer.status == 415:  # before Kubernetes 1.16 server-side apply is off
            self._server.send(action, "PATCH", path, {"fieldManager": FIELD_MANAGER}, manifest, MERGE)

    def delete_object(self, api_version: str, kind: str, namespace: str, name: str, uid: str) -> None:
        place = self._apis.find_place(api_version, kind)
        if place is None:
            return
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        path = place.path(namespace, quote(name))
        # 409: another object was born under the name; that one was not asked for.
        self._server.send(f"delete {kind} {name}", "DELETE", path, body=body, accept=(404, 409))

    def read_events(self, namespace: str, kind: str, name: str) -> tuple[Event, ...]:
        fields = f"involvedObject.kind={kind},involvedObject.name={name}"
        found = list_raw(
            self._server, f"list events of {kind} {name}", _path(namespace, "events"), {"fieldSelector": fields}
        )
        return tuple(_reduce_event(item) for item in sorted(found, key=_find_event_time))

    def delete_namespace(self, name: str) -> None:
        self._server.send(f"delete namespace {name}", "DELETE", f"/api/v1/namespaces/{quote(name)}", accept=(404, 409))

    def _require_place(self, manifest: Manifest) -> Place:
        place = self._apis.find_place(manifest["apiVersion"], manifest["kind"])
        if place is None:
            raise GiveUp(
                f"{self._server.name} doesn't serve {manifest['kind']} of {manifest['apiVersion']}",
                "Install the kind's CustomResourceDefinition, or leave this object as it is.",
            )
        return place

    def _read(self, action: str, path: str) -> Manifest | None:
        answer = self._server.read(action, path, accept=(404,))
        return None if answer.status == 404 else decode(self._server, action, answer, OBJECT)


def list_raw(
    server: ApiServer, action: str, path: str, query: Mapping[str, str] | None = None, optional: bool = False
) -> list[Manifest]:
    """All items of a list as mappings; started again where its token expired. `optional`: an absent kind is empty."""
    asked = {key: text for key, text in (query or {}).items() if text}
    for _ in range(MOST_RESTARTS):
        found = _list_once(server, action, path, asked, optional)
        if found is not None:
            return found
    raise TryAgain(f'{server.name} expired the list of "{action}" {MOST_RESTARTS} times while it was read')


def _list_once(
    server: ApiServer, action: str, path: str, query: Mapping[str, str], optional: bool
) -> list[Manifest] | None:
    found: list[Manifest] = []
    page = {**query, "limit": str(PAGE_SIZE)}
    while True:
        answer = server.read(action, path, page, accept=(404, 410) if optional else (410,))
        if answer.status == 410:
            return None
        if answer.status == 404:
            return []
        body = decode(server, action, answer, OBJECT)
        found += body.get("items") or ()
        following = (body.get("metadata") or {}).get("continue")
        if not following:
            return found
        page["continue"] = following


def read_text(found: Manifest, key: str) -> str:
    """A value as text; a quantity may be written as a number."""
    return str(found.get(key, ""))


def read_selector(selector: Manifest | None) -> tuple[dict[str, str], tuple[Requirement, ...]]:
    """The labels and the expressions of a label selector."""
    expressions = (selector or {}).get("matchExpressions") or ()
    return (
        dict((selector or {}).get("matchLabels") or {}),
        tuple(Requirement(e["key"], e["operator"], tuple(e.get("values") or ())) for e in expressions),
    )


def _reduce_webhook(name: str, found: Manifest) -> Webhook:
    hooks = found.get("webhooks") or [{}]
    client = hooks[0].get("clientConfig") or {}
    service = client.get("service") or {}
    labels, requirements = read_selector(hooks[0].get("namespaceSelector"))
    return Webhook(
        name=name,
        has_ca_bundle=all((hook.get("clientConfig") or {}).get("caBundle") for hook in hooks),
        failure_policy=hooks[0].get("failurePolicy", ""),
        service_namespace=service.get("namespace", ""),
        service_name=service.get("name", ""),
        namespace_selector=labels,
        namespace_requirements=requirements,
    )


def _reduce_event(item: Manifest) -> Event:
    return Event(item.get("type", ""), item.get("reason", ""), item.get("message", ""), int(item.get("count") or 1))


def _find_event_time(item: Manifest) -> datetime:
    text = item.get("lastTimestamp") or item.get("eventTime") or item["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(text)


def _path(namespace: str, plural: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{quote(namespace)}/{plural}" + (f"/{quote(name)}" if name else "")
