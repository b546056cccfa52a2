"""The change record of an upgrade of 10,000 pods: the command that writes it, in a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bot.app.log import configure_log
from tests.bench.findings import Finding
from tests.bench.large_cluster import DEPLOYMENTS, REPLICAS, fill_cluster
from tests.scenarios.desk import CLUSTER, Desk
from tests.scenarios.rig import World, open_world

TITLE = "The report of an upgrade of 10,000 pods"
UPGRADE = f"{CLUSTER}-1"
ROUNDS = 5
SECONDS = 60
# The clock goes on in steps, not from one pod's event to the next.
STEP_SECONDS, PROGRAM_STEP_SECONDS = 10.0, 0.5


def measure() -> list[Finding]:
    """One upgrade over a clock moved by hand, then `asm-upgrade export --report html` over its journal."""
    configure_log("error", sys.stderr)
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder), rate_limits=False) as world:
        pods = run_upgrade(world)
        page = Path(folder) / "report.html"
        seconds = [write_report({**world.variables, "PATH": world.path}, page) for _ in range(ROUNDS)]
        size = page.stat().st_size
    how = f"median of {ROUNDS}, the start of the program included"
    return [
        Finding("pods upgraded", pods, "pods", DEPLOYMENTS * REPLICAS, at_least=True, how="ledger"),
        Finding("time to write it", statistics.median(seconds), "s", 5, how=how),
        Finding("size", size / 1e6, "MB", 1, how="HTML, one file with its picture"),
    ]


def run_upgrade(world: World) -> int:
    """Upgrade the cluster without limits of pace; how many pods its ledger has as upgraded."""
    fill_cluster(world.cluster)
    with world.folder.clusters_file.open("a") as settings:
        settings.write("limits = { workloads_at_once = 0, pods_per_minute = 0 }\n")
    desk = Desk(world)
    desk.start()
    while row := desk.rig.bot.journal.find_open_upgrade(CLUSTER):
        assert row.state in ("running", "asking"), desk.rig.describe()
        if row.state == "asking":
            desk.click("approve")
        desk.rig.turn()
        world.clock.advance(PROGRAM_STEP_SECONDS if desk.rig.wait_for_programs() else STEP_SECONDS)
    pods = desk.rig.bot.journal.count_ledger(UPGRADE)["upgraded"]
    desk.rig.crash()
    return pods


def write_report(variables: Mapping[str, str], page: Path) -> float:
    """Export the report as an auditor does; the seconds that took."""
    program = Path(sys.executable).with_name("asm-upgrade")
    command = [str(program), "export", UPGRADE, "--report", "html", "--output", str(page)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, timeout=SECONDS, env={**os.environ, **variables})
    return time.perf_counter() - begun
