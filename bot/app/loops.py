"""Threads that do something whenever they are woken or its time has come, and the clock of the reminders."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.clock import Clock
from bot.engine.runner import Runner
from bot.incidents import note_incident
from bot.journal.journal import Journal
from bot.journal.store import StoreBroken
from bot.pools import hand_over
from steps.contract.errors import TryAgain

log = structlog.get_logger(__name__)
# A step that has waited for so long counts among the slow ones, of which there may be so many beside the others. One
# that has taken so much of a processor meanwhile does not wait, not even where eight of them share one.
SLOW_SECONDS = 5.0
SLOW_ONES = 24
COMPUTED = 0.1


class Loop(threading.Thread):
    """Calls `work` again and again; it says in how many seconds it wants to be called, None for when woken.

    An exception of `work` ends the thread; whoever watches ends the program.
    """

    def __init__(self, name: str, work: Callable[[], float | None], longest: float = 5.0) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._longest = longest
        self._woken = threading.Event()
        self._leaving = threading.Event()
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Work until told to leave."""
        while not self._leaving.is_set():
            pause = self._work()
            self._woken.wait(self._longest if pause is None else min(max(pause, 0.0), self._longest))
            self._woken.clear()

    def wake(self) -> None:
        """Have the work done soon."""
        self._woken.set()

    def leave(self) -> None:
        """Stop after the work in hand."""
        self._leaving.set()
        self._woken.set()


class StepThread:
    """A thread of the pool that runs a step, and since when it does nothing but wait."""

    def __init__(self, began: float) -> None:
        self._since = began
        self._processor: int | None = None
        self._used = 0.0

    def run(self, step: Callable[[], None]) -> None:
        """Run it in this thread."""
        self._used = time.thread_time()
        if sys.platform != "darwin":  # which tells nobody of another thread's time: there all that is long waits
            self._processor = time.pthread_getcpuclockid(threading.get_ident())
        step()

    def is_slow(self, now: float) -> bool:
        """Whether it has waited for long; asked while its thread lives."""
        used = self._used if self._processor is None else time.clock_gettime(self._processor)
        if used - self._used > COMPUTED:
            self._used, self._since = used, now
        return now - self._since >= SLOW_SECONDS


@dataclass(frozen=True)
class StepInFlight:
    """A step that was given to the pool."""

    thread: StepThread
    future: Future[None]


class Dispatcher:
    """Runs the due steps on a pool, at most one at a time for each upgrade.

    `width` of them run at once, beside those that have waited for long, as a silent cluster's do: these hold no others
    up.
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        clock: Clock,
        wake: Callable[[], None],
        width: int = 8,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._runner = runner
        self._clock = clock
        self._wake = wake
        self._width = width
        self._now = now
        self._pool = ThreadPoolExecutor(width + SLOW_ONES, thread_name_prefix="step")
        self._in_flight: dict[str, StepInFlight] = {}

    def turn(self) -> float | None:
        """Start what is due and answer in how many seconds something else is. Raises what a step's thread raised."""
        for upgrade, flight in list(self._in_flight.items()):
            if flight.future.done():
                del self._in_flight[upgrade]
                flight.future.result()
        now, room = self._clock.now(), self._count_room()
        for upgrade in self._journal.list_due(now):
            if room and upgrade not in self._in_flight:
                if not self._start(upgrade):
                    break
                room -= 1
        return self._pause(self._journal.find_next_due(), now)

    def close(self, patience: float) -> None:
        """Take no more steps, and wait so many seconds for those in flight."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait([flight.future for flight in self._in_flight.values()], timeout=patience)

    def _count_room(self) -> int:
        """How many more may run; there are threads for so many slow ones and no more."""
        now = self._now()
        slow = sum(flight.thread.is_slow(now) for flight in self._in_flight.values())
        return max(0, self._width + min(slow, SLOW_ONES) - len(self._in_flight))

    def _start(self, upgrade: str) -> bool:
        """Whether there was a thread for it; where there is none, the step stays due and waits for a later turn."""
        thread = StepThread(self._now())
        step = partial(thread.run, partial(self._runner.run_step, upgrade))
        try:
            future = hand_over(self._pool, step, f"a step of {upgrade}")
        except TryAgain as fault:
            note_incident("step_not_started", fault, upgrade=upgrade)
            return False
        self._in_flight[upgrade] = StepInFlight(thread, future)
        future.add_done_callback(lambda _future: self._wake())
        return True

    def _pause(self, due: datetime | None, now: datetime) -> float | None:
        if due is None:
            return None
        seconds = (due - now).total_seconds()
        # what is due already is in flight or waits for a place: an end wakes the loop, which looks for slow ones too
        return seconds if seconds > 0 else None


def tick_each(ticks: Iterable[Callable[[], object]]) -> None:
    """Tick each; a fault in one of them is noted and keeps none of the others from theirs."""
    for tick in ticks:
        try:
            tick()
        except StoreBroken:
            raise
        except Exception as fault:
            note_incident("tick_failed", fault, tick=getattr(tick, "__qualname__", ""))


class Ticker:
    """Calls `tick` every so many seconds on its own thread, never twice at once; a fault ends the ticking."""

    def __init__(self, tick: Callable[[], object], seconds: float, now: Callable[[], datetime]) -> None:
        self._tick = tick
        self._seconds = seconds
        self._now = now
        self._scheduler: Any = None
        self._job: Any = None
        self._failed = threading.Event()

    def start(self) -> None:
        """Tick now, and from now on. However many ticks were missed, one makes up for them."""
        from apscheduler.schedulers.background import BackgroundScheduler

        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults, daemon=True)
        self._job = self._scheduler.add_job(self._run, "interval", seconds=self._seconds, next_run_time=self._now())
        self._scheduler.start()

    def follow_clock(self) -> None:
        """Tick at once after the wall clock was set back; the scheduler would wait until it had caught up."""
        due = self._job.next_run_time if self._job is not None else None
        if due is not None and due - self._now() > timedelta(seconds=2 * self._seconds):
            self._job.modify(next_run_time=self._now())

    def is_alive(self) -> bool:
        """Whether it still ticks."""
        return self._scheduler is not None and self._scheduler.running and not self._failed.is_set()

    def close(self) -> None:
        """Tick no more; a tick that has begun may end."""
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._tick()
        except BaseException:
            self._failed.set()
            log.exception("tick_failed")
            raise
