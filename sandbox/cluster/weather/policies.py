"""Other people's admission webhooks: one that refuses, one that is down, one that takes things out again."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.server.policies import Policy
from sandbox.cluster.server.webhooks import MUTATING, VALIDATING
from sandbox.cluster.simulation import Simulation

HOOK = "validate.kyverno.svc-fail"
CHANGING = ("CREATE", "UPDATE")


@dataclass(frozen=True)
class PolicyDenies:
    """A policy refuses some kinds of objects in its own words, with the HTTP code that its webhook names."""

    resources: tuple[str, ...] = ("deployments", "statefulsets", "daemonsets")
    words: str = "policy Deployment/web for resource violation: require-team: label team is required"
    code: int = 400
    operations: tuple[str, ...] = CHANGING
    webhook: str = HOOK

    def begin(self, cluster: Simulation) -> None:
        policy = Policy("deny", self.words, self.code)
        _register(cluster, VALIDATING, self.webhook, self.resources, policy, self.operations)

    def end(self, cluster: Simulation) -> None:
        _forget(cluster, VALIDATING, self.webhook)


@dataclass(frozen=True)
class PolicyDown:
    """A webhook that nobody answers for, and that lets nothing pass meanwhile."""

    resources: tuple[str, ...] = ("pods",)
    operations: tuple[str, ...] = CHANGING
    webhook: str = "validation.gatekeeper.sh"

    def begin(self, cluster: Simulation) -> None:
        _register(cluster, VALIDATING, self.webhook, self.resources, Policy("down"), self.operations)

    def end(self, cluster: Simulation) -> None:
        _forget(cluster, VALIDATING, self.webhook)


@dataclass(frozen=True)
class PolicyMutates:
    """A webhook that takes the annotation of a restart out of every template before it is kept."""

    resources: tuple[str, ...] = ("deployments", "statefulsets", "daemonsets")
    webhook: str = "mutate.kyverno.svc-fail"

    def begin(self, cluster: Simulation) -> None:
        stamp = {"kubectl.kubernetes.io/restartedAt": None}
        patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        _register(cluster, MUTATING, self.webhook, self.resources, Policy("mutate", patch=patch), CHANGING)

    def end(self, cluster: Simulation) -> None:
        _forget(cluster, MUTATING, self.webhook)


def _register(
    cluster: Simulation,
    key: str,
    webhook: str,
    resources: tuple[str, ...],
    policy: Policy,
    operations: tuple[str, ...],
) -> None:
    _forget(cluster, key, webhook)
    hook: Json = {
        "name": webhook, "admissionReviewVersions": ["v1", "v1beta1"], "sideEffects": "None", "failurePolicy": "Fail",
        "clientConfig": {"service": {"name": webhook.partition(".")[0], "namespace": "policies", "path": "/"}},
        # As such programs register themselves: not for the namespaces that a cluster lives by.
        "namespaceSelector": {"matchExpressions": [{"key": "istio-injection", "operator": "Exists"}]},
        "rules": [{
            "apiGroups": ["*"], "apiVersions": ["*"], "operations": list(operations), "resources": list(resources),
        }],
    }  # fmt: skip
    cluster.api.create(cluster.resources.by_key(key), "", {"metadata": {"name": webhook}, "webhooks": [hook]})
    cluster.api.policies.set(webhook, policy)


def _forget(cluster: Simulation, key: str, webhook: str) -> None:
    cluster.api.policies.set(webhook, None)
    held = cluster.store.find(key, "", webhook)
    if held is not None:
        cluster.store.remove(key, held)
