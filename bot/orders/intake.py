"""Takes clicks in: those that arrive at the same time share one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.clicks.clicks import Click, Clicks

# Clicks of a crowd arrive closer together than this, and are all in after that long.
CROWD_GAP = 0.05
CROWD_SECONDS = 0.5


@dataclass
class _Arrival:
    click: Click
    fresh: bool = False
    committed: bool = False


class Intake:
    """Commits clicks as they came. A commit costs a disk flush, so while one runs the next gathers whoever arrives."""

    def __init__(self, clicks: Clicks, timer: Callable[[], float] = time.monotonic) -> None:
        self._clicks = clicks
        self._timer = timer
        self._crowd_began = self._last_came = -CROWD_SECONDS
        self._gathering = threading.Lock()
        self._committing = threading.Lock()
        self._arrivals: list[_Arrival] = []

    def receive(self, click: Click) -> bool:
        """Return once the click is committed; False where its id was seen before. Raises StoreBroken."""
        arrival = _Arrival(click)
        now = self._timer()
        with self._gathering:
            self._crowd_began = now if now - self._last_came > CROWD_GAP else self._crowd_began
            self._last_came = now
            self._arrivals.append(arrival)
        with self._committing:
            if not arrival.committed:
                self._commit(arrival)
        return arrival.fresh

    def is_crowded(self) -> bool:
        """Whether clicks pour in. Slack waits 3 s for each, so whoever decides them leaves disk and processor to them.

        A crowd that does not end is not waited for.
        """
        now = self._timer()
        return now - self._last_came <= CROWD_GAP and now - self._crowd_began < CROWD_SECONDS

    def _commit(self, own: _Arrival) -> None:
        """Commit everybody who has arrived; where that fails, the others try for themselves and learn why."""
        with self._gathering:
            batch, self._arrivals = self._arrivals, []
        done = False
        try:
            with self._clicks.transact():
                for arrival in batch:
                    arrival.fresh = self._clicks.add(arrival.click)
            done = True
        finally:
            if not done:
                with self._gathering:
                    self._arrivals += [arrival for arrival in batch if arrival is not own]
        for arrival in batch:
            arrival.committed = True
