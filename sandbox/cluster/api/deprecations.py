"""What an API server from 1.19 on warns of: versions of kinds that a later server has no more."""

from __future__ import annotations

from sandbox.cluster.api.requests import Target
from sandbox.cluster.objects.resources import minor_of

WARNS_FROM = 19
# By group, version and kind: since which minor version it is deprecated, from which it is gone, and what to use.
DEPRECATED = {
    ("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"): (16, 22, "apiextensions.k8s.io/v1"),
    ("admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration"): (
        16, 22, "admissionregistration.k8s.io/v1",
    ),
    ("admissionregistration.k8s.io", "v1beta1", "ValidatingWebhookConfiguration"): (
        16, 22, "admissionregistration.k8s.io/v1",
    ),
    ("networking.k8s.io", "v1beta1", "Ingress"): (19, 22, "networking.k8s.io/v1"),
    ("policy", "v1beta1", "PodDisruptionBudget"): (21, 25, "policy/v1"),
    ("batch", "v1beta1", "CronJob"): (21, 25, "batch/v1"),
    ("autoscaling", "v2beta1", "HorizontalPodAutoscaler"): (22, 25, "autoscaling/v2beta2"),
}  # fmt: skip


def find_deprecation(target: Target, server_version: str) -> str:
    """Return the text of the warning, empty where there is none."""
    minor, kind = minor_of(server_version), target.resource.kind
    since, gone, instead = DEPRECATED.get((target.resource.group, target.version, kind), (minor + 1, 0, ""))
    if minor < max(WARNS_FROM, since):
        return ""
    name = f"{target.resource.group}/{target.version} {kind}"
    return f"{name} is deprecated in v1.{since}+, unavailable in v1.{gone}+; use {instead} {kind}"
