"""The roles of the bot's account, as manifests/target-cluster gives them, and the binding that stands empty."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.viewer import viewer
from sandbox.cluster.server.authorization import ROLES_GROUP, VIEWER

OPERATOR = "asm-upgrade-operator"
LEASE = "asm-upgrade-bot"
OWN_BINDING = "cluster-admin-binding-asm-upgrade-bot"


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()) -> Json:
    rule: Json = {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}
    return {**rule, "resourceNames": [*names]} if names else rule


def operator_rules() -> list[Json]:
    """Return what the bot changes by itself, and how it binds itself while istioctl and asmctl work."""
    return [
        _rule("apps", ("daemonsets", "deployments", "statefulsets"), ("patch",)),
        _rule("argoproj.io", ("rollouts",), ("patch",)),
        _rule("", ("pods/eviction",), ("create",)),
        _rule("security.istio.io", ("authorizationpolicies",), ("patch",)),
        _rule("rbac.istio.io", ("servicerolebindings",), ("patch",)),
        _rule(ROLES_GROUP, ("clusterrolebindings",), ("patch",), (OWN_BINDING,)),
        _rule(ROLES_GROUP, ("clusterroles",), ("bind",), ("cluster-admin",)),
        _rule("coordination.k8s.io", ("leases",), ("create",)),
        _rule("coordination.k8s.io", ("leases",), ("get", "patch"), (LEASE,)),
        _rule("", ("users",), ("impersonate",), (VIEWER,)),
    ]


def account_roles(user: str) -> list[Json]:
    """Return the two roles bound to a user, and the binding that stands empty until an upgrade needs it."""
    role, binding = viewer()
    return [
        role,
        {**binding, "subjects": [_subject(user), *binding["subjects"]]},
        *role_for(user, OPERATOR, operator_rules()),
        _binding(OWN_BINDING, "cluster-admin", []),
    ]


def role_for(user: str, name: str, rules: list[Json]) -> list[Json]:
    """Return a role and the binding of the same name that gives it to a user."""
    role = {"apiVersion": f"{ROLES_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    return [role, _binding(name, name, [_subject(user)])]


def _subject(user: str) -> Json:
    return {"apiGroup": ROLES_GROUP, "kind": "User", "name": user}


def _binding(name: str, role: str, subjects: list[Json]) -> Json:
    reference = {"apiGroup": ROLES_GROUP, "kind": "ClusterRole", "name": role}
    return {"apiVersion": f"{ROLES_GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": reference, "subjects": subjects}  # fmt: skip
