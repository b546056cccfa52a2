"""Which resources the server knows, under which versions, by the Kubernetes version it plays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.cluster.objects.objects import Json

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind of object. `versions` are the served ones, the preferred first; objects are kept under `storage`."""

    group: str
    plural: str
    kind: str
    versions: tuple[str, ...]
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    storage: str = ""
    singular: str = ""
    custom: bool = False
    columns: tuple[tuple[str, str, str], ...] = ()  # additionalPrinterColumns: name, type, JSON path

    @property
    def key(self) -> str:
        """The name used inside the simulator: "pods", "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def stored_version(self) -> str:
        """The version objects are kept under."""
        return self.storage or self.versions[0]

    @property
    def stored_api_version(self) -> str:
        """The apiVersion of kept objects."""
        return self.api_version(self.stored_version)

    def api_version(self, version: str) -> str:
        """Return group/version, or the bare version for the core group."""
        return f"{self.group}/{version}" if self.group else version

    @property
    def has_status(self) -> bool:
        """Tell whether status is written through a subresource of its own."""
        return "status" in self.subresources


@dataclass(frozen=True)
class _Row:
    group: str
    plural: str
    kind: str
    # (version, first minor that serves it, first minor that no longer does)
    served: tuple[tuple[str, int, int], ...]
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    storage: str = ""


_EVER = 999
_V1 = (("v1", 0, _EVER),)
_ALL = ("all",)
_SCALED = ("status", "scale")
_RBAC = (("v1", 0, _EVER), ("v1beta1", 0, 22))
_ADMISSION = (("v1", 16, _EVER), ("v1beta1", 0, 22))
_REVIEW = (("v1", 0, _EVER), ("v1beta1", 0, 22))

_ROWS = (
    _Row("", "namespaces", "Namespace", _V1, False, ("ns",), (), ("status", "finalize")),
    _Row("", "nodes", "Node", _V1, False, ("no",), (), ("status",)),
    _Row("", "pods", "Pod", _V1, True, ("po",), _ALL, ("status", "eviction", "log", "binding", "exec")),
    _Row("", "services", "Service", _V1, True, ("svc",), _ALL, ("status",)),
    _Row("", "endpoints", "Endpoints", _V1, True, ("ep",)),
    _Row("", "configmaps", "ConfigMap", _V1, True, ("cm",)),
    _Row("", "secrets", "Secret", _V1),
    _Row("", "serviceaccounts", "ServiceAccount", _V1, True, ("sa",), (), ("token",)),
    _Row("", "events", "Event", _V1, True, ("ev",)),
    _Row("", "replicationcontrollers", "ReplicationController", _V1, True, ("rc",), _ALL, _SCALED),
    _Row("", "resourcequotas", "ResourceQuota", _V1, True, ("quota",), (), ("status",)),
    _Row("", "limitranges", "LimitRange", _V1, True, ("limits",)),
    _Row("", "persistentvolumeclaims", "PersistentVolumeClaim", _V1, True, ("pvc",), (), ("status",)),
    _Row("", "persistentvolumes", "PersistentVolume", _V1, False, ("pv",), (), ("status",)),
    _Row("apps", "deployments", "Deployment", _V1, True, ("deploy",), _ALL, _SCALED),
    _Row("apps", "replicasets", "ReplicaSet", _V1, True, ("rs",), _ALL, _SCALED),
    _Row("apps", "statefulsets", "StatefulSet", _V1, True, ("sts",), _ALL, _SCALED),
    _Row("apps", "daemonsets", "DaemonSet", _V1, True, ("ds",), _ALL, ("status",)),
    _Row("apps", "controllerrevisions", "ControllerRevision", _V1),
    _Row("batch", "jobs", "Job", _V1, True, (), _ALL, ("status",)),
    _Row("batch", "cronjobs", "CronJob", (("v1", 21, _EVER), ("v1beta1", 0, 25)), True, ("cj",), _ALL, ("status",)),
    _Row("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
         (("v2", 23, _EVER), ("v1", 0, _EVER), ("v2beta2", 12, 26), ("v2beta1", 0, 25)), True, ("hpa",), _ALL,
         ("status",), ALL_VERBS, "v2beta2"),
    _Row("policy", "poddisruptionbudgets", "PodDisruptionBudget", (("v1", 21, _EVER), ("v1beta1", 0, 25)), True,
         ("pdb",), (), ("status",)),
    _Row("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", _RBAC, False),
    _Row("rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding", _RBAC, False),
    _Row("rbac.authorization.k8s.io", "roles", "Role", _RBAC),
    _Row("rbac.authorization.k8s.io", "rolebindings", "RoleBinding", _RBAC),
    _Row("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", _ADMISSION,
         False, (), (), (), ALL_VERBS, "v1"),
    _Row("admissionregistration.k8s.io", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
         _ADMISSION, False, (), (), (), ALL_VERBS, "v1"),
    _Row("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", _ADMISSION, False,
         ("crd", "crds"), ("api-extensions",), ("status",), ALL_VERBS, "v1"),
    _Row("coordination.k8s.io", "leases", "Lease", _REVIEW),
    _Row("networking.k8s.io", "networkpolicies", "NetworkPolicy", _V1, True, ("netpol",)),
    _Row("networking.k8s.io", "ingresses", "Ingress", (("v1", 19, _EVER), ("v1beta1", 14, 22)), True, ("ing",), (),
         ("status",)),
    _Row("scheduling.k8s.io", "priorityclasses", "PriorityClass", _V1, False, ("pc",)),
    _Row("storage.k8s.io", "storageclasses", "StorageClass", _V1, False, ("sc",)),
    _Row("authentication.k8s.io", "tokenreviews", "TokenReview", _REVIEW, False, verbs=("create",)),
    _Row("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", _REVIEW, False,
         verbs=("create",)),
    _Row("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", _REVIEW, False,
         verbs=("create",)),
    _Row("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", _REVIEW, False, verbs=("create",)),
)  # fmt: skip


@dataclass
class Resources:
    """The resources of one server: built-in ones by its version, custom ones as their definitions come and go."""

    minor: int
    _by_key: dict[str, Resource] = field(default_factory=dict)
    _by_path: dict[tuple[str, str, str], Resource] = field(default_factory=dict)
    _by_kind: dict[tuple[str, str], Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in _ROWS:
            versions = tuple(name for name, since, until in row.served if since <= self.minor < until)
            if versions:
                self.add(_built_in(row, versions))

    def add(self, resource: Resource) -> None:
        """Serve a resource from now on."""
        self._by_key[resource.key] = resource
        self._by_kind[resource.group, resource.kind] = resource
        for version in resource.versions:
            self._by_path[resource.group, version, resource.plural] = resource

    def remove(self, key: str) -> None:
        """Serve a resource no longer."""
        resource = self._by_key.pop(key, None)
        if resource is None:
            return
        del self._by_kind[resource.group, resource.kind]
        for version in resource.versions:
            del self._by_path[resource.group, version, resource.plural]

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        """Find by what stands in a path."""
        return self._by_path.get((group, version, plural))

    def of_kind(self, group: str, kind: str) -> Resource | None:
        """Find by group and kind."""
        return self._by_kind.get((group, kind))

    def by_key(self, key: str) -> Resource:
        """Find by the simulator's own name; raises KeyError."""
        return self._by_key[key]

    def find(self, key: str) -> Resource | None:
        """Find by the simulator's own name."""
        return self._by_key.get(key)

    def all(self) -> Iterable[Resource]:
        """Return every served resource."""
        return tuple(self._by_key.values())


