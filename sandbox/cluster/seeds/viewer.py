"""What manifests/target-cluster/viewer.yaml sets up: a role that reads, for a name that the bot may act for."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.server.authorization import ROLES_GROUP, VIEWER

WATCHED = ("get", "list", "watch")
# verbs, API groups, resources
READ: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (WATCHED, ("",), ("configmaps", "endpoints", "events", "namespaces", "nodes", "pods", "replicationcontrollers",
                      "resourcequotas", "services")),
    (WATCHED, ("apps",), ("daemonsets", "deployments", "replicasets", "statefulsets")),
    (WATCHED, ("batch",), ("cronjobs", "jobs")),
    (WATCHED, ("policy",), ("poddisruptionbudgets",)),
    (WATCHED, ("autoscaling",), ("horizontalpodautoscalers",)),
    (WATCHED, ("admissionregistration.k8s.io",), ("mutatingwebhookconfigurations",)),
    (("get", "list"), ("apiextensions.k8s.io",), ("customresourcedefinitions",)),
    (("get", "list"), (ROLES_GROUP,), ("clusterrolebindings",)),
    (WATCHED, ("security.istio.io", "rbac.istio.io", "authentication.istio.io", "networking.istio.io"), ("*",)),
    (WATCHED, ("argoproj.io",), ("rollouts",)),
)  # fmt: skip


def viewer(name: str = VIEWER) -> list[Json]:
    """Return the viewer's role and its binding under a name of their own."""
    api, metadata = f"{ROLES_GROUP}/v1", {"name": name}
    rules = [
        {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
        for verbs, groups, resources in READ
    ]
    reference = {"apiGroup": ROLES_GROUP, "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": ROLES_GROUP, "kind": "User", "name": VIEWER}]
    return [
        {"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": rules},
        {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference,
         "subjects": subjects},
    ]  # fmt: skip
