"""Discovery: /version, /api, /apis and the resource lists that kubectl and dynamic clients read."""

from __future__ import annotations

from sandbox.cluster.objects.objects import Json, digest
from sandbox.cluster.objects.resources import Resource, Resources

_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def version_info(server_version: str) -> Json:
    """Return what /version says."""
    major, minor = server_version.removeprefix("v").split(".")[:2]
    plus = "+" if "gke" in server_version else ""
    return {
        "major": major, "minor": f"{minor}{plus}", "gitVersion": server_version,
        "gitCommit": digest(server_version).hex()[:40], "gitTreeState": "clean", "buildDate": "2020-11-13T09:22:07Z",
        "goVersion": "go1.13.15b4", "compiler": "gc", "platform": "linux/amd64",
    }  # fmt: skip


def core_versions(address: str) -> Json:
    """Return what /api says."""
    return {
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }  # fmt: skip


def group_list(resources: Resources) -> Json:
    """Return what /apis says."""
    groups = sorted({resource.group for resource in resources.all() if resource.group})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(resources, name) for name in groups]}


def one_group(resources: Resources, name: str) -> Json | None:
    """Return what /apis/GROUP says, None for a group not served."""
    if not any(resource.group == name for resource in resources.all()):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(resources, name)}


def resource_list(resources: Resources, group: str, version: str) -> Json | None:
    """Return what /api/v1 or /apis/GROUP/VERSION says, None for one not served."""
    served = [one for one in resources.all() if one.group == group and version in one.versions]
    if not served:
        return None
    rows: list[Json] = []
    for resource in sorted(served, key=lambda one: one.plural):
        rows.append(_row(resource))
        rows += [_subresource_row(resource, name, resources.minor) for name in resource.subresources]
    api = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": rows}


def _group(resources: Resources, name: str) -> Json:
    versions = sorted(
        {version for one in resources.all() if one.group == name for version in one.versions},
        key=_preference,
    )
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _preference(version: str) -> tuple[int, int, int]:
    # Stable before beta before alpha, higher numbers first.
    number, _, rest = version.removeprefix("v").partition("beta")
    if not rest and "alpha" in number:
        number, _, rest = number.partition("alpha")
        return 2, -int(number), -int(rest)
    return (1, -int(number), -int(rest)) if rest else (0, -int(number), 0)


def _row(resource: Resource) -> Json:
    row: Json = {
        "name": resource.plural, "singularName": resource.singular if resource.custom else "",
        "namespaced": resource.namespaced, "kind": resource.kind, "verbs": sorted(resource.verbs),
    }  # fmt: skip
    if resource.short:
        row["shortNames"] = list(resource.short)
    if resource.categories:
        row["categories"] = list(resource.categories)
    row["storageVersionHash"] = digest(resource.key).hex()[:11] + "="
    return row


def _subresource_row(resource: Resource, name: str, minor: int) -> Json:
    row: Json = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
    if name == "scale":
        return {**row, **_SCALE, "verbs": ["get", "patch", "update"]}
    if name == "eviction":
        version = "v1" if minor >= 22 else "v1beta1"
        return {**row, "group": "policy", "version": version, "kind": "Eviction", "verbs": ["create"]}
    verbs = {
        "log": ["get"],
        "binding": ["create"],
        "exec": ["create", "get"],
        "token": ["create"],
        "finalize": ["update"],
    }
    return {**row, "kind": resource.kind, "verbs": verbs.get(name, ["get", "patch", "update"])}
