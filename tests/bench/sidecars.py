"""A whole upgrade of a cluster of 10,000 pods: the bot's memory, and what the restarts ask of the API server."""

from __future__ import annotations

from tests.bench.findings import Finding
from tests.bench.large_cluster import DEPLOYMENTS, NAMESPACES, REPLICAS
from tests.bench.prepare import run_apart, serve_cluster

TITLE = "A whole upgrade of a cluster of 10,000 pods"
SECONDS = 1600
# What cluster-x has besides: 10 workloads in 2 namespaces.
WORKLOADS, SPACES = DEPLOYMENTS + 10, NAMESPACES + 2
# The last look at everything, from which the ledger is closed, in pages of 500 pods.
SWEEP = 15 + DEPLOYMENTS * REPLICAS // 500


def measure() -> list[Finding]:
    """One upgrade, in a bot's process of its own, without limits of pace."""
    with serve_cluster("--live") as variables:
        found = run_apart("tests.bench.sidecars_run", variables, SECONDS)
    allowed = 3 * WORKLOADS + found["seconds"] * SPACES + SWEEP
    how = f"{found['requests']:.0f} requests, {WORKLOADS} workloads in {found['seconds']:.0f} s"
    return [
        Finding("sidecars re-injected", found["upgraded"], "pods", DEPLOYMENTS * REPLICAS, at_least=True, how="ledger"),
        Finding("pods unaccounted for", found["unaccounted"], "pods", 0, how="ledger"),
        Finding("peak memory of the bot", found["memory"] / 1e6, "MB", 200, how="peak RSS"),
        Finding("API requests of those allowed", found["requests"] / allowed, "times", 1, how=how),
    ]
