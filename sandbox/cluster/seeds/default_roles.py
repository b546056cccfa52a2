"""The roles and grants that every cluster has at its start (source: bootstrappolicy), those that are asked about."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json

_GROUP = "rbac.authorization.k8s.io"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_SEEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("bindings", "configmaps", "endpoints", "events", "limitranges", "namespaces", "namespaces/status",
          "persistentvolumeclaims", "pods", "pods/log", "pods/status", "replicationcontrollers",
          "replicationcontrollers/scale", "resourcequotas", "resourcequotas/status", "serviceaccounts", "services")),
    ("apps", ("controllerrevisions", "daemonsets", "deployments", "deployments/scale", "replicasets",
              "replicasets/scale", "statefulsets", "statefulsets/scale")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("policy", ("poddisruptionbudgets",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
)  # fmt: skip
_EDITED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("configmaps", "endpoints", "persistentvolumeclaims", "pods", "pods/attach", "pods/exec", "pods/portforward",
          "pods/proxy", "replicationcontrollers", "replicationcontrollers/scale", "secrets", "serviceaccounts",
          "services", "services/proxy")),
    *_SEEN[1:],
)  # fmt: skip
_SECRETS = {"apiGroups": [""], "resources": ["secrets", "pods/exec", "pods/portforward", "pods/proxy"]}


def list_default_roles() -> list[Json]:
    """Return cluster-admin, admin, edit, view and what everybody may do, with the bindings of those that have one."""
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    seen, edited = _rules(_SEEN, _READ), _rules(_EDITED, _WRITE)
    secrets = [{**_SECRETS, "verbs": list(_READ)}]
    impersonation = [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}]
    roles = [{"apiGroups": [_GROUP], "resources": ["rolebindings", "roles"], "verbs": [*_READ, *_WRITE]}]
    paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"]
    reviews = {"apiGroups": ["authorization.k8s.io"], "verbs": ["create"]}
    reviewed = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    return [
        _role("cluster-admin", everything), _grant("cluster-admin", "system:masters"),
        _role("view", seen), _role("edit", [*seen, *secrets, *edited, *impersonation]),
        _role("admin", [*seen, *secrets, *edited, *impersonation, *roles]),
        _role("system:discovery", [{"nonResourceURLs": [*paths, "/version", "/version/"], "verbs": ["get"]}]),
        _grant("system:discovery", "system:authenticated"),
        _role("system:basic-user", [{**reviews, "resources": reviewed}]),
        _grant("system:basic-user", "system:authenticated"),
    ]  # fmt: skip


def _rules(table: tuple[tuple[str, tuple[str, ...]], ...], verbs: tuple[str, ...]) -> list[Json]:
    return [{"apiGroups": [group], "resources": list(plurals), "verbs": list(verbs)} for group, plurals in table]


def _role(name: str, rules: list[Json]) -> Json:
    metadata = {"name": name, "labels": dict(_LABELS)}
    return {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _grant(role: str, group: str) -> Json:
    return {
        "apiVersion": f"{_GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": role, "labels": dict(_LABELS)},
        "roleRef": {"kind": "ClusterRole", "apiGroup": _GROUP, "name": role},
        "subjects": [{"kind": "Group", "apiGroup": _GROUP, "name": group}],
    }  # fmt: skip
