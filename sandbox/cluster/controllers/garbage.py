"""What goes with what is deleted: dependents of an owner, contents of a namespace, custom resources of a definition."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.objects.objects import Json, is_terminating, name_of, namespace_of, uid_of
from sandbox.cluster.server.apiserver import DEFINITIONS, ApiServer
from sandbox.cluster.server.deletion import FOREGROUND, DeleteOptions, delete_object
from sandbox.cluster.server.store import Change

# Kinds that own others.
_OWNERS = (
    "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "replicationcontrollers",
    "jobs.batch", "cronjobs.batch", "rollouts.argoproj.io", "services", "pods",
)  # fmt: skip


class GarbageCollector:
    """Deletes dependents whose owner is gone; looks at owners by uid."""

    name = "garbage-collector"
    watches = _OWNERS

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        owners = change.obj["metadata"].get("ownerReferences") or ()
        if change.type == "DELETED" or FOREGROUND in (change.obj["metadata"].get("finalizers") or ()):
            return [("", uid_of(change.obj)), *(("", owner["uid"]) for owner in owners)]
        if change.type == "ADDED":
            return [("", owner["uid"]) for owner in owners if self._api.store.with_uid(owner["uid"]) is None]
        return ()

    def reconcile(self, namespace: str, name: str) -> None:
        owner = self._api.store.with_uid(name)
        if owner is not None and FOREGROUND not in (owner["metadata"].get("finalizers") or ()):
            return
        dependents = self._api.store.owned_by(name)
        for dependent in dependents:
            self._delete(dependent, "Foreground" if owner is not None else "Background")
        if owner is not None and not self._api.store.owned_by(name):
            self._release(owner)

    def _delete(self, dependent: Json, propagation: str) -> None:
        resource = self._api.resources.of_kind(_group(dependent), dependent["kind"])
        if resource is None or is_terminating(dependent):
            return
        # Pods own nothing: waiting for their dependents would only delay them.
        foreground = propagation == "Foreground" and resource.key != "pods"
        options = DeleteOptions(propagation="Foreground" if foreground else "Background")
        delete_object(self._api, resource, dependent, options)

    def _release(self, owner: Json) -> None:
        resource = self._api.resources.of_kind(_group(owner), owner["kind"])
        if resource is None:
            return
        finalizers = [row for row in owner["metadata"]["finalizers"] if row != FOREGROUND]
        metadata = {**owner["metadata"], "finalizers": finalizers}
        if not finalizers:
            del metadata["finalizers"]
        self._api.finish_if_released(resource, self._api.store.put(resource.key, {**owner, "metadata": metadata}))


class Namespaces:
    """Empties namespaces that are being deleted, and gives new ones their default ServiceAccount."""

    name = "namespace-controller"
    watches = ("namespaces", "pods")

    def __init__(self, api: ApiServer, engine: Engine) -> None:
        self._api = api
        self._engine = engine

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        if change.key == "namespaces":
            return () if change.type == "DELETED" else (("", name_of(change.obj)),)
        if change.type != "DELETED":
            return ()
        namespace = self._api.store.find("namespaces", "", namespace_of(change.obj))
        return (("", namespace_of(change.obj)),) if namespace is not None and is_terminating(namespace) else ()

    def reconcile(self, namespace: str, name: str) -> None:
        obj = self._api.store.find("namespaces", "", name)
        if obj is None:
            return
        if not is_terminating(obj):
            self._ensure_account(name)
            return
        for resource in self._api.resources.all():
            if resource.namespaced and "delete" in resource.verbs:
                for content in list(self._api.store.each(resource.key, name)):
                    if not is_terminating(content):
                        delete_object(self._api, resource, content, DeleteOptions(propagation="Background"))
        if not any(self._api.store.count(resource.key, name) for resource in self._api.resources.all()):
            self._api.store.remove("namespaces", {**obj, "spec": {}})

    def _ensure_account(self, name: str) -> None:
        if self._api.store.find("serviceaccounts", name, "default") is None:
            body = {"metadata": {"name": "default"}}
            self._api.create(self._api.resources.by_key("serviceaccounts"), name, body)


class Definitions:
    """Deletes the custom resources of a deleted definition."""

    name = "definition-finalizer"
    watches = (DEFINITIONS,)

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return (("", name_of(change.obj)),) if change.type == "DELETED" else ()

    def reconcile(self, namespace: str, name: str) -> None:
        if self._api.resources.find(name) is None:
            for obj in list(self._api.store.each(name)):
                self._api.store.remove(name, obj)


def _group(obj: Json) -> str:
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    return group if version else ""
