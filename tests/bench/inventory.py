"""What an inventory of 10,000 pods costs, beside the typed client's list of the same pods."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tests.bench.control_plane import find_programs
from tests.bench.findings import Finding
from tests.bench.pod_readers import COUNT
from tests.bench.real_pods import FLEET, fill
from tests.realcluster.control_plane import run_control_plane

TITLE = "Inventory of 10,000 pods"
ROUNDS = 3
SECONDS = 300


def measure() -> list[Finding]:
    """Median of interleaved runs, each in a fresh interpreter, against servers in others."""
    with serve_pods() as kubeconfig:
        local = compare(kubeconfig, "local server, 10 KB pods", 40, 100)
    return [*local, *measure_real()]


def measure_real() -> list[Finding]:
    """The same from a real API server; nothing, after a word about what is missing, where there is none."""
    programs = find_programs("the inventory of a real API server")
    if programs is None:
        return []
    with tempfile.TemporaryDirectory() as folder, run_control_plane(programs, Path(folder), FLEET) as plane:
        # These pods have places, and owners that are not there: controllers would clear them away.
        plane.programs["kube-controller-manager"].stop()
        plane.programs["kube-scheduler"].stop()
        size = fill(plane)
        click.echo(f"  filled: {COUNT} pods of {size / 1000:.1f} KB on a real API server")
        return compare(str(plane.kubeconfig), f"real API server, {size / 1000:.1f} KB pods", 20, 70)


def compare(kubeconfig: str, source: str, less_cpu: float, less_memory: float) -> list[Finding]:
    """The bot's read beside the typed client's list."""
    pairs = [(run_reader("gateway", kubeconfig), run_reader("typed", kubeconfig)) for _ in range(ROUNDS)]
    cpu = statistics.median(typed["cpu"] / ours["cpu"] for ours, typed in pairs)
    memory = statistics.median(typed["memory"] / ours["memory"] for ours, typed in pairs)
    added = statistics.median(ours["memory"] for ours, _ in pairs)
    how = f"{source}, median of {ROUNDS} interleaved runs"
    return [
        Finding("less CPU than the typed list", cpu, "times", less_cpu, at_least=True, how=how),
        Finding("less added memory than the typed list", memory, "times", less_memory, at_least=True, how=how),
        Finding("added memory", added / 1e6, "MB", 50, how=source),
    ]


@contextmanager
def serve_pods() -> Iterator[str]:
    """Serve the pods from another interpreter; gives a kubeconfig's path."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig.json"
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.pod_server", str(kubeconfig)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield str(kubeconfig)
        finally:
            server.kill()
            server.communicate(timeout=10)


def run_reader(name: str, kubeconfig: str) -> dict[str, Any]:
    """CPU seconds and bytes of peak memory that reading adds, from a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.pod_readers", name, kubeconfig],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found
