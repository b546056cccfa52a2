"""What was made of bytes lately, kept while the bytes come to no more than a limit.

A count says nothing of memory: what istioctl hands over is a few bytes or half a megabyte.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
V = TypeVar("V")


class Latest(Generic[V]):
    """Values by key, each with its size; the one that was wanted longest ago goes first. Shared by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[int, V]] = OrderedDict()
        self.size = 0

    def find_or_make(self, key: Hashable, size: int, make: Callable[[], V]) -> V:
        """The value that is kept, else one that is made now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        made = make()
        with self._lock:
            self._keep(key, size, made)
        return made

    def _keep(self, key: Hashable, size: int, made: V) -> None:
        if size > self._most or key in self._kept:  # another thread was first
            return
        self._kept[key] = size, made
        self.size += size
        while self.size > self._most:
            _, (freed, _) = self._kept.popitem(last=False)
            self.size -= freed


def keep_latest(most: int) -> Callable[[Callable[P, V]], Callable[P, V]]:
    """Remember what a function made of bytes, for so many bytes of them. They are known by their hash, and not kept."""

    def decorate(make: Callable[P, V]) -> Callable[P, V]:
        latest = Latest[V](most)

        @functools.wraps(make)
        def recall(*given: P.args, **named: P.kwargs) -> V:
            key = tuple(hashlib.sha256(one).digest() if isinstance(one, bytes) else one for one in given)
            size = sum(len(one) for one in given if isinstance(one, bytes))
            return latest.find_or_make(key, size, lambda: make(*given, **named))

        return recall

    return decorate
