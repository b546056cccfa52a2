"""Everything around a bot with many clusters like cluster-x: `python -m tests.bench.fleet_world FOLDER COUNT`.

Prints the bot's environment as one line of JSON; then each line that it reads moves the time by so many seconds, and is
answered once every cluster has followed.
"""

from __future__ import annotations

import functools
import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate
from sandbox.cluster.seeds.cluster_x import seed_twin
from sandbox.web.sites import serve_in_thread
from tests.bench.fleet_run import name_cluster
from tests.scenarios.rig import World, open_world


def add_twins(world: World, count: int, stack: ExitStack) -> list[SimulatedCluster]:
    """Serve more clusters, and let Google and the bot's settings know them."""
    certificate = ensure_certificate(world.folder.certificates)
    (first,) = world.google.project.clusters
    clusters, known = [world.cluster], [first]
    for name in map(name_cluster, range(1, count)):
        clusters.append(SimulatedCluster(world.clock.seconds, seed_fn=functools.partial(seed_twin, name=name)))
        site = serve_in_thread(clusters[-1].app(background=False), certificate.server_context())
        stack.callback(site.stop)
        known.append(replace(first, name=name, endpoint=site.url.removeprefix("https://")))
    world.google.project = replace(world.google.project, clusters=tuple(known))
    with world.folder.clusters_file.open("a", encoding="utf-8") as settings:
        for name in map(name_cluster, range(1, count)):
            settings.write(
                f'\n[clusters.{name}]\nproject = "{first_project(world)}"\nlocation = "{first.location}"\n'
                f'name = "{name}"\nproduction = true\n'
            )
    return clusters


def first_project(world: World) -> str:
    """The project that all clusters are in."""
    return world.settings.clusters["cluster-x"].address.project


def serve(folder: Path, count: int) -> None:
    """Serve until the input ends."""
    with open_world(folder, rate_limits=False) as world, ExitStack() as stack:
        clusters = add_twins(world, count, stack)
        click.echo(json.dumps({**world.variables, "PATH": world.path}))
        for line in sys.stdin:
            world.clock.advance(float(line))
            for cluster in clusters:
                cluster.tick()
            click.echo("moved")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
