"""Owners of a control plane, as the simulated cluster has them behind the real gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from steps.preflight.ownership import find_ownership
from tests.direct import DirectConnection
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_plain_snapshot
from tests.unit.steps.rig import load_release


@pytest.fixture
def mesh() -> Iterator[SimulatedMesh]:
    """Give cluster-x."""
    release = load_release()
    with ExitStack() as stack:
        yield SimulatedMesh(release, DirectConnection, stack, take_plain_snapshot())


def list_owners(mesh: SimulatedMesh) -> tuple[str, ...]:
    """What prepare would tell of; nothing is left unread."""
    found = find_ownership(mesh.kubernetes, mesh.release, mesh.kubernetes.list_workloads("istio-system"))
    assert found.unread == ()
    return found.owners


@pytest.mark.weather("an operator or a GitOps tool keeps the control plane")
def test_each_owner_is_found_and_a_control_plane_of_its_own_has_none(mesh: SimulatedMesh) -> None:
    """An operator by its custom resource, GitOps tools by their marks."""
    assert list_owners(mesh) == ()
    mesh.control(lambda cluster: cluster.sky.begin("mesh-operator"))
    (operator,) = list_owners(mesh)
    assert operator.startswith("the IstioControlPlane istio-operator/example-istiocontrolplane stands in the cluster")
    fields = {"namespace": "istio-system", "tool": "flux"}
    mesh.control(lambda cluster: cluster.sky.begin("gitops-reverts", fields))
    _, flux = list_owners(mesh)
    assert flux.startswith("Flux (Kustomization flux-system/shop) keeps Deployment/istio-galley, ")
    assert flux.endswith(" of istio-system as its source says")
