"""Everything around a bot with many clusters like cluster-x: `python -m tests.bench.fleet_world FOLDER COUNT`.

Prints the bot's environment as one line of JSON; then each line that it reads moves the time by so many seconds, and is
answered once every cluster has followed.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import heapq
import json
import math
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate
from sandbox.cluster.seeds.cluster_x import seed_twin
from sandbox.cluster.snapshots import load_snapshot
from sandbox.web.sites import open_site
from tests.bench.fleet_run import name_cluster
from tests.scenarios.rig import World, open_world

SECONDS = 30.0
# The garbage collector looks after so many new objects, far fewer looks than by default.
NEW_OBJECTS = 50_000
# What stands for a cluster's name in the cluster that all others are made of.
NAMELESS = "twin-nameless"


def add_twins(world: World, most: int, stack: ExitStack) -> list[SimulatedCluster]:
    """Serve more clusters, and let Google and the bot's settings know them."""
    context = ensure_certificate(world.folder.certificates).server_context()
    loop = stack.enter_context(open_loop())
    (first,) = world.google.project.clusters
    clusters, known = [world.cluster], [first]
    names = [name_cluster(number) for number in range(1, most)]
    begun = SimulatedCluster(world.clock.seconds, seed_fn=functools.partial(seed_twin, name=NAMELESS)).snapshot()
    for name in names:
        seed = functools.partial(load_snapshot, snapshot=rename(begun, name))
        clusters.append(SimulatedCluster(world.clock.seconds, seed_fn=seed))
        opening = open_site(clusters[-1].app(background=False), ssl=context)
        site = asyncio.run_coroutine_threadsafe(opening, loop).result(SECONDS)
        known.append(replace(first, name=name, endpoint=site.url.removeprefix("https://")))
    world.google.project = replace(world.google.project, clusters=tuple(known))
    with world.folder.clusters_file.open("a", encoding="utf-8") as settings:
        for name in names:
            settings.write(
                f'\n[clusters.{name}]\nproject = "{first_project(world)}"\nlocation = "{first.location}"\n'
                f'name = "{name}"\nproduction = true\n'
            )
    return clusters


@contextmanager
def open_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One thread that serves all of the clusters: hundreds of them would wait for one another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="twins", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(SECONDS)


def rename(value: Any, name: str) -> Any:
    """The same with this name in it; what holds none is shared, so that a cluster's trackers find it once."""
    if isinstance(value, str):
        return value.replace(NAMELESS, name) if NAMELESS in value else value
    if isinstance(value, dict):
        parts = {key: rename(inner, name) for key, inner in value.items()}
        return parts if any(parts[key] is not inner for key, inner in value.items()) else value
    if isinstance(value, list):
        rows = [rename(inner, name) for inner in value]
        return rows if any(row is not inner for row, inner in zip(rows, value, strict=True)) else value
    return value


def first_project(world: World) -> str:
    """The project that all clusters are in."""
    return world.settings.clusters["cluster-x"].address.project


def serve(folder: Path, most: int) -> None:
    """Serve until the input ends."""
    # what is there before the first turn stays to the end, and to look at all of it for garbage takes seconds
    gc.disable()
    with open_world(folder, rate_limits=False) as world, ExitStack() as stack:
        clusters = add_twins(world, most, stack)
        gc.freeze()
        gc.enable()
        gc.set_threshold(NEW_OBJECTS)
        alarms = Alarms(clusters)
        click.echo(json.dumps({**world.variables, "PATH": world.path}))
        for line in sys.stdin:
            world.clock.advance(float(line))
            alarms.ring(world.clock.seconds())
            click.echo("moved")


class Alarms:
    """Lets those clusters follow the time that have anything to do: of hundreds most have nothing most of the time."""

    def __init__(self, clusters: list[SimulatedCluster]) -> None:
        self._clusters = clusters
        # those that were given work since they followed last, by whichever thread
        self._awake = set(range(len(clusters)))
        self._due: list[tuple[float, int]] = []
        self._next = [math.inf] * len(clusters)
        for number, cluster in enumerate(clusters):
            cluster.engine.on_work = functools.partial(self._awake.add, number)

    def ring(self, now: float) -> None:
        """Tick whoever has work, or whose timer is due by now."""
        while self._due and self._due[0][0] <= now:
            due, number = heapq.heappop(self._due)
            if self._next[number] == due:
                self._awake.add(number)
        while self._awake:
            self._tick(self._awake.pop())

    def _tick(self, number: int) -> None:
        due = self._clusters[number].tick()
        self._next[number] = math.inf if due is None else due
        if due is not None:
            heapq.heappush(self._due, (due, number))


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