def _built_in(row: _Row, versions: tuple[str, ...]) -> Resource:
    return Resource(
        group=row.group, plural=row.plural, kind=row.kind, versions=versions, namespaced=row.namespaced,
        short=row.short, categories=row.categories, subresources=row.subresources, verbs=row.verbs,
        storage=row.storage, singular=row.kind.lower(),
    )  # fmt: skip


def minor_of(server_version: str) -> int:
    """Read 16 from v1.16.15-gke.6000. Raises ValueError."""
    found = re.match(r"^v1\.(\d+)\.\d+", server_version)
    if not found:
        raise ValueError(f"{server_version!r} is no Kubernetes version such as v1.16.15-gke.6000")
    return int(found[1])


def custom_resource(definition: Json) -> Resource:
    """Return the resource that a stored CustomResourceDefinition (v1 form) declares."""
    spec = definition["spec"]
    names = spec["names"]
    served = [row for row in spec["versions"] if row["served"]]
    storage = next(row for row in spec["versions"] if row["storage"])
    declared = storage.get("subresources") or {}
    return Resource(
        group=spec["group"], plural=names["plural"], kind=names["kind"],
        versions=tuple(row["name"] for row in served), storage=storage["name"],
        namespaced=spec["scope"] == "Namespaced", short=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()), custom=True,
        subresources=tuple(name for name in ("status", "scale") if name in declared),
        singular=names.get("singular") or names["kind"].lower(),
        columns=tuple(
            (row["name"], row["type"], row["jsonPath"]) for row in storage.get("additionalPrinterColumns") or ()
        ),
    )  # fmt: skip
