"""Which kinds a word of the command line stands for."""

from __future__ import annotations

from sandbox.release.kubectl.faults import Failed
from sandbox.release.tools.kube_api import KubeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.tools.kube_api import Json, KubeApi


class Kind:
    """One kind of object under one version of its group."""

    def __init__(self, api_version: str, plural: str, kind: str, namespaced: bool = True) -> None:
        self.api_version = api_version
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of a list of it, or of one object."""
        prefix = "/apis" if "/" in self.api_version else "/api"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{prefix}/{self.api_version}{inside}/{self.plural}{'/' if name else ''}{name}"


# The category `all` in the order in which kubectl lists it; the servers of 1.14 to 1.21 have these.
ALL = (
    Kind("v1", "pods", "Pod"),
    Kind("v1", "replicationcontrollers", "ReplicationController"),
    Kind("v1", "services", "Service"),
    Kind("apps/v1", "daemonsets", "DaemonSet"),
    Kind("apps/v1", "deployments", "Deployment"),
    Kind("apps/v1", "replicasets", "ReplicaSet"),
    Kind("apps/v1", "statefulsets", "StatefulSet"),
    Kind("autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    Kind("batch/v1", "jobs", "Job"),
    Kind("batch/v1beta1", "cronjobs", "CronJob"),
)


def find_kinds(api: KubeApi, word: str) -> tuple[Kind, ...]:
    """Return the kinds that a word names, for `all` also those of other products. Raises Failed, KubeError."""
    groups = _groups(api, word == "all")
    if word == "all":
        return (
            *ALL,
            *(kind for group, version in groups.items() if _may_have(group) for kind in _in_all(api, version)),
        )
    plain, _, group = word.lower().partition(".")
    for version in ("v1", *groups.values()) if not group else [groups.get(group, group)]:
        for entry in _resources(api, version):
            if plain in (entry["name"], entry.get("singularName"), entry["kind"].lower(), *entry.get("shortNames", ())):
                return (Kind(version, entry["name"], entry["kind"], entry["namespaced"]),)
    raise Failed(f'error: the server doesn\'t have a resource type "{word}"')


def _groups(api: KubeApi, is_known: bool) -> dict[str, str]:
    """The groups and their preferred versions; a category that is known is listed also where they can't be read."""
    try:
        return {entry["name"]: entry["preferredVersion"]["groupVersion"] for entry in api.read("/apis")["groups"]}
    except KubeError as error:
        if error.status == 0 or not is_known:
            raise
        return {}


def _may_have(group: str) -> bool:
    """Tell whether a group may add to the category: the built-in ones are known, and Istio's kinds aren't in it."""
    return "." in group and not group.endswith((".k8s.io", ".istio.io"))


def _in_all(api: KubeApi, version: str) -> tuple[Kind, ...]:
    return tuple(
        Kind(version, entry["name"], entry["kind"], entry["namespaced"])
        for entry in _resources(api, version)
        if "all" in entry.get("categories", ())
    )


def _resources(api: KubeApi, version: str) -> list[Json]:
    try:
        listed = api.read(f"{'/apis' if '/' in version else '/api'}/{version}").get("resources", [])
    except KubeError as error:
        if error.status == 404:
            return []
        raise
    return [entry for entry in listed if "/" not in entry["name"]]
