from __future__ import annotations

from pathlib import Path

from bot.gateways.google.credentials import SCOPES
from bot.gateways.google.gke import GkeGateway
from bot.gateways.google.permissions import PERMISSIONS, find_permission
from sandbox.google.server import TOKEN_PATH
from tests.unit.bot.gateways.project import ADDRESS, Google


def test_the_calls_really_made_need_exactly_the_permissions_listed(google: Google, gke: GkeGateway) -> None:
    """No call goes without its permission, and no permission is asked for in vain."""
    gke.describe_cluster(ADDRESS)
    gke.discover_clusters("example-project")
    gke.list_operations(ADDRESS)
    gke.list_exclusions(ADDRESS)
    gke.list_disabled_services("example-project", ["meshca.googleapis.com"])
    calls = {(method, path) for method, path in google.apis.requests if path != TOKEN_PATH}
    assert {method for method, _ in calls} == {"GET"}
    assert {find_permission(path) for _, path in calls} == set(PERMISSIONS)


def test_the_document_lists_the_same(project_root: Path) -> None:
    """What an administrator reads is what the program needs."""
    document = (project_root / "docs" / "permissions.md").read_text()
    for permission in PERMISSIONS:
        assert f"| `{permission.name}` | `{permission.role}` | {permission.purpose} |" in document
    for scope in SCOPES:
        assert f"| `{scope}` |" in document
