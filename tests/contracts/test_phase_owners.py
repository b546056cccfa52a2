"""The sidecars phase against an owner that takes restarts back, on each cluster."""

from __future__ import annotations

import pytest

from steps.contract.step import Blocked, Done, Outcome
from steps.mesh import WorkloadRef
from tests.contracts.ground import Ground
from tests.contracts.phase_stage import NEW, Stage, build_stage
from tests.contracts.shapes import deployment, named
from tests.contracts.test_owners import put_back


def block_under_owner(stage: Stage, ref: WorkloadRef) -> Outcome:
    """On to where a person is asked, while the owner takes each restart back as soon as it was sent."""
    restart = stage.ground.gateway.restart_workload

    def restart_in_vain(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        restart(ref, stamp, resource_version)
        put_back(stage.ground, ref)

    stage.ground.gateway.restart_workload = restart_in_vain  # type: ignore[method-assign]
    try:
        return stage.run()
    finally:
        stage.ground.gateway.restart_workload = restart  # type: ignore[method-assign]


@pytest.mark.weather("an operator or a GitOps tool takes the restart back")
def test_an_owner_is_not_fought_but_named_and_eviction_gets_there(ground: Ground) -> None:
    """Two tries, its field manager by name, and every pod on the new sidecar by eviction."""
    ground.need("mesh")
    stage = build_stage(ground, lambda space: deployment(space, "web", 3))
    ref = named(stage.space)
    stage.approve()
    outcome = block_under_owner(stage, ref)
    assert isinstance(outcome, Blocked)
    assert "its restart was sent 2 times and taken back each time" in outcome.why
    assert "its template is held by field manager python-httpx" in outcome.why  # its creator here
    stage.rig.decide(outcome, "evict")
    assert isinstance(stage.run(), Done)
    assert (stage.count(), stage.versions()) == ({"upgraded": 3}, {NEW})
    assert ground.read(ref).restarted_at == ""
