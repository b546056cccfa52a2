"""Rights and estimates."""

from __future__ import annotations

import pytest

from steps.mesh import Right
from steps.preflight.rights import describe_grant, describe_rights, list_rights
from steps.workloads.estimate import describe_range
from tests.unit.steps.builders import read_shipped_release

RELEASE = read_shipped_release()


def test_rights_are_asked_once_each() -> None:
    """No question twice."""
    rights = list_rights()
    assert len(rights) == len(set(rights))


@pytest.mark.parametrize(
    "right",
    [
        Right("patch", "deployments", "apps"),
        Right("patch", "statefulsets", "apps"),
        Right("patch", "daemonsets", "apps"),
        Right("create", "pods", subresource="eviction"),
        Right("escalate", "clusterroles", "rbac.authorization.k8s.io"),
        Right("patch", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"),
    ],
)
def test_what_the_upgrade_does_is_asked_for(right: Right) -> None:
    """Restarts, evictions, istioctl's RBAC rules and webhooks."""
    assert right in list_rights()


def test_missing_rights_are_gathered_by_resource() -> None:
    """One list that people can read."""
    missing = [Right("get", "pods"), Right("list", "pods"), Right("patch", "deployments", "apps")]
    assert describe_rights(missing) == "get, list pods; patch deployments.apps"


def test_the_grant_is_the_guides_command() -> None:
    """With the account that the API server knows the bot by."""
    assert describe_grant("cluster-admin-binding", "bot@example.com") == (
        'kubectl create clusterrolebinding cluster-admin-binding --clusterrole=cluster-admin --user="bot@example.com"'
    )


def test_a_range_of_one_is_one_number() -> None:
    """Not 3–3."""
    assert describe_range((3, 3)) == "about 3 min"
