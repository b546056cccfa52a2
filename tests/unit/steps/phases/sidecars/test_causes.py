"""Whatever stops a workload: its cause reaches the sentence, and the remedy fits the cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from steps.contract.options import Limits
from steps.contract.step import Blocked
from tests.unit.steps.phases.sidecars.simulated_mesh import SimulatedMesh, take_mesh_snapshot
from tests.unit.steps.rig import load_release, start

HOOK = "validate.kyverno.svc-fail"
WORDS = "label team is required"
DENIED = f'admission webhook "{HOOK}" denied the request: {WORDS}'
Json = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What comes over the cluster once the phase was approved, and what a person reads then."""

    name: str
    weather: str
    fields: Json
    why: str
    remedy: str


TROUBLES = (
    Trouble(
        "a policy that denies the restart with 400", "policy-denies", {"words": WORDS}, DENIED,
        f"webhook {HOOK} forbids it",
    ),
    Trouble(
        "a policy that denies the restart with 403", "policy-denies", {"words": WORDS, "code": 403}, DENIED,
        "exempt the namespace",
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def snapshot() -> Json:
    """Make the mesh once."""
    return take_mesh_snapshot(load_release())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServingCertificate:
    """Make one certificate for all clusters."""
    return ensure_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mesh(snapshot: Json, certificate: ServingCertificate, tmp_path: Path) -> Iterator[SimulatedMesh]:
    """Give cluster-x with its control plane on the target and its sidecars on 1.4.7."""
    with ExitStack() as stack:
        yield SimulatedMesh(load_release(), certificate, tmp_path, stack, snapshot)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_the_cause_reaches_the_sentence(mesh: SimulatedMesh, trouble: Trouble) -> None:
    """With a remedy that mends it: rights are none where no right is missing."""
    rig = start(mesh, limits=Limits(workloads_at_once=0, pods_per_minute=0))
    rig.approve("approve")
    mesh.control(lambda cluster: cluster.sky.begin(trouble.weather, trouble.fields))
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked), outcome
    assert trouble.why in outcome.why
    assert trouble.remedy in outcome.remedy
    assert "cluster-admin" not in outcome.why + outcome.remedy
