"""Re-injection of 2,000 pods on a real control plane: the bot beside the guide's loop and beside all at once."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from steps.contract.options import Limits
from steps.contract.step import Done
from tests.bench.control_plane import find_programs
from tests.bench.findings import Finding
from tests.bench.reinjection_lab import (
    LEAST_AVAILABLE,
    OLD,
    PODS_A_WORKLOAD,
    WORKLOADS_A_SPACE,
    Lab,
    WallStage,
    find_kubectl,
)
from tests.realcluster.control_plane import FleetSettings, run_control_plane
from tests.unit.steps.rig import Rig, load_release, start

TITLE = "Re-injection of 2,000 pods in 40 workloads on a real control plane"
READY_SECONDS = 3.5
UNLIMITED = Limits(workloads_at_once=0, pods_per_minute=0)
DEFAULT = Limits()
PACED_SPACES = 3
TURNS = 5000


@dataclass(frozen=True)
class BotRun:
    """What a run of the bot's own step took."""

    seconds: float
    requests: int
    pods: int
    workloads: int
    least_available: int

    @property
    def allowed_requests(self) -> float:
        """Three a workload, and one a second for each namespace in flight."""
        spaces = self.workloads / WORKLOADS_A_SPACE
        return 3 * self.workloads + self.seconds * spaces


def measure() -> list[Finding]:
    """One control plane; each way moves every pod once. Needs KUBEBUILDER_ASSETS."""
    programs = find_programs("re-injection")
    if programs is None:
        return []
    fleet = FleetSettings(nodes=20, ready=READY_SECONDS, grace=0.5)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        plane = stack.enter_context(run_control_plane(programs, Path(folder), fleet))
        lab = Lab(plane, load_release(), stack)
        lab.fill()
        click.echo(f"  filled: {lab.list_versions()}")
        return compare(lab)


def compare(lab: Lab) -> list[Finding]:
    """All at once, the bot, the loop and the bot within its default limits, one after the other."""
    at_once = lab.restart_at_once()
    click.echo(f"  all at once: {at_once:.0f} s")
    free = run_bot(lab, UNLIMITED)
    click.echo(f"  the bot: {free.seconds:.0f} s, {free.requests} requests")
    lab.inject(OLD)
    in_turn = lab.restart_in_turn()
    click.echo(f"  the guide's loop: {in_turn:.0f} s")
    lab.wait()
    paced = run_bot(lab, DEFAULT, PACED_SPACES)
    click.echo(f"  the bot within its limits: {paced.pods} pods in {paced.seconds:.0f} s")
    loop = "kubectl" if find_kubectl() else "the same calls"
    pace = paced.pods / paced.seconds * 60 / DEFAULT.pods_per_minute
    least = min(free.least_available, paced.least_available)
    how = f"pods ready after {READY_SECONDS:g} s"
    return [
        Finding("faster than the guide's loop", in_turn / free.seconds, "times", 5, True, f"{how}; loop by {loop}"),
        Finding("time beside restarting all at once", free.seconds / at_once, "times", 1.25, how=how),
        Finding("of the configured pods/min", pace, "times", 0.9, True, f"{paced.pods} pods, default limits"),
        Finding("least available of 50 pods", least, "pods", LEAST_AVAILABLE, True, "sampled each 0.2 s"),
        Finding("API requests of those allowed", free.requests / free.allowed_requests, "times", 1, how="no limits"),
    ]


def run_bot(lab: Lab, limits: Limits, spaces: int = 0) -> BotRun:
    """Plan, approve and restart; the restart alone is timed. `spaces` leaves the other namespaces out."""
    lab.inject(lab.release.version)
    left_out = tuple(lab.spaces[spaces:]) if spaces else ()
    rig: Rig[WallStage] = start(lab.stage, limits=limits, skip_namespaces=left_out)
    approved = rig.approve("approve")
    assert isinstance(approved, Done), approved
    before, begun = lab.server.sent, time.monotonic()
    with lab.sample_availability() as sampler:
        outcome = rig.run("restart", TURNS)
        seconds = time.monotonic() - begun
    assert isinstance(outcome, Done), outcome
    lab.wait()
    workloads = (spaces or len(lab.spaces)) * WORKLOADS_A_SPACE
    assert rig.count("upgraded") == workloads * PODS_A_WORKLOAD, lab.list_versions()
    return BotRun(seconds, lab.server.sent - before, workloads * PODS_A_WORKLOAD, workloads, sampler.least)
