"""Whole objects as plain mappings, for the kinds that are few or not known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from bot.gateways.calls.faults import before_sending
from bot.gateways.kubernetes.answers import (
    ConfigMap,
    Endpoints,
    Hook,
    Service,
    ServiceReference,
    WebhookConfiguration,
)
from bot.gateways.kubernetes.api_server import APPLY, MERGE, ApiServer
from bot.gateways.kubernetes.pages import decode, list_whole
from bot.gateways.kubernetes.served_apis import ApiPlace, ServedApis
from bot.gateways.kubernetes.wire import LabelSelector, Page
from steps.contract.errors import GiveUp
from steps.contract.ports import Manifest
from steps.mesh import Event, InjectorWebhook, Requirement

T = TypeVar("T")
CONFIG_MAP, ENDPOINTS = msgspec.json.Decoder(ConfigMap), msgspec.json.Decoder(Endpoints)
SERVICE, WEBHOOKS = msgspec.json.Decoder(Service), msgspec.json.Decoder(WebhookConfiguration)
FIELD_MANAGER = "asm-upgrade-bot"
OBJECT: msgspec.json.Decoder[Manifest] = msgspec.json.Decoder(Manifest)
OBJECT_PAGES: msgspec.json.Decoder[Page[Manifest]] = msgspec.json.Decoder(Page[Manifest])


class Objects:
    """Reads and writes of single objects through one API server."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        found = self._read(f"read ConfigMap {namespace}/{name}", _path(namespace, "configmaps", name), CONFIG_MAP)
        return None if found is None else found.texts or {}

    def read_webhook(self, name: str) -> InjectorWebhook | None:
        for version in ("v1", "v1beta1"):
            path = f"/apis/admissionregistration.k8s.io/{version}/mutatingwebhookconfigurations/{quote(name)}"
            found = self._read(f"read MutatingWebhookConfiguration {name}", path, WEBHOOKS)
            if found is not None:
                return _reduce_webhook(name, found)
        return None

    def count_ready_endpoints(self, namespace: str, service: str) -> int:
        found = self._read(f"read Endpoints {namespace}/{service}", _path(namespace, "endpoints", service), ENDPOINTS)
        return sum(len(subset.addresses or ()) for subset in (found.subsets if found else None) or ())

    def read_ingress_address(self, namespace: str, service: str) -> str:
        found = self._read(f"read Service {namespace}/{service}", _path(namespace, "services", service), SERVICE)
        entries = found.status.load_balancer.ingress if found else None
        addresses = (entry.ip or entry.hostname for entry in entries or ())
        return next((address for address in addresses if address), "")

    def read_object(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        place = self._apis.find_place(api_version, kind)
        if place is None:
            return None
        action = f"read {kind} {namespace}/{name}".replace(" /", " ")
        return self._read(action, place.path(namespace, quote(name)), OBJECT)

    def list_objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Manifest, ...]:
        place = self._apis.find_place(api_version, kind)
        if place is None:
            return ()
        action = f"list {place.plural}" + (f" in {namespace}" if namespace else "")
        query = {"labelSelector": selector} if selector else {}
        found = list_whole(self._server, action, place.path(namespace), OBJECT_PAGES, query, optional=True)
        # Items of a list come without their type.
        return tuple({"apiVersion": api_version, "kind": kind, **item} for item in found)

    def apply_object(self, manifest: Manifest) -> None:
        with before_sending():
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
        action = f"list events of {kind} {name}"
        found = list_whole(self._server, action, _path(namespace, "events"), OBJECT_PAGES, {"fieldSelector": fields})
        return tuple(_reduce_event(item) for item in sorted(found, key=_find_event_time))

    def delete_namespace(self, name: str) -> None:
        self._server.send(f"delete namespace {name}", "DELETE", f"/api/v1/namespaces/{quote(name)}", accept=(404, 409))

    def _require_place(self, manifest: Manifest) -> ApiPlace:
        place = self._apis.find_place(manifest["apiVersion"], manifest["kind"])
        if place is None:
            raise GiveUp(
                f"{self._server.name} doesn't serve {manifest['kind']} of {manifest['apiVersion']}",
                "Install the kind's CustomResourceDefinition, or leave this object as it is.",
            )
        return place

    def _read(self, action: str, path: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        answer = self._server.read(action, path, accept=(404,))
        return None if answer.status == 404 else decode(self._server, action, answer, decoder)


def reduce_selector(selector: LabelSelector | None) -> tuple[dict[str, str], tuple[Requirement, ...]]:
    """The labels and the expressions of a label selector."""
    if selector is None:
        return {}, ()
    expressions = selector.match_expressions or ()
    return dict(selector.match_labels or {}), tuple(
        Requirement(one.key, one.operator, tuple(one.values or ())) for one in expressions
    )


def _reduce_webhook(name: str, found: WebhookConfiguration) -> InjectorWebhook:
    hooks = found.webhooks or [Hook()]
    service = hooks[0].client_config.service or ServiceReference()
    labels, requirements = reduce_selector(hooks[0].namespace_selector)
    return InjectorWebhook(
        name=name,
        has_ca_bundle=all(hook.client_config.ca_bundle for hook in hooks),
        failure_policy=hooks[0].failure_policy,
        service_namespace=service.namespace,
        service_name=service.name,
        namespace_selector=labels,
        namespace_requirements=requirements,
    )


def _reduce_event(item: Manifest) -> Event:
    involved = item.get("involvedObject") or {}
    return Event(
        item.get("type", ""),
        item.get("reason", ""),
        item.get("message", ""),
        int(item.get("count") or 1),
        involved.get("uid", ""),
        _find_event_time(item),
    )


def _find_event_time(item: Manifest) -> datetime:
    text = item.get("lastTimestamp") or item.get("eventTime") or item["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(text)


def _path(namespace: str, plural: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{quote(namespace)}/{plural}" + (f"/{quote(name)}" if name else "")
