"""Takes clicks in: those that arrive at the same time share one commit."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bot.journal import Journal
from bot.records import Click
from bot.store import Store


@dataclass
class _Arrival:
    click: Click
    fresh: bool = False
    committed: bool = False


class Intake:
    """Commits clicks as they came. A commit costs a disk flush, so while one runs the next gathers whoever arrives."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._gathering = threading.Lock()
        self._committing = threading.Lock()
        self._arrivals: list[_Arrival] = []

    def receive(self, click: Click) -> bool:
        """Return once the click is committed; False where its id was seen before. Raises StoreBroken."""
        arrival = _Arrival(click)
        with self._gathering:
            self._arrivals.append(arrival)
        with self._committing:
            if not arrival.committed:
                self._commit(arrival)
        return arrival.fresh

    def _commit(self, own: _Arrival) -> None:
        """Commit everybody who has arrived; where that fails, the others try for themselves and learn why."""
        with self._gathering:
            batch, self._arrivals = self._arrivals, []
        done = False
        try:
            with self._store.transact():
                for arrival in batch:
                    arrival.fresh = self._journal.add_click(arrival.click)
            done = True
        finally:
            if not done:
                with self._gathering:
                    self._arrivals += [arrival for arrival in batch if arrival is not own]
        for arrival in batch:
            arrival.committed = True
