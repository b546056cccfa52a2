"""What the three steps of prepare cost on a cluster of 10,000 pods, in a bot's process of its own."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.findings import Finding
from tests.bench.large_cluster import DEPLOYMENTS, REPLICAS

TITLE = "prepare on a cluster of 10,000 pods"
ROUNDS = 3
SECONDS = 300


def measure() -> list[Finding]:
    """Median and worst of fresh interpreters, each with a journal of its own, against a cluster in another one."""
    with serve_cluster() as variables:
        runs = [run_once(variables) for _ in range(ROUNDS)]
    return [
        Finding(
            "sidecars found",
            min(run["pods"] for run in runs),
            "pods",
            DEPLOYMENTS * REPLICAS,
            at_least=True,
            how="the least of the runs",
        ),
        Finding("until the proposal", statistics.median(run["seconds"] for run in runs), "s", 30, how="median"),
        Finding("peak memory of the bot", max(run["memory"] for run in runs) / 1e6, "MB", 200, how="peak RSS, worst"),
    ]


@contextmanager
def serve_cluster(*options: str) -> Iterator[Mapping[str, str]]:
    """Serve the cluster, Google, Slack and the release from another interpreter; gives the bot's environment."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.large_cluster", folder, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                variables: dict[str, str] = json.loads(server.stdout.readline())
                yield variables
            finally:
                server.kill()


def run_once(variables: Mapping[str, str]) -> dict[str, float]:
    """Prepare a first upgrade, in a fresh interpreter over an empty journal."""
    shutil.rmtree(Path(variables["ASM_UPGRADE_STATE"]), ignore_errors=True)
    return run_apart("tests.bench.prepare_run", variables, SECONDS)


def run_apart(module: str, variables: Mapping[str, str], seconds: float) -> dict[str, float]:
    """Run a module in an interpreter of its own, with these variables; what it printed as JSON."""
    run = subprocess.run(
        [sys.executable, "-m", module],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds,
        env={**os.environ, **variables},
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found
