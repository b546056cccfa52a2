"""What manifests/target-cluster/viewer.yaml sets up: a role that reads, for a name that the bot may act for."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.server.authorization import ROLES_GROUP, VIEWER

WATCHED = ("get", "list", "watch")
# API groups, resources
READ: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("",), ("configmaps", "endpoints", "events", "namespaces", "nodes", "persistentvolumeclaims", "pods",
             "replicationcontrollers", "resourcequotas", "serviceaccounts", "services")),
    (("apps",), ("daemonsets", "deployments", "replicasets", "statefulsets")),
    (("batch",), ("cronjobs", "jobs")),
    (("extensions",), ("ingresses",)),
    (("policy",), ("poddisruptionbudgets",)),
    (("autoscaling",), ("horizontalpodautoscalers",)),
    (("admissionregistration.k8s.io",), ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")),
    (("apiextensions.k8s.io",), ("customresourcedefinitions",)),
    ((ROLES_GROUP,), ("clusterrolebindings", "clusterroles", "rolebindings", "roles")),
    (("authentication.istio.io", "config.istio.io", "install.istio.io", "networking.istio.io", "rbac.istio.io",
      "security.istio.io"),
     ("*",)),
    (("argoproj.io",), ("rollouts",)),
)  # fmt: skip


def viewer_rules() -> list[Json]:
    """Return what is read before anybody has approved: everything but Secrets."""
    return [
        {"apiGroups": list(groups), "resources": list(resources), "verbs": list(WATCHED)} for groups, resources in READ
    ]


def viewer(name: str = VIEWER) -> list[Json]:
    """Return the viewer's role and its binding under a name of their own."""
    api, metadata = f"{ROLES_GROUP}/v1", {"name": name}
    reference = {"apiGroup": ROLES_GROUP, "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": ROLES_GROUP, "kind": "User", "name": VIEWER}]
    return [
        {"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": viewer_rules()},
        {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference,
         "subjects": subjects},
    ]  # fmt: skip
