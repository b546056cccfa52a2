"""Who keeps a workload from outside, by the marks that real tools leave."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from steps.mesh import Owner, WorkloadRef
from steps.workloads.method import Method
from steps.workloads.owners import Applier, find_applier, find_appliers, find_operator
from steps.workloads.risk import describe_shared, find_risks
from tests.unit.steps.shapes import subject, workload

ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
TABLE: list[tuple[Mapping[str, str], Mapping[str, str], Applier | None]] = [
    ({}, {}, None),
    ({"app.kubernetes.io/instance": "shop"}, {}, None),
    ({"app.kubernetes.io/instance": "other"}, ARGO, Applier("Argo CD", "shop")),
    ({"argocd.argoproj.io/instance": "shop"}, {}, Applier("Argo CD", "shop")),
    (
        {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
        {},
        Applier("Flux", "Kustomization flux-system/apps"),
    ),
    (
        {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "shop"},
        {"meta.helm.sh/release-name": "shop"},
        Applier("Flux", "HelmRelease shop/shop"),
    ),
    ({}, {"fluxcd.io/sync-checksum": "abc"}, Applier("Flux", "")),
    ({"app.kubernetes.io/managed-by": "configmanagement.gke.io"}, {}, Applier("Config Sync", "")),
    ({}, {"configmanagement.gke.io/managed": "enabled"}, Applier("Config Sync", "")),
    ({}, {"configmanagement.gke.io/managed": "disabled"}, None),
    (
        {"app.kubernetes.io/managed-by": "Helm"},
        {"meta.helm.sh/release-name": "shop"},
        Applier("Helm", "release shop", reverts=False),
    ),
    (
        {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"},
        {},
        Applier("a Helm chart applied by another tool, maybe a GitOps one", "shop", certain=False),
    ),
]


@pytest.mark.parametrize(("labels", "annotations", "keeper"), TABLE)
def test_a_tool_is_known_by_its_own_marks(
    labels: Mapping[str, str], annotations: Mapping[str, str], keeper: Applier | None
) -> None:
    """A label that anybody writes tells nothing."""
    assert find_applier(labels, annotations) == keeper


@pytest.mark.parametrize(
    ("owner", "named"),
    [
        (None, ""),
        (Owner("Deployment", "web", "u", "apps"), ""),
        (Owner("Rollout", "web", "u", "argoproj.io"), ""),
        (Owner("Node", "n", "u", ""), ""),
        (Owner("Prometheus", "main", "u", "monitoring.coreos.com"), "Prometheus/main (monitoring.coreos.com)"),
        (Owner("StatefulSet", "db", "u", "apps.kruise.io"), "StatefulSet/db (apps.kruise.io)"),
    ],
)
def test_an_owner_of_another_group_is_an_operators(owner: Owner | None, named: str) -> None:
    """Kubernetes' own kinds are no operators."""
    assert find_operator(owner) == named


@pytest.mark.parametrize(
    ("method", "level"), [("restart", "care"), ("restart-at", "care"), ("evict", "note"), ("manual", None)]
)
def test_an_operator_above_is_told_with_its_name(method: Method, level: str | None) -> None:
    """Before the approval; eviction is no affair of its owner's."""
    shape = workload(owner=Owner("Shop", "web", "u", "example.com"))
    found = [risk for risk in find_risks(subject(method, shape)) if risk.kind == "operator above"]
    assert [risk.level for risk in found] == ([level] if level else [])
    assert all("Shop/web (example.com)" in risk.sentence for risk in found)


def test_what_a_tool_keeps_is_told_once_for_all_workloads() -> None:
    """A cluster by GitOps has it everywhere."""
    risks = find_risks(subject("restart", workload(annotations=ARGO)))
    having = {WorkloadRef("shop", "Deployment", name): risks for name in ("web", "cart", "api")}
    assert describe_shared(having) == (
        "shop/Deployment/web and 2 more workloads: it is kept by Argo CD (shop), which may take the restart back; "
        "the bot restarts it, and stops after the second time; you can pause the sync for the upgrade, or choose"
        " eviction",
    )


def test_objects_are_grouped_by_who_keeps_them() -> None:
    """For a control plane."""
    objects = [
        {"kind": "Deployment", "metadata": {"name": "istio-pilot", "annotations": ARGO}},
        {"kind": "ConfigMap", "metadata": {"name": "istio"}},
    ]
    assert find_appliers(objects) == {Applier("Argo CD", "shop"): ("Deployment/istio-pilot",)}
