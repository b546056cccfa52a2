"""Read all pods once, and print what it cost: `python -m tests.bench.pod_readers gateway|typed KUBECONFIG`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

COUNT = 10_000
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def open_gateway(kubeconfig: str) -> Callable[[], int]:
    """Make the reader of the bot, connected."""
    from bot.gateways.clusters import ClusterGateways
    from bot.gateways.google.credentials import GoogleCredentials
    from steps.mesh import ClusterAddress

    gateway = ClusterGateways(GoogleCredentials()).kubernetes_for(ClusterAddress("bench", kubeconfig=kubeconfig))
    gateway.read_server_version()
    return lambda: sum(1 for pod in gateway.list_pods() if pod.proxy_image)


def open_typed(kubeconfig: str) -> Callable[[], int]:
    """Make the reader of the client's own documentation, connected."""
    from kubernetes import client, config

    api = config.new_client_from_config(kubeconfig)  # type: ignore[no-untyped-call]
    client.VersionApi(api).get_code()
    pods = client.CoreV1Api(api)
    return lambda: len(pods.list_pod_for_all_namespaces().items)


def measure_reader(read: Callable[[], int]) -> dict[str, float]:
    """CPU seconds and bytes of peak memory that one call adds."""
    before, begun = read_peak(), time.process_time()
    found = read()
    if found != COUNT:
        raise ValueError(f"{found} pods were read")
    return {"cpu": time.process_time() - begun, "memory": read_peak() - before}


def read_peak() -> int:
    """Peak memory in bytes. Linux's VmHWM begins with the program; ru_maxrss keeps what the parent had at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


if __name__ == "__main__":
    reader = {"gateway": open_gateway, "typed": open_typed}[sys.argv[1]](sys.argv[2])
    click.echo(json.dumps(measure_reader(reader)))
