"""The status of ResourceQuotas: what of each limit is used."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.cluster.objects.objects import name_of, namespace_of
from sandbox.cluster.objects.quantities import format_quantity
from sandbox.cluster.server.admission import quota_name, quota_use
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.store import Change

_KEY = "resourcequotas"


class Quotas:
    """The ResourceQuota controller, for pods and their requests."""

    name = "resourcequota-controller"
    watches = (_KEY, "pods")

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        namespace = namespace_of(change.obj)
        if change.key == _KEY:
            return () if change.type == "DELETED" else ((namespace, name_of(change.obj)),)
        if change.type == "MODIFIED":
            return ()
        return [(namespace, name_of(quota)) for quota in self._api.store.each(_KEY, namespace)]

    def reconcile(self, namespace: str, name: str) -> None:
        quota = self._api.store.find(_KEY, namespace, name)
        if quota is None:
            return
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = quota_use(self._api.store, namespace)
        shown = {written: format_quantity(used.get(quota_name(written), 0.0), written) for written in hard}
        self._api.set_status(_KEY, quota, {"hard": hard, "used": shown})
