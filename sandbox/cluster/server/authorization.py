"""Who may do what: RBAC objects as they stand in the cluster, Google's IAM beside them, and whose a token is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.cluster.objects.objects import Json, namespace_of
from sandbox.cluster.server.store import Store

ROLES_GROUP = "rbac.authorization.k8s.io"
MASTERS = "system:masters"
BOT_ACCOUNT = "asm-upgrade-bot@example-project.iam.gserviceaccount.com"
ADMIN_TOKEN = "simulated-cluster-admin"
ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"

# Of manifests/target-cluster: nobody's own name, but one that reads and that the bot may act for.
VIEWER = "asm-upgrade-viewer"
# What a Google account may do where nobody has applied the roles of the manifests: roles/container.viewer, which reads
# all but secrets, and the rights to make cluster role bindings and to act for the viewer.
VIEWER_RULES: tuple[Json, ...] = (
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"], "except": ["secrets"]},
    {"apiGroups": [ROLES_GROUP], "resources": ["clusterrolebindings"],
     "verbs": ["create", "update", "patch", "delete"]},
    {"apiGroups": [ROLES_GROUP], "resources": ["clusterroles"], "verbs": ["bind"]},
    {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": [VIEWER]},
    {"nonResourceURLs": ["*"], "verbs": ["get"]},
)  # fmt: skip


# How IAM writes what the API writes without capitals, and its verbs.
NAMES = {
    name.lower(): name
    for name in (
        "clusterRoleBindings", "clusterRoles", "configMaps", "controllerRevisions", "customResourceDefinitions",
        "daemonSets", "horizontalPodAutoscalers", "limitRanges", "localSubjectAccessReviews",
        "mutatingWebhookConfigurations", "networkPolicies", "persistentVolumeClaims", "persistentVolumes",
        "podDisruptionBudgets", "replicaSets", "replicationControllers", "resourceQuotas", "roleBindings",
        "serviceAccounts", "statefulSets", "validatingWebhookConfigurations",
    )
}  # fmt: skip
VERBS = {"patch": "update", "watch": "list", "deletecollection": "delete"}
K8S, OTHERS = ".k8s.io", "thirdPartyObjects"


@dataclass(frozen=True)
class User:
    """Who a request comes from."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)


@dataclass(frozen=True)
class Attributes:
    """What a request wants; `path` instead of a resource for discovery and health."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """The resource as rules name it: pods, pods/eviction."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def find_permission(user: User, wanted: Attributes) -> str:
    """Return the IAM permission that GKE's refusal names, "" for users whom Google does not know.

    The names are those of cloud.google.com/iam/docs/permissions-reference; objects of no kind of Kubernetes' own are
    thirdPartyObjects there.
    """
    if "@" not in user.name or user.name.startswith("system:") or wanted.verb == "impersonate":
        return ""
    if wanted.full_resource == "pods/eviction":
        return "container.pods.evict"
    kind = NAMES.get(wanted.resource, wanted.resource) if "." not in wanted.group or K8S in wanted.group else OTHERS
    verb = VERBS.get(wanted.verb, wanted.verb)
    return f"container.{kind}.{verb}{wanted.subresource.capitalize()}"


@dataclass
class Authorizer:
    """Decides by the cluster's RBAC objects, then by IAM: rules by user name that no Kubernetes object shows."""

    store: Store
    iam: dict[str, list[Json]] = field(default_factory=dict)

    def allows(self, user: User, wanted: Attributes) -> bool:
        """Tell whether a user may do this."""
        if MASTERS in user.groups:
            return True
        if wanted.path and user.name != ANONYMOUS and _is_discovery(wanted.path):
            return True
        if AUTHENTICATED in user.groups and wanted.resource.startswith("selfsubject"):
            return True
        return any(_covers(rule, wanted) for rule in self.rules_of(user, wanted.namespace))

    def rules_of(self, user: User, namespace: str) -> Iterator[Json]:
        """Return the rules that hold for a user in a namespace, or cluster-wide for an empty one."""
        for binding in self.store.each(f"clusterrolebindings.{ROLES_GROUP}"):
            if _binds(binding, user):
                yield from self._role_rules(binding["roleRef"], "")
        if namespace:
            for binding in self.store.each(f"rolebindings.{ROLES_GROUP}", namespace):
                if _binds(binding, user):
                    yield from self._role_rules(binding["roleRef"], namespace_of(binding))
        yield from self.iam.get(user.name, ())

    def may_bind(self, user: User, role: Mapping[str, Any]) -> bool:
        """Tell whether a user may grant a role: by the verb `bind`, or by holding everything."""
        plural = "clusterroles" if role.get("kind") == "ClusterRole" else "roles"
        name = str(role.get("name", ""))
        if self.allows(user, Attributes("bind", ROLES_GROUP, plural, name=name)):
            return True
        return self.allows(user, Attributes("*", "*", "*"))

    def _role_rules(self, reference: Mapping[str, Any], namespace: str) -> Iterable[Json]:
        if reference["kind"] == "ClusterRole":
            role = self.store.find(f"clusterroles.{ROLES_GROUP}", "", reference["name"])
        else:
            role = self.store.find(f"roles.{ROLES_GROUP}", namespace, reference["name"])
        return (role.get("rules") or ()) if role else ()


class Tokens:
    """The tokens a cluster knows, and those of the Google account that owns the sandbox's key, known by their form."""

    def __init__(self, account: str = BOT_ACCOUNT) -> None:
        self.admin = ADMIN_TOKEN
        self.account = account
        self._users = {ADMIN_TOKEN: User("admin", (MASTERS, AUTHENTICATED))}

    def register(self, token: str, user: str, groups: tuple[str, ...] = ()) -> None:
        """Let a token stand for another user."""
        self._users[token] = User(user, (*groups, AUTHENTICATED))

    def user_of(self, token: str) -> User | None:
        """Return the user of a token, None for one that nobody has."""
        found = self._users.get(token)
        return User(self.account) if found is None and _is_googles(token) else found


def _is_googles(token: str) -> bool:
    """Tell an access token or a JWT, which clients sign themselves, from anything else."""
    return token.startswith("ya29.") or (token.startswith("eyJ") and token.count(".") == 2)


def _binds(binding: Json, user: User) -> bool:
    for subject in binding.get("subjects") or ():
        kind, name = subject["kind"], subject["name"]
        if kind == "User" and name == user.name:
            return True
        if kind == "Group" and name in user.groups:
            return True
        if kind == "ServiceAccount" and user.name == f"system:serviceaccount:{subject.get('namespace', '')}:{name}":
            return True
    return False


def _covers(rule: Mapping[str, Any], wanted: Attributes) -> bool:
    if not _names(rule.get("verbs"), wanted.verb):
        return False
    if wanted.path:
        return any(
            url == "*" or url == wanted.path or (url.endswith("*") and wanted.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs") or ()
        )
    if not _names(rule.get("apiGroups"), wanted.group) or wanted.resource in (rule.get("except") or ()):
        return False
    resources = rule.get("resources") or ()
    wildcard = f"*/{wanted.subresource}" if wanted.subresource else None
    if not _names(resources, wanted.full_resource) and wildcard not in resources:
        return False
    limited_to = rule.get("resourceNames") or ()
    return not limited_to or wanted.name in limited_to


def _names(listed: Iterable[str] | None, wanted: str) -> bool:
    members = tuple(listed or ())
    return "*" in members or wanted in members


def _is_discovery(path: str) -> bool:
    return path in ("/version", "/healthz", "/readyz", "/livez") or path.startswith(("/api", "/openapi"))
