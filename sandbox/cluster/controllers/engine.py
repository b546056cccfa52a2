"""Runs the controllers: what changed is looked at again, and what is due later waits in one heap.

Nothing is polled, so a settled cluster costs nothing however many pods it has.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sandbox.cluster.server.store import Change, Store

# Timers this close together are taken in one go, so that a controller looks once at several pods.
GRAIN_SECONDS = 0.05
# Controllers that still answer each other after so many rounds without time going by will never stop.
MOST_ROUNDS = 5000


@dataclass(frozen=True)
class Key:
    """What a controller looks at: one object by namespace and name."""

    controller: str
    namespace: str
    name: str


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
                self._controllers[key.controller].reconcile(key.namespace, key.name)
        else:
            raise RuntimeError(f"controllers never come to rest: {sorted({key.controller for key in self._queue})}")
        self._changed_at = math.inf

    def _follow(self, change: Change) -> None:
        for controller in self._watching.get(change.key, ()):
            for namespace, name in controller.affected(change):
                self.look_at(controller.name, namespace, name)
        if not self._running:
            self.on_work()
