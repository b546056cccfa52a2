"""What one turn of a step has seen of its cluster: whoever asks the same again in it is told the same.

A step asks several times over for the control plane's workloads: whether it may act, who owns them, what an apply would
change. What was seen counts for a few seconds, and no longer than until the step does anything or connects anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

P = TypeVar("P")
# How the names of a cluster's reads begin.
READING = ("read_", "list_", "count_", "find_")
LASTS = 5.0
# What is asked for more than once a turn; pods are not among it, for they come a page at a time.
ONCE = frozenset({"list_workloads", "list_objects", "read_object", "describe_cluster"})
LOOKING = (*READING, "describe_", "discover_")


class Sights:
    """Keeps what is read through the ports of one turn; its age is told by a clock that nobody sets."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[object, tuple[float, object]] = {}

    def watch(self, port: P) -> P:
        """The same port, on which the same is read once."""
        return cast(P, _Seen(port, self))

    def look(self, question: object, ask: Callable[[], object]) -> object:
        """What was answered to the question a moment ago, else what is answered now."""
        now, kept = self._clock(), self._seen.get(question)
        if kept is not None and now - kept[0] < LASTS:
            return kept[1]
        answer = ask()
        self._seen[question] = now, answer
        return answer

    def act(self, do: Callable[[], object]) -> object:
        """Do something, after which nothing counts that was seen before."""
        try:
            return do()
        finally:
            self._seen.clear()


class _Seen:
    """A port whose methods are wrapped when they are looked up."""

    def __init__(self, port: object, sights: Sights) -> None:
        self._port = port
        self._sights = sights

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: object, **named: object) -> object:
            if name in ONCE:
                question = name, _freeze(arguments), _freeze_named(named)
                return self._sights.look(question, lambda: method(*arguments, **named))
            if name.startswith(LOOKING) and not named.get("anew"):
                return method(*arguments, **named)
            return self._sights.act(lambda: method(*arguments, **named))

        return call


def _freeze(arguments: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(tuple(one) if isinstance(one, list) else one for one in arguments)


def _freeze_named(named: Mapping[str, object]) -> tuple[object, ...]:
    return tuple((name, *_freeze((value,))) for name, value in sorted(named.items()))
