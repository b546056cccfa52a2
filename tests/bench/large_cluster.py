"""Everything around a bot with a cluster of 10,000 pods: `python -m tests.bench.large_cluster FOLDER [--live]`.

Prints the bot's environment as one line of JSON and serves until it is killed. Live, the cluster's time goes on, and
the bot is given no limits of pace.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.cluster_x import create_any
from sandbox.cluster.seeds.objects import deployment, namespace, node
from tests.scenarios.rig import HandClock, World, open_world

NAMESPACES = 5
DEPLOYMENTS = 25
REPLICAS = 400
NODES = 100
ROOM = {"cpu": "63770m", "memory": "248Gi", "pods": "110"}
SETTLE_SECONDS = 600
TICK_SECONDS = 0.2
SPEED = 10.0


def fill_cluster(cluster: SimulatedCluster) -> None:
    """Let the cluster's own controllers make 10,000 pods with sidecars beside what cluster-x holds."""
    with cluster.lock, cluster.engine.earlier(SETTLE_SECONDS):
        for obj in list_objects(cluster.server_version):
            create_any(cluster, obj)
        cluster.engine.advance(SETTLE_SECONDS)
    cluster.tick()


def let_time_pass(world: World) -> NoReturn:
    """Move the cluster's clock on, some times faster than the real one as the sandbox does, for ever."""
    while True:
        time.sleep(TICK_SECONDS)
        world.clock.advance(TICK_SECONDS * SPEED)
        world.cluster.tick()


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
    with open_world(Path(sys.argv[1]), HandClock(datetime.now(UTC)), rate_limits=False) as world:
        fill_cluster(world.cluster)
        live = sys.argv[2:] == ["--live"]
        if live:
            with world.folder.clusters_file.open("a") as settings:
                settings.write("limits = { workloads_at_once = 0, pods_per_minute = 0 }\n")
        click.echo(json.dumps({**world.variables, "PATH": world.path}))
        if live:
            let_time_pass(world)
        threading.Event().wait()
