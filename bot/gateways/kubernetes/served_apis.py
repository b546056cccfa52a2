"""What the API server serves: resources of a group-version, and the versions of policy and authentication."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import msgspec

from bot.gateways.kubernetes.api_server import ApiServer
from bot.gateways.kubernetes.pages import decode


class Resource(msgspec.Struct):
    """One APIResource; `group` and `version` are set where they differ from the list's."""

    name: str
    kind: str
    namespaced: bool = False
    group: str = ""
    version: str = ""


class ResourceList(msgspec.Struct):
    """An APIResourceList."""

    resources: list[Resource] | None = None


class GroupVersion(msgspec.Struct):
    """One version of an API group."""

    version: str


class ApiGroup(msgspec.Struct):
    """An APIGroup."""

    name: str
    versions: list[GroupVersion] | None = None


class GroupList(msgspec.Struct):
    """An APIGroupList."""

    groups: list[ApiGroup] | None = None


RESOURCE_LISTS = msgspec.json.Decoder(ResourceList)
GROUP_LISTS = msgspec.json.Decoder(GroupList)


@dataclass(frozen=True)
class ApiPlace:
    """Where objects of a kind live."""

    base: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of a list or of one object; all namespaces without `namespace`."""
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base}{scope}/{self.plural}" + (f"/{name}" if name else "")


class ServedApis:
    """Discovery of one API server. What is found is kept; what is absent is asked for again, since a CRD may come."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._resources: dict[str, dict[str, ApiPlace]] = {}
        self._versions: dict[str, tuple[str, ...]] = {}
        self._eviction = ""

    def find_place(self, api_version: str, kind: str) -> ApiPlace | None:
        """Where a kind is served, None where it is not."""
        with self._lock:
            known = self._resources.get(api_version, {}).get(kind)
        if known is not None:
            return known
        found = {
            resource.kind: ApiPlace(base_path(api_version), resource.name, resource.namespaced)
            for resource in self._list_resources(api_version)
            if "/" not in resource.name
        }
        with self._lock:
            self._resources[api_version] = found
        return found.get(kind)

    def list_versions(self, group: str) -> tuple[str, ...]:
        """The served versions of a group, the preferred first; none where the group is absent."""
        with self._lock:
            if group in self._versions:
                return self._versions[group]
        answer = self._server.read("list API groups", "/apis")
        groups = decode(self._server, "list API groups", answer, GROUP_LISTS).groups or []
        found = {g.name: tuple(version.version for version in g.versions or ()) for g in groups}
        with self._lock:
            self._versions.update(found)
        return found.get(group, ())

    def find_policy(self) -> str:
        """The newest served version of the group policy: v1, or v1beta1 before Kubernetes 1.21."""
        return "v1" if "v1" in self.list_versions("policy") else "v1beta1"

    def find_eviction(self) -> str:
        """The group-version in which pods/eviction is served, found as kubectl does."""
        with self._lock:
            if self._eviction:
                return self._eviction
        listed = (r for r in self._list_resources("v1") if r.name == "pods/eviction")
        resource = next(listed, None)
        found = f"policy/{resource.version}" if resource and resource.version else f"policy/{self.find_policy()}"
        with self._lock:
            self._eviction = found
        return found

    def _list_resources(self, api_version: str) -> list[Resource]:
        action = f"list resources of {api_version}"
        answer = self._server.read(action, base_path(api_version), accept=(404,))
        if answer.status == 404:
            return []
        return decode(self._server, action, answer, RESOURCE_LISTS).resources or []


def base_path(api_version: str) -> str:
    """The URL path of a group-version: /api/v1 or /apis/GROUP/VERSION."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
