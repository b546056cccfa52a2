"""The permissions on Google Cloud that the gateways' calls need, and the roles that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One permission: `path` matches the calls that need it, `role` is the smallest predefined one that holds it."""

    name: str
    role: str
    purpose: str
    path: re.Pattern[str]


# Sources: cloud.google.com/kubernetes-engine/docs/reference/api-permissions, cloud.google.com/iam/docs/roles-overview.
PERMISSIONS = (
    Permission(
        "container.clusters.get",
        "roles/container.clusterViewer",
        "find the cluster's endpoint and CA, its workload pool and its maintenance exclusions",
        re.compile(r"/v1/projects/[^/]+/locations/[^/]+/clusters/[^/]+"),
    ),
    Permission(
        "container.clusters.list",
        "roles/container.clusterViewer",
        "discover the clusters of a project",
        re.compile(r"/v1/projects/[^/]+/locations/-/clusters"),
    ),
    Permission(
        "container.operations.list",
        "roles/container.viewer",
        "see an upgrade of nodes that is in progress",
        re.compile(r"/v1/projects/[^/]+/locations/[^/]+/operations"),
    ),
    Permission(
        "resourcemanager.projects.get",
        "roles/browser",
        "read the project's number, which names the mesh",
        re.compile(r"/v1/projects/[^/]+"),
    ),
    Permission(
        "serviceusage.services.list",
        "roles/serviceusage.serviceUsageViewer",
        "tell which of the APIs that ASM needs are not enabled",
        re.compile(r"/v1/projects/[^/]+/services"),
    ),
)


def name_grant(project: str, name: str) -> str:
    """The remedy where a permission is missing: the command that grants it."""
    role = next(permission.role for permission in PERMISSIONS if permission.name == name)
    return (
        f"Somebody who may grant {name} runs `gcloud projects add-iam-policy-binding {project} "
        f"--member=serviceAccount:ACCOUNT --role={role}`, then retry."
    )


def find_permission(path: str) -> Permission | None:
    """The permission that a call to this path needs, None for a path that no call of the bot should have."""
    return next((permission for permission in PERMISSIONS if permission.path.fullmatch(path)), None)
