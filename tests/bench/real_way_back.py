"""An upgrade of 2,000 pods on a real control plane, and its way back beside it; BENCH_PODS asks for fewer."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from bot.app.log import configure_log
from tests.bench.control_plane import find_programs
from tests.bench.findings import Finding
from tests.contracts.ground import RealGround, is_settled
from tests.contracts.shapes import deployment
from tests.realcluster.control_plane import ControlPlane, FleetSettings, run_control_plane
from tests.realcluster.world import open_real_world, seed_real_cluster
from tests.scenarios.rig import ANA, BEN, Rig

TITLE = "The way back on a real control plane, beside the way there"
PODS = int(os.environ.get("BENCH_PODS", "2000"))
PODS_A_WORKLOAD, SPACES = 50, 8
NODES, ROOM = 20, 250
READY_SECONDS = 3.5
FILLED_SECONDS = 1800.0
# As much at once as the cluster takes: the pace that a setting keeps would hide what differs.
UNLIMITED = "limits = { workloads_at_once = 0, pods_per_minute = 0 }\n"
ORDERS = ("start cluster-x", "rollback cluster-x the new proxies leak")


def measure() -> list[Finding]:
    """The same cluster there and back, whole, in one run; whatever is asked is approved at once."""
    configure_log("error", sys.stderr)
    programs = find_programs("the way back on a real control plane")
    if programs is None:
        return []
    fleet = FleetSettings(nodes=NODES, pods_per_node=ROOM, ready=READY_SECONDS, grace=0.5)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as variables, ExitStack() as stack:
        variables.setenv("PATH", os.environ["PATH"])
        variables.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
        plane = stack.enter_context(run_control_plane(programs, Path(folder) / "plane", fleet))
        seed_real_cluster(plane)
        fill(RealGround(plane, stack))
        click.echo(f"  filled: {PODS} pods beside those of cluster-x")
        return compare(plane, Path(folder) / "world")


def fill(ground: RealGround) -> None:
    """Workloads of 50 pods, whose sidecars are of the release that is there."""
    spaces = [ground.make_space(injected=True) for _ in range(SPACES)]
    made = [deployment(spaces[n % SPACES], f"w{n}", PODS_A_WORKLOAD) for n in range(PODS // PODS_A_WORKLOAD)]
    ground.create(*made)
    names = {one["metadata"]["name"] for one in made}

    def is_calm() -> bool:
        found = [one for one in ground.gateway.list_workloads(kinds=("Deployment",)) if one.ref.namespace in spaces]
        return {one.ref.name for one in found} == names and all(map(is_settled, found))

    ground.until(is_calm, FILLED_SECONDS)


def compare(plane: ControlPlane, folder: Path) -> list[Finding]:
    """There, and back."""
    with open_real_world(folder, plane, UNLIMITED) as world:
        rig, took = Rig(world), []
        for number, order in enumerate(ORDERS, 1):
            took.append(go(rig, order, f"cluster-x-{number}"))
            click.echo(
                f"  {order.partition(' ')[0]}: {took[-1]:.0f} s, {rig.bot.journal.count_ledger(f'cluster-x-{number}')}"
            )
        moved = rig.bot.journal.count_ledger("cluster-x-2").get("upgraded", 0)
        rig.crash()
    there, back = took
    how = (
        f"{PODS} pods beside cluster-x's 58, ready after {READY_SECONDS:g} s, no limits of pace; {there:.0f} s there, "
        f"{back:.0f} s back"
    )
    return [
        Finding("time of the way back beside the way there", back / there, "times", 1.25, how=how),
        Finding("pods on the earlier sidecar again", moved, "pods", PODS, at_least=True, how="ledger of the way back"),
    ]


def go(rig: Rig, order: str, upgrade: str) -> float:
    """Seconds from one person's order to the end."""
    begun = time.monotonic()
    rig.command(ANA, order)
    rig.upgrade_all(BEN)
    row = rig.bot.journal.find_upgrade(upgrade)
    assert row is not None, rig.describe()
    assert row.state in ("upgraded", "returned"), rig.describe()
    return time.monotonic() - begun
