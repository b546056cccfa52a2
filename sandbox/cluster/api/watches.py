"""Watches: what changed since a revision, as the watcher's selectors see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.cluster.objects.objects import Json, labels_of, namespace_of
from sandbox.cluster.objects.selectors import FieldTest, LabelTest
from sandbox.cluster.server.store import Change, Store


@dataclass(frozen=True)
class Filter:
    """Which objects a client asked for."""

    namespace: str
    labels: LabelTest | None = None
    fields: FieldTest | None = None

    def matches(self, obj: Json) -> bool:
        """Tell whether an object is among them."""
        if self.namespace and namespace_of(obj) != self.namespace:
            return False
        if self.labels is not None and not self.labels(labels_of(obj)):
            return False
        return self.fields is None or self.fields(obj)

    def event(self, change: Change) -> tuple[str, Json] | None:
        """Translate a change: objects that enter the selection are ADDED, those that leave it DELETED."""
        now = change.type != "DELETED" and self.matches(change.obj)
        before = change.before is not None and self.matches(change.before)
        if now:
            return ("MODIFIED" if before else "ADDED"), change.obj
        return ("DELETED", change.obj) if before else None


class Bell:
    """Wakes watchers of a kind from whichever thread writes."""

    def __init__(self, store: Store) -> None:
        self._ringing: dict[str, dict[asyncio.Event, asyncio.AbstractEventLoop]] = {}
        store.listen(self._ring)

    def register(self, key: str, event: asyncio.Event) -> Callable[[], None]:
        """Set `event` after each change of a kind, until the returned function is called."""
        listeners = self._ringing.setdefault(key, {})
        listeners[event] = asyncio.get_running_loop()

        def stop() -> None:
            listeners.pop(event, None)

        return stop

    def ring_all(self) -> None:
        """Wake every watcher."""
        for key in tuple(self._ringing):
            self._wake(key)

    def _ring(self, change: Change) -> None:
        if change.key in self._ringing:
            self._wake(change.key)

    def _wake(self, key: str) -> None:
        for event, loop in tuple(self._ringing[key].items()):
            if not event.is_set() and not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
