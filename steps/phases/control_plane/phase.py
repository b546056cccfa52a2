"""The control-plane phase: backup, istioctl manifest apply, and the wait that istioctl 1.4 itself doesn't do."""

from __future__ import annotations

from datetime import timedelta

from steps.contract.step import Step
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures
from steps.phases.control_plane.backing_up import back_up
from steps.phases.control_plane.mtls import approve_mtls
from steps.phases.control_plane.replacement import roll_out
from steps.phases.same_cluster import on_same_cluster

# Four recordings, each with its own time limit.
RECORDING_PATIENCE = timedelta(minutes=30)


GATES: tuple[Step, ...] = (
    Step("control-plane/approve-mtls", approve_mtls),
    Step("control-plane/approve-removals", approve_departures, RECORDING_PATIENCE),
    Step("control-plane/approve", approve, RECORDING_PATIENCE),
)
ACTS: tuple[Step, ...] = (
    Step("control-plane/backup", back_up),
    Step("control-plane/apply", on_same_cluster(apply), timedelta(hours=1)),
    Step("control-plane/rollout", roll_out, timedelta(hours=8)),
)
STEPS: tuple[Step, ...] = (*GATES, *ACTS)
