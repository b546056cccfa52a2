"""Tells a thread in its own order: what stands below a message waits for that message's last word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.watching.messages import is_going_on, kind_of

Json = dict[str, Any]

# An edit comes later than the posts that follow it; beyond this it is not waited for.
HELD_SECONDS = 5.0


class ThreadOrder:
    """Passes messages on to `show`; `later` calls a function after so many seconds."""

    def __init__(self, show: Callable[[Json], None], later: Callable[[float, Callable[[], None]], object]) -> None:
        self._show = show
        self._later = later
        self._shown: set[str] = set()
        self._going_on: set[str] = set()
        self._held: dict[str, Json] = {}

    def take(self, message: Json) -> None:
        """Show a message or an edit, now or once what stands above it has ended."""
        ts = message["ts"]
        if ts not in self._shown and self._going_on and kind_of(message) != "root":
            if ts not in self._held:
                self._later(HELD_SECONDS, lambda: self._give_up(ts))
            self._held[ts] = message
            return
        self._pass_on(message)
        self._release()

    def flush(self) -> None:
        """Show whatever is held."""
        self._going_on.clear()
        self._release()

    def _release(self) -> None:
        while self._held and not self._going_on:
            self._pass_on(self._held.pop(next(iter(self._held))))

    def _give_up(self, ts: str) -> None:
        """What stands above has stood for long enough: it is a question that is open, or work that goes on."""
        while ts in self._held:
            self._going_on.clear()
            self._pass_on(self._held.pop(next(iter(self._held))))
        self._release()

    def _pass_on(self, message: Json) -> None:
        ts = message["ts"]
        self._shown.add(ts)
        (self._going_on.add if is_going_on(message) else self._going_on.discard)(ts)
        self._show(message)
