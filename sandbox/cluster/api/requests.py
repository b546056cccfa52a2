"""Reading a request: which resource, version, verb and options its path and query mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.cluster.objects.errors import UnknownPath, bad_request, invalid, method_not_allowed
from sandbox.cluster.objects.field_managers import FieldOwner
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.objects.patches import APPLY_PATCH
from sandbox.cluster.objects.resources import Resource, Resources
from sandbox.cluster.server.authorization import Attributes, User

_READING = {"GET", "HEAD"}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}


@dataclass(frozen=True)
class Target:
    """What a path names. `name` is empty for a collection, `namespace` for all namespaces or a cluster-wide kind."""

    resource: Resource
    version: str
    namespace: str
    name: str
    subresource: str


@dataclass(frozen=True)
class ApiRequest:
    """One request for a resource; `by_person` if it is of a kubectl that lives by another clock than the cluster."""

    target: Target
    verb: str
    query: Mapping[str, str]
    accept: str
    content_type: str
    body: Any
    user: User
    agent: str = ""
    by_person: bool = False

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be kept. Raises ApiError 422 for a value other than All."""
        asked = self.query.get("dryRun", "")
        if asked not in ("", "All"):
            options = _OPTIONS.get(self.verb, "DeleteOptions")
            why = f'Unsupported value: []string{{"{asked}"}}: supported values: "All"'
            raise invalid(options, "meta.k8s.io", "", [("FieldValueNotSupported", "dryRun", why)])
        return asked == "All"

    @property
    def writer(self) -> FieldOwner:
        """Who the fields written by this request belong to: fieldManager, or the start of the user agent."""
        name = self.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"
        return FieldOwner(name, self.content_type == APPLY_PATCH, is_true(self.query.get("force")))

    @property
    def attributes(self) -> Attributes:
        """The request as authorization sees it."""
        target = self.target
        return Attributes(
            self.verb, target.resource.group, target.resource.plural, target.subresource, target.namespace, target.name
        )

    def object_body(self) -> Json:
        """Return the body as an object. Raises ApiError 400."""
        if not isinstance(self.body, dict):
            raise bad_request("the body of the request is not a JSON object")
        return self.body


def read_target(resources: Resources, path: str) -> Target:
    """Understand a resource path. Raises ApiError 404."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise UnknownPath(plain=True)
    namespace = ""
    # /namespaces/NAME/status concerns the namespace itself.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = resources.at(group, version, rest[0])
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        known = any(one.group == group for one in resources.all())
        raise UnknownPath(plain=not known)
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in resource.subresources:
        raise UnknownPath
    return Target(resource, version, namespace, name, subresource)


def read_verb(method: str, target: Target, query: Mapping[str, str]) -> str:
    """Return the Kubernetes verb of a method. Raises ApiError 405."""
    if method in _READING:
        if target.name and not is_true(query.get("watch")):
            verb = "get"
        else:
            verb = "watch" if is_true(query.get("watch")) else "list"
    elif method == "DELETE" and not target.name:
        verb = "deletecollection"
    elif method in _VERBS:
        verb = _VERBS[method]
    else:
        raise method_not_allowed()
    if verb in ("create",) and target.name and not target.subresource:
        raise method_not_allowed()
    if not target.subresource and verb not in target.resource.verbs:
        raise method_not_allowed()
    return verb


def is_true(value: str | None) -> bool:
    """Read a boolean of a query: present and neither 0 nor false."""
    return value is not None and value.lower() not in ("0", "false", "")
