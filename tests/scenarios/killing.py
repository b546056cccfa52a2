"""A bot that stands right before its apply, again and again, and a kubectl that stops at a call until it is let go.

The way there is gone once; each case begins with the files, the cluster and the time of that moment.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sandbox.cluster.server.canonical import canonical_objects
from sandbox.cluster.server.faults import RequestFault
from tests.scenarios import stopping_kubectl
from tests.scenarios.desk import Desk
from tests.scenarios.rig import World

Victim: TypeAlias = Literal["bot", "istioctl", "guard", "kubectl", "all of them"]
Moment: TypeAlias = Literal["before", "after"]

APPLY = "control-plane/apply"
MADE_BY_CONTROLLERS = ("Pod", "ReplicaSet", "ControllerRevision")


@dataclass
class Brink:
    """The moment right before an apply, to begin from as often as one likes."""

    world: World
    time: datetime
    cluster: dict[str, Any]
    files: Path

    @contextmanager
    def begin(self) -> Iterator[Attempt]:
        """The bot as it stood there."""
        world = self.world
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = world.variables["GOOGLE_APPLICATION_CREDENTIALS"]
        world.clock.time = self.time
        world.cluster.faults.requests.clear()
        world.cluster.restore(self.cluster)
        shutil.rmtree(world.settings.state)
        shutil.copytree(self.files, world.settings.state, symlinks=True)
        attempt = Attempt(Desk(world), name_calls(world))
        shutil.rmtree(attempt.calls, ignore_errors=True)
        attempt.calls.mkdir()
        try:
            yield attempt
        finally:
            shutil.rmtree(attempt.calls)  # whoever stands still goes on
            attempt.desk.rig.wait_for_programs()
            attempt.desk.rig.crash()


@dataclass
class Attempt:
    """One apply that something happens to."""

    desk: Desk
    calls: Path

    def stop_at(self, number: int, moment: Moment) -> None:
        """Go on until this call of kubectl stands still."""
        stop = self.calls / f"stop-{number}-{moment}"
        stop.touch()
        self.desk.rig.run_until((self.calls / "at").exists, 20_000)

    def kill(self, victim: Victim) -> None:
        """kill -9 of somebody; the bot is dropped as a kill drops it, and is built anew."""
        guard, kubectl = map(int, (self.calls / "at").read_text().split())
        (lock,) = self.desk.world.settings.state.glob("programs/runs/cluster-x-1-apply-*/lock")
        istioctl = int(lock.read_text())
        processes = {"istioctl": istioctl, "guard": guard, "kubectl": kubectl, "all of them": -istioctl}
        if victim in processes:
            kill(processes[victim])
        if victim in ("bot", "all of them"):
            self.desk.rig.crash()
            self.desk.rig.restart()

    def let_go(self) -> None:
        """Let the call that stands still go on."""
        for stop in self.calls.glob("stop-*"):
            stop.unlink()

    def take_server_away(self, seconds: float) -> None:
        """Reset every connection to the API server for some time."""
        faults = self.desk.world.cluster.faults.requests
        faults.append(RequestFault("reset"))
        self.let_go()
        end = time.monotonic() + seconds
        self.desk.rig.run_until(lambda: time.monotonic() > end, 20_000)
        faults.clear()

    def finish(self) -> None:
        """Go on until the apply is over, or somebody is asked."""
        rig = self.desk.rig
        rig.run_until(lambda: self.desk.read().step != APPLY or self.desk.read().state != "running", 20_000)

    def count_questions(self) -> int:
        """How often a person was asked at the apply."""
        return sum(question.step == APPLY for question in self.desk.rig.bot.journal.list_questions("cluster-x-1"))

    def list_claims(self) -> set[tuple[str, int]]:
        """How often each part of the record was passed on in each run."""
        runs = self.desk.world.settings.state / "programs" / "runs"
        claims = Counter(claim.parents[2].name + claim.name for claim in runs.glob("*-apply-*/kubectl/claims/*"))
        return set(claims.items())

    def describe_cluster(self) -> list[Any]:
        """What the apply made of the cluster, with generations: everything but what controllers still make of it."""
        shown = canonical_objects(self.desk.world.cluster.store)
        return [describe_object(one) for one in shown if one["kind"] not in MADE_BY_CONTROLLERS]


def stand_at_the_brink(world: World, folder: Path) -> Brink:
    """Let an upgrade come to the moment before its apply, by a kubectl that can be stopped."""
    words = (sys.executable, "-I", "-S", stopping_kubectl.__file__, str(name_calls(world)))
    (world.folder.tools / "kubectl").write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    desk = Desk(world)
    desk.start()
    while True:
        desk.rig.run_until(lambda: desk.read().step == APPLY or desk.read().state != "running", 20_000)
        if desk.read().step == APPLY:
            break
        assert desk.read().state == "asking", desk.rig.describe()
        desk.click("approve")
    desk.rig.crash()
    shutil.copytree(world.settings.state, folder, symlinks=True)
    return Brink(world, world.clock.time, world.cluster.snapshot(), folder)


def describe_object(found: dict[str, Any]) -> dict[str, Any]:
    """An object without its status; the injector writes its CA bundle back into its own registration at some time."""
    if found["kind"] != "MutatingWebhookConfiguration":
        return {**found, "status": None}
    metadata = {name: text for name, text in found["metadata"].items() if name != "generation"}
    hooks = [{**hook, "clientConfig": {**hook["clientConfig"], "caBundle": ""}} for hook in found["webhooks"]]
    return {**found, "metadata": metadata, "webhooks": hooks}


def name_calls(world: World) -> Path:
    """Where kubectl leaves its numbers."""
    return world.folder.root / "kubectl-calls"


def kill(process: int) -> None:
    """kill -9 of a process, or of its whole group where the number is negative."""
    with suppress(ProcessLookupError):
        (os.killpg if process < 0 else os.kill)(abs(process), signal.SIGKILL)
