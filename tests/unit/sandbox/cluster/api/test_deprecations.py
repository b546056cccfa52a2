"""What a server warns of."""

from __future__ import annotations

import pytest

from sandbox.cluster.api.deprecations import find_deprecation
from sandbox.cluster.api.requests import Target
from sandbox.cluster.objects.resources import Resources


def ask(group: str, version: str, kind: str, server: str) -> str:
    resource = Resources(16).of_kind(group, kind)
    assert resource is not None
    return find_deprecation(Target(resource, version, "", "", ""), server)


@pytest.mark.parametrize(
    ("group", "version", "kind", "server", "warns"),
    [
        ("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition", "v1.20.2", True),
        ("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition", "v1.18.20", False),
        ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "v1.20.2", False),
        ("policy", "v1beta1", "PodDisruptionBudget", "v1.20.2", False),
        ("policy", "v1beta1", "PodDisruptionBudget", "v1.21.1-gke.900", True),
        ("apps", "v1", "Deployment", "v1.27.3", False),
    ],
)
def test_old_versions_are_warned_of_from_1_19_on(group: str, version: str, kind: str, server: str, warns: bool) -> None:
    """Each from the version in which it became old."""
    assert bool(ask(group, version, kind, server)) is warns


def test_the_warning_says_until_when_and_what_instead() -> None:
    """In the server's words."""
    assert ask("policy", "v1beta1", "PodDisruptionBudget", "v1.22.0") == (
        "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; "
        "use policy/v1 PodDisruptionBudget"
    )
