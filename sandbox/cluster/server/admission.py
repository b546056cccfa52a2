"""What the API server does to objects before it keeps them: namespaces, webhooks, quota, service addresses."""

from __future__ import annotations

import hashlib

from sandbox.cluster.objects.errors import ApiError, forbidden, not_found
from sandbox.cluster.objects.objects import Json, copy_json, is_pod_finished, is_terminating, name_of, namespace_of
from sandbox.cluster.objects.quantities import format_quantity, is_quantity, parse_quantity, requests_of
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.server.store import Store
from sandbox.cluster.server.webhooks import AdmissionWebhooks, Review


class Admission:
    """The admission chain."""

    def __init__(self, store: Store, webhooks: AdmissionWebhooks) -> None:
        self._store = store
        self._webhooks = webhooks

    def admit(self, resource: Resource, obj: Json, *, dry_run: bool) -> Json:
        """Return a new object as admission leaves it. Raises ApiError 400, 403, 404 or 500."""
        namespace = self._open_namespace(resource, obj) if resource.namespaced else None
        obj = self._webhooks.admit(Review(resource, "CREATE", namespace, dry_run), obj)
        if resource.key == "services":
            obj = self._with_addresses(obj)
        return obj

    def admit_change(self, resource: Resource, obj: Json, *, dry_run: bool) -> Json:
        """Return a changed object as admission leaves it. Raises ApiError 400, 403 or 500."""
        namespace = self._store.find("namespaces", "", namespace_of(obj)) if resource.namespaced else None
        return self._webhooks.admit(Review(resource, "UPDATE", namespace, dry_run), obj)

    def check_quota(self, resource: Resource, obj: Json) -> None:
        """Raise ApiError 403 where a new pod exceeds a ResourceQuota of its namespace."""
        if resource.key != "pods":
            return
        asked = {f"requests.{name}": amount for name, amount in requests_of(obj["spec"]).items()}
        asked |= {"pods": 1.0}
        for quota in self._store.each("resourcequotas", namespace_of(obj)):
            self._check_one(quota, obj, asked)

    def _check_one(self, quota: Json, pod: Json, asked: dict[str, float]) -> None:
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = quota_use(self._store, namespace_of(pod))
        for written, limit in hard.items():
            name = quota_name(written)
            if not is_quantity(limit):
                continue
            want = asked.get(name, 0.0)
            if want and used.get(name, 0.0) + want > parse_quantity(limit):
                shown = [f"{written}={format_quantity(amount, written)}" for amount in (want, used.get(name, 0.0))]
                why = f"exceeded quota: {name_of(quota)}, requested: {shown[0]}, used: {shown[1]}, limited: "
                why += f"{written}={limit}"
                raise forbidden("pods", "", name_of(pod), why)

    def _open_namespace(self, resource: Resource, obj: Json) -> Json:
        name = namespace_of(obj)
        namespace = self._store.find("namespaces", "", name)
        if namespace is None:
            raise not_found("namespaces", "", name)
        if is_terminating(namespace) and resource.key != "events":
            why = f"unable to create new content in namespace {name} because it is being terminated"
            error: ApiError = forbidden(resource.plural, resource.group, name_of(obj), why)
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated"}
            error.details["causes"] = [{**cause, "field": "metadata.namespace"}]
            raise error
        return namespace

    def _with_addresses(self, service: Json) -> Json:
        made: Json = copy_json(service)
        spec = made["spec"]
        seed = hashlib.sha256(f"{namespace_of(made)}/{name_of(made)}".encode()).digest()
        if spec["type"] != "ExternalName":
            spec.setdefault("clusterIP", f"10.8.{seed[0] % 16}.{1 + seed[1] % 250}")
        if spec["type"] in ("LoadBalancer", "NodePort"):
            for index, port in enumerate(spec.get("ports") or ()):
                port.setdefault("nodePort", 30000 + (seed[2] * 256 + seed[3] + index) % 2767)
        return made


def quota_name(written: str) -> str:
    """Return a quota's resource as it is counted: "cpu" means "requests.cpu"."""
    counted = written == "pods" or written.startswith(("requests.", "limits."))
    return written if counted else f"requests.{written}"


def quota_use(store: Store, namespace: str) -> dict[str, float]:
    """Add up what a namespace's pods use of a quota: pods and requests.*."""
    used: dict[str, float] = {"pods": 0.0}
    for pod in store.each("pods", namespace):
        if is_pod_finished(pod):
            continue
        used["pods"] += 1
        for name, amount in requests_of(pod["spec"]).items():
            used[f"requests.{name}"] = used.get(f"requests.{name}", 0.0) + amount
    return used
