"""Take many clusters through whole upgrades at once: `python -m tests.bench.fleet_run`, as many as ASM_BENCH_COUNT,
at the niceness ASM_BENCH_NICE.

Prints the processor's seconds of the bot alone, its programs and its world counted apart, and its peak memory.

istioctl, asmctl and kubectl are the sandbox's stand-ins, as are the clusters, Google and Slack. Nothing of the sandbox
is imported here, for it would count as memory of the bot, some 20 MB.
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
from bot.journal.rows import UpgradeRow
from bot.settings.environment import read_settings
from tests.bench.pod_readers import read_peak
from tests.bench.working_clock import WorkingClock
from tests.unit.bot.workbench import write_click

REQUESTER, APPROVER = "U0ANA00001", "U0BEN00002"
LONGEST, SHORTEST = 15.0, 0.2
# The stand-ins take no memory, and a place that is waited for is waited for in real time.
PROGRAMS = 8
# While programs run, time is no more than so many times the real one: the real programs take much longer than the
# stand-ins. It is moved by so many seconds at most, for a program may end meanwhile.
PACE, BESIDE_PROGRAMS = 30.0, 2.0
REACHED = timedelta(hours=12)
ENDED = frozenset({"upgraded", "aborted"})


def name_cluster(number: int) -> str:
    """The clusters of the fleet; the first is cluster-x."""
    return f"twin-{number}" if number else "cluster-x"


class Fleet:
    """The bot over its clusters, and the world in another process that keeps the same time."""

    def __init__(self, count: int, world: subprocess.Popen[str]) -> None:
        assert world.stdin is not None
        assert world.stdout is not None
        self._names = [name_cluster(number) for number in range(count)]
        self._to_world, self._from_world = world.stdin, world.stdout
        # as often as in a real project; the sandbox looks more often, for whoever watches
        given = {"ASM_UPGRADE_RETRY_CAP": "15", "ASM_UPGRADE_PROGRAMS": str(PROGRAMS)}
        os.environ.update(json.loads(self._from_world.readline()) | given)
        self.clock = WorkingClock()
        import_clients()
        self.bot: Bot = build_bot(read_settings(), self.clock, lambda: None)
        self._open: set[str] = set()
        # what asks, in the order in which it was asked, for so are the cards posted
        self._asking: dict[str, UpgradeRow] = {}
        self._looked_at = time.monotonic()
        # the time that the world knows of
        self._told = self.clock.now()
        self._idle = self._told, self._told
        # the processor's seconds of the bot, and how long after it was due each step began
        self.spent, self.waits = 0.0, list[float]()

    def run(self, begin: int, end: int) -> None:
        """Take these of the clusters through. Raises TimeoutError where one stops or takes too long."""
        ends = self.clock.now() + REACHED
        for name in self._names[begin:end]:
            now = self.clock.now()
            self.bot.upgrades.receive(write_click(f"start-{name}", "start", REQUESTER, now, target=name))
        self.bot.upgrades.settle_clicks()
        self._open = {row.id for row in self.bot.journal.list_open_upgrades()}
        self.spent, self.waits = 0.0, []
        while self._open:
            if self.clock.now() > ends:
                raise TimeoutError(f"{len(self._open)} upgrades are still open")
            self._answer_posted()
            self._turn()

    def _turn(self) -> None:
        bot, begun = self.bot, self.clock.now()
        with self.clock.working():
            bot.upgrades.settle_clicks()
            ran = bot.journal.list_due(self.clock.now())
            for upgrade in ran:
                self._run_step(upgrade)
            due, wait = bot.journal.find_next_due(), bot.announcer.turn()
        now = self.clock.now()
        worked = (now - begun).total_seconds()
        self.spent += worked
        for upgrade in ran:
            self._follow(upgrade)
        pause = min(LONGEST, (due - now).total_seconds() if due else LONGEST, LONGEST if wait is None else wait)
        self._pass_time(max(pause, SHORTEST - worked), worked)

    def _run_step(self, upgrade: str) -> None:
        """What the runner's own turn does, with a look at how long after it was due the step begins."""
        row = self.bot.journal.find_upgrade(upgrade)
        if row is not None and row.due is not None:
            self.waits.append((self.clock.now() - row.due - self._count_idle(row.due)).total_seconds())
        self.bot.runner.run_step(upgrade)

    def _count_idle(self, due: datetime) -> timedelta:
        """What the time was moved by after this moment while the bot was idle: a bot that is awake begins at once."""
        begun, ended = self._idle
        return max(timedelta(), ended - max(begun, due))

    def _follow(self, upgrade: str) -> None:
        row = self.bot.journal.find_upgrade(upgrade)
        if row is None or row.state in ENDED:
            self._open.discard(upgrade)
        elif row.state == "blocked":
            raise TimeoutError(f"{row.id} at {row.step} is {row.state}: {row.sentence}")
        elif row.state == "asking":
            self._asking.setdefault(upgrade, row)

    def _pass_time(self, pause: float, worked: float) -> None:
        """Until the next is due, and no further: what is due one after another is not made due together."""
        if self.bot.programs.list_running(""):
            pause = min(pause, BESIDE_PROGRAMS)
            time.sleep(max(0.0, (pause + worked) / PACE - (time.monotonic() - self._looked_at)))
        begun = self.clock.now()
        self.clock.advance(max(pause, 0.0))
        self._idle = begun, self.clock.now()
        self._tell_world()
        self._looked_at = time.monotonic()

    def _tell_world(self) -> None:
        """Bring the world to the bot's time, what the bot worked included."""
        now = self.clock.now()
        self._to_world.write(f"{(now - self._told).total_seconds()}\n")
        self._to_world.flush()
        self._from_world.readline()
        self._told = now

    def _answer_posted(self) -> None:
        """Take the first choice of what is asked, once its card is posted."""
        for row in list(self._asking.values()):
            if not self.bot.outbox.was_posted(row.id, f"card:{row.step}:{row.generation}", begun=True):
                return
            del self._asking[row.id]
            self._approve(row.id, row.step, row.generation)

    def _approve(self, upgrade: str, step: str, generation: int) -> None:
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
    """One upgrade before all others, which takes what a process does once, and then so many at once."""
    configure_log("error", sys.stderr)
    assert "sandbox" not in sys.modules, "the sandbox would count as the bot's memory"
    with open_fleet(count + 1) as fleet:
        fleet.run(0, 1)
        first, at, programs = fleet.spent, time.monotonic(), count_programs()
        fleet.run(1, count + 1)
        rows = fleet.bot.journal.list_upgrades(limit=count + 1)
        programs = count_programs() - programs  # the world that ends now is a child as well
        fleet.bot.store.close()
    upgraded = sum(row.state == "upgraded" for row in rows) - 1
    p99 = sorted(fleet.waits)[len(fleet.waits) * 99 // 100]
    return {"first": first, "upgraded": upgraded, "seconds": fleet.spent, "p99": p99, "wall": time.monotonic() - at,
            "memory": read_peak(), "programs": programs}  # fmt: skip


def count_programs() -> float:
    """The processor's seconds of the programs that have ended; the world is not among them while it runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.nice(int(os.environ["ASM_BENCH_NICE"]))
    click.echo(json.dumps(measure(int(os.environ["ASM_BENCH_COUNT"]))))
