"""The running sidecar injector puts its CA bundle back into its webhook configuration, as that of istio 1.4 does."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.objects.objects import copy_json, name_of
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.injection import CONFIG_NAME, CONFIG_NAMESPACE, Injector
from sandbox.cluster.server.store import Change
from sandbox.cluster.server.webhooks import MUTATING

CA_BUNDLE = base64.b64encode(
    b"-----BEGIN CERTIFICATE-----\nsimulated mesh certificate authority\n-----END CERTIFICATE-----\n"
).decode()


class WebhookRepair:
    """Watches the webhook configuration and the injector's endpoints."""

    name = "sidecar-injector"
    watches = (MUTATING, "endpoints")

    def __init__(self, api: ApiServer, engine: Engine, injector: Injector, pace: Pace) -> None:
        self._api = api
        self._engine = engine
        self._injector = injector
        self._pace = pace
        self._seen_empty: float | None = None

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        return (("", CONFIG_NAME),) if name_of(change.obj) == CONFIG_NAME else ()

    def reconcile(self, namespace: str, name: str) -> None:
        configuration = self._api.store.find(MUTATING, "", name)
        if configuration is None or all(row["clientConfig"].get("caBundle") for row in configuration["webhooks"]):
            self._seen_empty = None
            return
        if self._injector.down or not self._is_running():
            self._seen_empty = None
            return
        now = self._api.now()
        since = self._seen_empty if self._seen_empty is not None else now
        self._seen_empty = since
        if now - since < self._pace.webhook_repair - 1e-6:
            self._engine.look_later(self._pace.webhook_repair - (now - since), self.name, "", name)
            return
        self._seen_empty = None
        repaired = copy_json(configuration)
        for row in repaired["webhooks"]:
            row["clientConfig"]["caBundle"] = CA_BUNDLE
        self._api.put_if_changed(MUTATING, configuration, repaired)

    def _is_running(self) -> bool:
        endpoints = self._api.store.find("endpoints", CONFIG_NAMESPACE, CONFIG_NAME)
        return endpoints is not None and any(row.get("addresses") for row in endpoints.get("subsets") or ())
