"""The status of ResourceQuotas: what of each limit is used."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.objects.objects import is_pod_finished, name_of, namespace_of
from sandbox.cluster.objects.quantities import format_quantity
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.quotas import quota_use
from sandbox.cluster.server.store import Change

_KEY = "resourcequotas"
_COUNTED = (
    "pods", "services", "secrets", "configmaps", "replicationcontrollers", "persistentvolumeclaims",
    "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch",
)  # fmt: skip


class Quotas:
    """The ResourceQuota controller."""

    name = "resourcequota-controller"
    watches = (_KEY, *_COUNTED)

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        namespace = namespace_of(change.obj)
        if change.key == _KEY:
            return () if change.type == "DELETED" else ((namespace, name_of(change.obj)),)
        if change.type == "MODIFIED" and (change.key != "pods" or not is_pod_finished(change.obj)):
            return ()
        return [(namespace, name_of(quota)) for quota in self._api.store.each(_KEY, namespace)]

    def reconcile(self, namespace: str, name: str) -> None:
        quota = self._api.store.find(_KEY, namespace, name)
        if quota is None:
            return
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = quota_use(self._api.store, namespace, hard)
        shown = {name: format_quantity(used[name], name) for name in hard}
        self._api.set_status(_KEY, quota, {"hard": hard, "used": shown})
