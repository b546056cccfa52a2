"""Admission webhooks: which are called for an object, what each of them says, and what a failing one does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.cluster.objects.errors import ApiError, bad_request, internal
from sandbox.cluster.objects.objects import Json, labels_of
from sandbox.cluster.objects.patches import MERGE_PATCH, apply_patch
from sandbox.cluster.objects.resources import Resource
from sandbox.cluster.objects.selectors import match_label_selector
from sandbox.cluster.server.injection import Injector
from sandbox.cluster.server.policies import Policies, Policy
from sandbox.cluster.server.store import Store

MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"
_HARMLESS = ("None", "NoneOnDryRun")


@dataclass(frozen=True)
class Review:
    """What a webhook is asked about: the operation, and the namespace that holds the object, None without one."""

    resource: Resource
    operation: str
    namespace: Json | None
    dry_run: bool = False
    subresource: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What a rule may call it by."""
        plural, sub = self.resource.plural, self.subresource
        return frozenset({f"{plural}/{sub}", f"{plural}/*", f"*/{sub}", "*/*"} if sub else {plural, "*", "*/*"})


class AdmissionWebhooks:
    """Calls what is registered: the mesh's injector answers for itself, everybody else as the policies say."""

    def __init__(self, store: Store, injector: Injector, policies: Policies) -> None:
        self._store = store
        self._injector = injector
        self._policies = policies

    def admit(self, asked: Review, obj: Json) -> Json:
        """Return the object as the webhooks leave it. Raises ApiError with what the first refusing one answers."""
        if asked.resource.key in (MUTATING, VALIDATING):
            return obj
        for webhook in self._matching(MUTATING, asked, obj):
            obj = self._call(webhook, asked, obj)
        for webhook in self._matching(VALIDATING, asked, obj):
            # Nobody plays the webhook of a mesh that validates its own kinds: it says yes.
            if self._policies.find(webhook["name"]) is not None:
                self._call(webhook, asked, obj)
        return obj

    def _call(self, webhook: Json, asked: Review, obj: Json) -> Json:
        if asked.dry_run and webhook.get("sideEffects") not in _HARMLESS:
            raise bad_request(f'admission webhook "{webhook["name"]}" does not support dry run')
        policy = self._policies.find(webhook["name"])
        try:
            self._reach(webhook, policy)
        except ApiError:
            if webhook.get("failurePolicy") == "Ignore":
                return obj
            raise
        if policy is not None:
            return _obey(webhook, policy, obj)
        if asked.namespace is None or asked.resource.key != "pods" or asked.operation == "DELETE" or asked.subresource:
            return obj
        return self._injector.inject(obj, asked.namespace["metadata"]["name"])

    def _matching(self, key: str, asked: Review, obj: Json) -> Iterator[Json]:
        for configuration in self._store.each(key):
            for webhook in configuration.get("webhooks") or ():
                if not any(_covers(rule, asked) for rule in webhook.get("rules") or ()):
                    continue
                space = asked.namespace
                if space and not match_label_selector(webhook.get("namespaceSelector") or {}, labels_of(space)):
                    continue
                if match_label_selector(webhook.get("objectSelector") or {}, labels_of(obj)):
                    yield webhook

    def _reach(self, webhook: Json, policy: Policy | None) -> None:
        client = webhook.get("clientConfig") or {}
        service, seconds = client.get("service"), webhook.get("timeoutSeconds", 30)
        if service is None:
            address = str(client.get("url", "https://127.0.0.1"))
            if policy is None or policy.kind == "down":
                host = address.removeprefix("https://").partition("/")[0]
                why = f"dial tcp {host}: connect: connection refused"
                raise _unreachable(webhook, f"{address}?timeout={seconds}s", why)
            return
        name, namespace = service["name"], service["namespace"]
        address = f"https://{name}.{namespace}.svc:443{service.get('path', '/')}?timeout={seconds}s"
        if policy is not None:
            if policy.kind == "down":
                raise _unreachable(webhook, address, f'no endpoints available for service "{name}"')
            return
        if self._store.find("services", namespace, name) is None:
            raise _unreachable(webhook, address, f'service "{name}" not found')
        if self._injector.down or not self._has_endpoints(namespace, name):
            raise _unreachable(webhook, address, f'no endpoints available for service "{name}"')
        if not client.get("caBundle"):
            raise _unreachable(webhook, address, "x509: certificate signed by unknown authority")

    def _has_endpoints(self, namespace: str, name: str) -> bool:
        endpoints = self._store.find("endpoints", namespace, name)
        return endpoints is not None and any(part.get("addresses") for part in endpoints.get("subsets") or ())


def _obey(webhook: Json, policy: Policy, obj: Json) -> Json:
    match policy.kind:
        case "deny":
            message = f'admission webhook "{webhook["name"]}" denied the request: {policy.words}'
            raise ApiError(policy.code, "Forbidden" if policy.code == 403 else "", message)
        case "mutate":
            return _drop_empty_maps(apply_patch(obj, policy.patch, MERGE_PATCH))
        case _:
            return obj


def _drop_empty_maps(obj: Json) -> Json:
    """As the server's types write a template: no map of labels or annotations that holds nothing."""
    template = (obj.get("spec") or {}).get("template")
    if not isinstance(template, dict) or "metadata" not in template:
        return obj
    metadata = {key: value for key, value in template["metadata"].items() if value != {}}
    return {**obj, "spec": {**obj["spec"], "template": {**template, "metadata": metadata}}}


def _unreachable(webhook: Json, address: str, why: str) -> ApiError:
    return internal(f'failed calling webhook "{webhook["name"]}": Post {address}: {why}')


def _covers(rule: Json, asked: Review) -> bool:
    operations = {asked.operation, "*"} & set(rule.get("operations") or ())
    resources = asked.names & set(rule.get("resources") or ())
    groups = {asked.resource.group, "*"} & set(rule.get("apiGroups") or ())
    return bool(operations and resources and groups)
