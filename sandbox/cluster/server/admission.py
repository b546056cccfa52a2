"""What the API server does to objects before it keeps them: namespaces, webhooks, quota, service addresses."""

from __future__ import annotations

import hashlib

from sandbox.cluster.objects.errors import ApiError, forbidden, not_found
from sandbox.cluster.objects.objects import Json, copy_json, is_terminating, name_of, namespace_of
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.server.limit_ranges import check_bounds, with_defaults
from sandbox.cluster.server.quotas import check_quota
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
        if resource.key == "pods":
            obj = with_defaults(self._store, obj)
        obj = self._webhooks.admit(Review(resource, "CREATE", namespace, dry_run), obj)
        if resource.key == "services":
            obj = self._with_addresses(obj)
        return obj

    def admit_change(self, resource: Resource, obj: Json, *, dry_run: bool) -> Json:
        """Return a changed object as admission leaves it. Raises ApiError 400, 403 or 500."""
        return self._webhooks.admit(Review(resource, "UPDATE", self._find_namespace(resource, obj), dry_run), obj)

    def admit_deletion(self, resource: Resource, obj: Json, *, dry_run: bool) -> None:
        """Raise ApiError with what a webhook answers that does not let an object be deleted."""
        namespace = obj if resource.key == "namespaces" else self._find_namespace(resource, obj)
        self._webhooks.admit(Review(resource, "DELETE", namespace, dry_run), obj)

    def admit_eviction(self, resource: Resource, pod: Json, eviction: Json, *, dry_run: bool) -> None:
        """Raise ApiError with what a webhook answers that does not let a pod be evicted; deletion asks nobody then."""
        asked = Review(resource, "CREATE", self._find_namespace(resource, pod), dry_run, "eviction")
        self._webhooks.admit(asked, {"metadata": {}, **eviction})

    def _find_namespace(self, resource: Resource, obj: Json) -> Json | None:
        return self._store.find("namespaces", "", namespace_of(obj)) if resource.namespaced else None

    def check_limits(self, resource: Resource, obj: Json) -> None:
        """Raise ApiError 403 where a new object breaks the limits of its namespace."""
        if not resource.namespaced:
            return
        if resource.key == "pods":
            check_bounds(self._store, obj)
        check_quota(self._store, resource, obj)

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
