"""Take many clusters through whole upgrades at once: `python -m tests.bench.fleet_run`, as many as ASM_BENCH_COUNT.

Prints the processor's seconds of the bot alone, its programs and its world counted apart, and its peak memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click

from bot.app.log import configure_log
from bot.app.serving import import_clients
from bot.app.wiring import Bot, build_bot
from bot.settings.environment import read_settings
from tests.bench.fleet_world import name_cluster
from tests.bench.pod_readers import read_peak
from tests.scenarios.rig import HandClock
from tests.unit.bot.workbench import write_click

REQUESTER, APPROVER = "U0ANA00001", "U0BEN00002"
LONGEST, SHORTEST = 15.0, 0.05
# While programs run, time is the real one, as it is for them.
BESIDE_PROGRAMS = 1.0
REACHED = timedelta(hours=12)


class Fleet:
    """The bot over its clusters, and the world in another process that keeps the same time."""

    def __init__(self, count: int, world: subprocess.Popen[str]) -> None:
        assert world.stdin is not None
        assert world.stdout is not None
        self.count = count
        self._to_world, self._from_world = world.stdin, world.stdout
        # as often as in a real project; the sandbox looks more often, for whoever watches
        os.environ.update(json.loads(self._from_world.readline()) | {"ASM_UPGRADE_RETRY_CAP": "15"})
        self.clock = HandClock()
        import_clients()
        self.bot: Bot = build_bot(read_settings(), self.clock, lambda: None)
        self._answered: set[tuple[str, int]] = set()
        # the processor's seconds of the bot, and those for which each due step waited behind others
        self.spent, self.waits = 0.0, list[float]()

    def run(self) -> None:
        """Until every upgrade has ended. Raises TimeoutError where one stops or takes too long."""
        ends = self.clock.now() + REACHED
        for name in map(name_cluster, range(self.count)):
            now = self.clock.now()
            self.bot.upgrades.receive(write_click(f"start-{name}", "start", REQUESTER, now, target=name))
        self.bot.upgrades.settle_clicks()
        while rows := self.bot.journal.list_open_upgrades():
            for row in rows:
                if row.state == "blocked" or self.clock.now() > ends:
                    raise TimeoutError(f"{row.id} at {row.step} is {row.state}: {row.sentence}")
                if row.state == "asking":
                    self._approve(row.id, row.step, row.generation)
            self._turn()

    def _turn(self) -> None:
        bot, now = self.bot, self.clock.now()
        begun = time.process_time()
        bot.upgrades.settle_clicks()
        due = self._run_steps()
        wait = bot.announcer.turn()
        self.spent += time.process_time() - begun
        pause = min(LONGEST, (due - now).total_seconds() if due else LONGEST, LONGEST if wait is None else wait)
        if bot.programs.list_running(""):
            pause = min(pause, BESIDE_PROGRAMS)
            time.sleep(max(pause, SHORTEST))
        self._advance(max(pause, SHORTEST))

    def _run_steps(self) -> datetime | None:
        """What the runner's own turn does, with a look at how long each step waits for those before it."""
        begun = time.process_time()
        for upgrade in self.bot.journal.list_due(self.clock.now()):
            self.waits.append(time.process_time() - begun)
            self.bot.runner.run_step(upgrade)
        return self.bot.journal.find_next_due()

    def _advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self._to_world.write(f"{seconds}\n")
        self._to_world.flush()
        self._from_world.readline()

    def _approve(self, upgrade: str, step: str, generation: int) -> None:
        """Take the first choice of what is asked, once its card is posted."""
        slot = f"card:{step}:{generation}"
        if (upgrade, generation) in self._answered or not self.bot.outbox.was_posted(upgrade, slot, begun=True):
            return
        self._answered.add((upgrade, generation))
        question = self.bot.views.read_view(upgrade).question
        choice = question.choices[0].id if question else "approve"
        told = {"target": upgrade, "step": step, "generation": generation, "choice": choice, "reason": "the benchmark"}
        name = f"{upgrade}-{generation}"
        self.bot.upgrades.receive(write_click(name, "decide", APPROVER, self.clock.now(), **told))


@contextmanager
def open_fleet(count: int) -> Iterator[Fleet]:
    """The world in another process, and the bot over it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.fleet_world", folder, str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as world:
            try:
                yield Fleet(count, world)
            finally:
                world.kill()


def measure(count: int) -> dict[str, float]:
    """Run them; numbers as the benchmark wants them."""
    configure_log("error", sys.stderr)
    with open_fleet(count) as fleet:
        at = time.monotonic()
        fleet.run()
        programs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime  # the world is not among them while it runs
        upgraded = len([row for row in fleet.bot.journal.list_upgrades(limit=count) if row.state == "upgraded"])
        fleet.bot.store.close()
    p99 = sorted(fleet.waits)[len(fleet.waits) * 99 // 100]
    return {"upgraded": upgraded, "seconds": fleet.spent, "p99": p99, "wall": time.monotonic() - at,
            "memory": read_peak(), "programs": programs}  # fmt: skip


if __name__ == "__main__":
    click.echo(json.dumps(measure(int(os.environ["ASM_BENCH_COUNT"]))))
