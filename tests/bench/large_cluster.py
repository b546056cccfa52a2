"""Everything around a bot with a cluster of 10,000 pods: `python -m tests.bench.large_cluster FOLDER`.

Prints the bot's environment as one line of JSON and serves until it is killed.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import click

from sandbox.cluster.objects import Json
from sandbox.cluster.seed import create_any
from sandbox.cluster.seed_objects import deployment, namespace, node
from sandbox.cluster.server import SimulatedCluster
from tests.scenarios.rig import open_world

NAMESPACES = 5
DEPLOYMENTS = 25
REPLICAS = 400
NODES = 100
ROOM = {"cpu": "63770m", "memory": "248Gi", "pods": "110"}
SETTLE_SECONDS = 600


def fill_cluster(cluster: SimulatedCluster) -> None:
    """Let the cluster's own controllers make 10,000 pods with sidecars beside what cluster-x holds."""
    with cluster.lock, cluster.engine.earlier(SETTLE_SECONDS):
        for obj in list_objects(cluster.server_version):
            create_any(cluster, obj)
        cluster.engine.advance(SETTLE_SECONDS)
    cluster.tick()


def list_objects(server_version: str) -> list[Json]:
    """Large nodes, namespaces with injection, Deployments."""
    nodes = [node(number, server_version) for number in range(1001, 1001 + NODES)]
    for made in nodes:
        made["status"] |= {"allocatable": ROOM, "capacity": ROOM}
    spaces = [f"team-{number}" for number in range(NAMESPACES)]
    return [
        *nodes,
        *(namespace(space, injected=True) for space in spaces),
        *(deployment(spaces[n % NAMESPACES], f"service-{n}", REPLICAS) for n in range(DEPLOYMENTS)),
    ]


if __name__ == "__main__":
    with open_world(Path(sys.argv[1])) as world:
        fill_cluster(world.cluster)
        click.echo(json.dumps(dict(world.variables)))
        threading.Event().wait()
