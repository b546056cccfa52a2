"""Message timestamps and ids: unique, ordered, taken from the injected clock."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

MICROS = 1_000_000


class Stamps:
    """Makes `ts` values ("1718000000.000100") that never repeat even when the clock stands still."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.last = 0

    def now(self) -> float:
        """Return the clock's Unix time in seconds."""
        return self._clock()

    def next(self) -> str:
        """Return a timestamp later than all before."""
        self.last = max(self.last + 100, int(self._clock() * MICROS))
        return write_stamp(self.last)


class Ids:
    """Makes ids with Slack's prefixes ("V0000000001"); the count survives a snapshot."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, prefix: str) -> str:
        """Return a new id."""
        self.count += 1
        return f"{prefix}{self.count:010d}"


def write_stamp(micros: int) -> str:
    """Write microseconds as Slack writes a ts."""
    return f"{micros // MICROS}.{micros % MICROS:06d}"


def read_stamp(stamp: str) -> int:
    """Read a ts into microseconds. Raises ValueError."""
    seconds, _, fraction = stamp.partition(".")
    return int(seconds) * MICROS + int((fraction + "000000")[:6] or 0)


def make_secret(count: int = 24) -> str:
    """Return an unguessable lower-case word."""
    return "".join(itertools.islice(secrets.token_hex(count), count))
