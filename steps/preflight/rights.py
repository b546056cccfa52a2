"""The rights that an upgrade uses, and the command that grants them."""

from __future__ import annotations

from collections.abc import Iterable

from steps.contract.ports import Kubernetes
from steps.mesh import Right

OPERATOR_REMEDY = (
    "A cluster administrator applies the operator's role: `kubectl apply -k manifests/target-cluster` with the bot's "
    "account in it."
)
ADMIN_ROLE = "cluster-admin"
LEASE_NAME = "asm-upgrade-bot"
EVERYTHING = Right("*", "*", "*")

_READ = ("get", "list")
_ISTIO_GROUPS = (
    "authentication.istio.io",
    "config.istio.io",
    "networking.istio.io",
    "rbac.istio.io",
    "security.istio.io",
)
# What `istioctl manifest apply` creates and patches in an ASM 1.4 control plane; `escalate` and `bind` because
# RBAC lets nobody hand out rights that they lack.
_APPLIED: tuple[tuple[str, str], ...] = (
    ("", "namespaces"),
    ("", "configmaps"),
    ("", "services"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("apps", "daemonsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
)
_READ_ONLY: tuple[tuple[str, str], ...] = (
    ("", "nodes"),
    ("", "pods"),
    ("", "endpoints"),
    ("", "events"),
    ("", "replicationcontrollers"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    # looked at before an apply, which removes those of a component that is switched off
    ("", "persistentvolumeclaims"),
    ("", "secrets"),
    ("batch", "cronjobs"),
    ("extensions", "ingresses"),
)
# What an approved removal may be besides what is applied.
_REMOVED: tuple[tuple[str, str], ...] = (
    ("", "endpoints"),
    ("", "persistentvolumeclaims"),
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "secrets"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("extensions", "ingresses"),
)


def list_rights() -> tuple[Right, ...]:
    """Every right used after the access phase, by the bot itself or by istioctl and asmctl for it."""
    return (
        *(Right(verb, resource, group) for group, resource in _READ_ONLY for verb in _READ),
        *(Right(verb, name, group) for group, name in _APPLIED for verb in (*_READ, "create", "patch", "delete")),
        *(Right("delete", name, group) for group, name in _REMOVED),
        *(Right(verb, "*", group) for group in _ISTIO_GROUPS for verb in (*_READ, "create", "patch", "delete")),
        Right("escalate", "clusterroles", "rbac.authorization.k8s.io"),
        Right("bind", "clusterroles", "rbac.authorization.k8s.io"),
        Right("patch", "statefulsets", "apps"),
        Right("create", "pods", subresource="eviction"),
        Right("create", "pods", subresource="exec"),
    )


def list_sidecar_rights(*, rollouts: bool = False) -> tuple[Right, ...]:
    """What the bot itself reads and changes after validate; `rollouts` where the cluster has any of Argo's."""
    kinds = (("apps", name) for name in ("deployments", "daemonsets", "statefulsets"))
    argo = (("argoproj.io", "rollouts"),) if rollouts else ()
    policies = (("security.istio.io", "authorizationpolicies"), ("rbac.istio.io", "servicerolebindings"))
    read = ("namespaces", "nodes", "pods", "events")
    return (
        *(Right("list", name) for name in read),
        Right("list", "replicasets", "apps"),
        *(Right("patch", name, group) for group, name in (*kinds, *argo, *policies)),
        Right("create", "pods", subresource="eviction"),
    )


def list_lease_rights(namespace: str) -> tuple[Right, ...]:
    """What holding the cluster against other bots takes."""
    group = "coordination.k8s.io"
    named = (Right(verb, "leases", group, namespace, name=LEASE_NAME) for verb in ("get", "patch"))
    return (*named, Right("create", "leases", group, namespace))


def find_lease_risk(kubernetes: Kubernetes, namespace: str) -> tuple[str, ...]:
    """What is said at the gate if the account may not hold a Lease; the upgrade goes on without one."""
    missing = kubernetes.find_missing_rights(list_lease_rights(namespace))
    if not missing:
        return ()
    return (
        f"Another bot is not kept from this cluster: the account lacks {describe_rights(missing)}. {OPERATOR_REMEDY}",
    )


def describe_right(right: Right) -> str:
    """`patch deployments.apps`, `create pods/eviction`."""
    resource = f"{right.resource}.{right.group}" if right.group else right.resource
    return f"{right.verb} {resource}" + (f"/{right.subresource}" if right.subresource else "")


def describe_rights(rights: Iterable[Right]) -> str:
    """One list, the verbs of a resource gathered: `get, list nodes; patch deployments.apps`."""
    gathered: dict[str, list[str]] = {}
    for right in rights:
        verb, _, resource = describe_right(right).partition(" ")
        gathered.setdefault(resource, []).append(verb)
    return "; ".join(f"{', '.join(verbs)} {resource}" for resource, verbs in gathered.items())


def describe_grant(binding: str, account: str) -> str:
    """The command with which a cluster administrator grants what is missing."""
    return f'kubectl create clusterrolebinding {binding} --clusterrole={ADMIN_ROLE} --user="{account}"'
