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

from tests.bench.findings import Finding

TITLE = "Inventory of 10,000 pods of about 10 KB"
ROUNDS = 3
SECONDS = 300


def measure() -> list[Finding]:
    """Median of interleaved runs, each in a fresh interpreter, against a server in another one."""
    with serve_pods() as kubeconfig:
        pairs = [(run_reader("gateway", kubeconfig), run_reader("typed", kubeconfig)) for _ in range(ROUNDS)]
    cpu = statistics.median(typed["cpu"] / ours["cpu"] for ours, typed in pairs)
    memory = statistics.median(typed["memory"] / ours["memory"] for ours, typed in pairs)
    added = statistics.median(ours["memory"] for ours, _ in pairs)
    return [
        Finding("less CPU than the typed list", cpu, "times", 40, at_least=True, how="interleaved runs"),
        Finding("less added memory than the typed list", memory, "times", 100, at_least=True, how="peak RSS"),
        Finding("added memory", added / 1e6, "MB", 50, how=f"median of {ROUNDS}"),
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
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found
