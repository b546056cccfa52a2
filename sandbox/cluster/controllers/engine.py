"""Runs the controllers: what changed is looked at again, and what is due later waits in one heap.

Nothing is polled, so a settled cluster costs nothing however many pods it has. What goes wrong over one object is
recorded and tried again later, and the others go on.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from sandbox.cluster.objects.objects import name_of, namespace_of
from sandbox.cluster.server.store import Change, Store

log = logging.getLogger(__name__)
# Timers this close together are taken in one go, so that a controller looks once at several pods.
GRAIN_SECONDS = 0.05
# Controllers that still answer each other after so many rounds without time going by will never stop.
MOST_ROUNDS = 5000
# A controller's wait before it looks again at what it failed over; doubles up to the most.
FAULT_RETRY_SECONDS = 5.0
MOST_FAULT_RETRY_SECONDS = 300.0


class Key(msgspec.Struct, frozen=True):
    """What a controller looks at: one object by namespace and name."""

    controller: str
    namespace: str
    name: str


@dataclass(frozen=True)
class ControllerFault:
    """What a controller stumbles over, for as long as it does; `times` in a row."""

    key: Key
    why: str
    times: int = 1

    def sentence(self) -> str:
        """Say it in one sentence."""
        place = "/".join(part for part in (self.key.namespace, self.key.name) if part)
        return f"The {self.key.controller} of the simulated cluster can't handle {place}: {self.why}."


class Controller(Protocol):
    """A loop that drives the cluster towards what objects ask for."""

    @property
    def name(self) -> str:
        """The name in keys."""
        ...

    @property
    def watches(self) -> tuple[str, ...]:
        """The kinds whose changes matter; the first is the kind looked at by name."""
        ...

    def affected(self, change: Change) -> Iterable[tuple[str, str]]:
        """Name the objects (namespace, name) to look at because of a change to one of the watched kinds."""
        ...

    def reconcile(self, namespace: str, name: str) -> None:
        """Look at one object and do what is due."""
        ...


class Engine:
    """The queue and the timers of the controllers, on simulated time. Not thread-safe: hold the cluster's lock."""

    def __init__(self, clock: Callable[[], float], store: Store) -> None:
        self._clock = clock
        self._controllers: dict[str, Controller] = {}
        self._watching: dict[str, list[Controller]] = defaultdict(list)
        self._queue: dict[Key, None] = {}
        self._timers: list[tuple[float, int, Key]] = []
        self._scheduled: dict[Key, float] = {}
        self._sequence = 0
        self._changed_at = math.inf
        self._running = False
        self._now = self._past = clock()
        self.on_work: Callable[[], None] = lambda: None
        self.on_fault: Callable[[ControllerFault], None] = lambda fault: None
        self.faults: dict[Key, ControllerFault] = {}
        store.listen(self._follow)

    def add(self, controller: Controller) -> None:
        """Run a controller from now on."""
        self._controllers[controller.name] = controller
        for key in controller.watches:
            self._watching[key].append(controller)

    def now(self) -> float:
        """Return simulated time: while due work is caught up with, the time at which it was due."""
        return self._now if self._running else max(self._now, self._clock())

    def look_at(self, controller: str, namespace: str, name: str) -> None:
        """Queue one object for a controller."""
        if not self._queue and not self._running:
            self._changed_at = self.now()
        self._queue[Key(controller, namespace, name)] = None
        self._tell_of_work()

    def look_again(self, key: str, namespace: str, name: str) -> None:
        """Queue one object of a kind for every controller that looks at this kind by name."""
        for controller in self._watching.get(key, ()):
            if controller.watches[0] == key or (key == "endpoints" and name == "istio-sidecar-injector"):
                self.look_at(controller.name, namespace, name)

    def look_later(self, seconds: float, controller: str, namespace: str, name: str) -> None:
        """Queue one object for a controller in some seconds; an earlier time already set stays."""
        key = Key(controller, namespace, name)
        due = self.now() + max(seconds, 0.0)
        if self._scheduled.get(key, math.inf) <= due:
            return
        self._scheduled[key] = due
        self._sequence += 1
        heapq.heappush(self._timers, (due, self._sequence, key))
        self._tell_of_work()

    def tick(self) -> float | None:
        """Do all work that is due by now; returns the simulated time of the next, None when nothing is planned."""
        until = self._clock()
        self._running = True
        try:
            while (moment := self._next_moment()) <= until:
                self._now = max(self._now, moment)
                self._take_due(self._now + GRAIN_SECONDS)
                self._drain()
            self._now = max(self._now, until)
        finally:
            self._running = False
        return self._timers[0][0] if self._timers else None

    @contextmanager
    def earlier(self, seconds: float) -> Iterator[None]:
        """Live some seconds in the past, which `advance` moves on: for objects that are old when the cluster opens."""
        present, self._clock = self._clock, self._past_clock
        self._past = self._now = present() - seconds
        try:
            yield
        finally:
            self._clock = present

    def advance(self, seconds: float) -> None:
        """Let simulated seconds of the past go by."""
        self._past += seconds
        self.tick()

    def _past_clock(self) -> float:
        return self._past

    def reset(self) -> None:
        """Forget queue, timers and how far time had come (before another state is loaded)."""
        self._now = self._clock()
        self._queue.clear()
        self._timers.clear()
        self._scheduled.clear()
        self.faults.clear()
        self._changed_at = math.inf

    def look_at_everything(self, changes: Iterable[Change]) -> None:
        """Queue what these changes concern (after another state was loaded)."""
        for change in changes:
            self._follow(change)

    def _next_moment(self) -> float:
        return min(self._changed_at if self._queue else math.inf, self._timers[0][0] if self._timers else math.inf)

    def _take_due(self, until: float) -> None:
        while self._timers and self._timers[0][0] <= until:
            due, _, key = heapq.heappop(self._timers)
            if self._scheduled.get(key) == due:
                del self._scheduled[key]
                self._queue[key] = None

    def _drain(self) -> None:
        for _ in range(MOST_ROUNDS):
            if not self._queue:
                break
            batch, self._queue = self._queue, {}
            for key in batch:
                self._reconcile(key)
        else:
            restless, self._queue = self._queue, {}
            for key in restless:
                self._stumble(key, "it never comes to rest")
        self._changed_at = math.inf

    def _reconcile(self, key: Key) -> None:
        try:
            self._controllers[key.controller].reconcile(key.namespace, key.name)
        except Exception as error:
            log.exception("the %s failed over %s/%s", key.controller, key.namespace, key.name)
            self._stumble(key, f"{type(error).__name__}: {error}")
        else:
            self.faults.pop(key, None)

    def _stumble(self, key: Key, why: str) -> None:
        before = self.faults.get(key)
        times = before.times + 1 if before else 1
        self.faults[key] = fault = ControllerFault(key, why, times)
        wait = min(FAULT_RETRY_SECONDS * 2.0 ** min(times - 1, 10), MOST_FAULT_RETRY_SECONDS)
        self.look_later(wait, key.controller, key.namespace, key.name)
        if before is None or before.why != why:
            self.on_fault(fault)

    def _follow(self, change: Change) -> None:
        for controller in self._watching.get(change.key, ()):
            for namespace, name in self._affected(controller, change):
                self.look_at(controller.name, namespace, name)

    def _tell_of_work(self) -> None:
        """Say that a tick may be due earlier than the last one said."""
        if not self._running:
            self.on_work()

    def _affected(self, controller: Controller, change: Change) -> list[tuple[str, str]]:
        try:
            return list(controller.affected(change))
        except Exception as error:
            place = (namespace_of(change.obj), name_of(change.obj))
            log.exception("the %s failed over a change of %s/%s", controller.name, *place)
            self._stumble(Key(controller.name, *place), f"{type(error).__name__}: {error}")
            return []
