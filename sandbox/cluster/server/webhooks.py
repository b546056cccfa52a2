"""Mutating admission webhooks for pods: which are called, and what a failing one does."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.cluster.objects.errors import ApiError, bad_request, internal
from sandbox.cluster.objects.objects import Json, labels_of
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.injection import Injector
from sandbox.cluster.server.store import Store

CONFIGURATIONS = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
_HARMLESS = ("None", "NoneOnDryRun")


class PodWebhooks:
    """Calls what MutatingWebhookConfigurations register for new pods; only the mesh's injector answers."""

    def __init__(self, store: Store, injector: Injector) -> None:
        self._store = store
        self._injector = injector

    def mutate(self, pod: Json, namespace: Json, *, dry_run: bool) -> Json:
        """Return the pod as the webhooks leave it. Raises ApiError 400 or 500."""
        for webhook in self._matching(pod, namespace):
            if dry_run and webhook.get("sideEffects") not in _HARMLESS:
                raise bad_request(f'admission webhook "{webhook["name"]}" does not support dry run')
            try:
                self._reach(webhook)
            except ApiError:
                if webhook.get("failurePolicy") == "Ignore":
                    continue
                raise
            pod = self._injector.inject(pod, namespace["metadata"]["name"])
        return pod

    def _matching(self, pod: Json, namespace: Json) -> Iterator[Json]:
        for configuration in self._store.each(CONFIGURATIONS):
            for webhook in configuration.get("webhooks") or ():
                if not any(_covers_new_pods(rule) for rule in webhook.get("rules") or ()):
                    continue
                if not match_label_selector(webhook.get("namespaceSelector") or {}, labels_of(namespace)):
                    continue
                if match_label_selector(webhook.get("objectSelector") or {}, labels_of(pod)):
                    yield webhook

    def _reach(self, webhook: Json) -> None:
        service = (webhook.get("clientConfig") or {}).get("service")
        if service is None:
            raise _unreachable(webhook, "https://127.0.0.1", "connect: connection refused")
        name, namespace = service["name"], service["namespace"]
        address = f"https://{name}.{namespace}.svc:443{service.get('path', '/')}?timeout=30s"
        if self._store.find("services", namespace, name) is None:
            raise _unreachable(webhook, address, f'service "{name}" not found')
        if self._injector.down or not self._has_endpoints(namespace, name):
            raise _unreachable(webhook, address, f'no endpoints available for service "{name}"')
        if not webhook["clientConfig"].get("caBundle"):
            raise _unreachable(webhook, address, "x509: certificate signed by unknown authority")

    def _has_endpoints(self, namespace: str, name: str) -> bool:
        endpoints = self._store.find("endpoints", namespace, name)
        return endpoints is not None and any(part.get("addresses") for part in endpoints.get("subsets") or ())


def _unreachable(webhook: Json, address: str, why: str) -> ApiError:
    return internal(f'failed calling webhook "{webhook["name"]}": Post {address}: {why}')


def _covers_new_pods(rule: Json) -> bool:
    operations = {"CREATE", "*"} & set(rule.get("operations") or ())
    resources = {"pods", "*", "*/*"} & set(rule.get("resources") or ())
    groups = {"", "*"} & set(rule.get("apiGroups") or ())
    return bool(operations and resources and groups)
