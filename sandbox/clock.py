"""The simulated cluster's clock: real time, made faster."""

from __future__ import annotations

import time
from collections.abc import Callable


class SimulatedClock:
    """Unix seconds that pass `speed` times as fast as real ones, from `start` on (default: now).

    Raises ValueError for a speed that isn't above 0.
    """

    def __init__(
        self,
        speed: float,
        start: float | None = None,
        elapsed: Callable[[], float] = time.monotonic,
        present: Callable[[], float] = time.time,
    ) -> None:
        self._elapsed = elapsed
        self._present = present
        self._speed = _checked(speed)
        self._base = present() if start is None else start
        self._mark = elapsed()

    @property
    def speed(self) -> float:
        """How many simulated seconds pass in a real one."""
        return self._speed

    def now(self) -> float:
        """Return the simulated time; it never goes back."""
        return self._base + (self._elapsed() - self._mark) * self._speed

    def set_speed(self, speed: float) -> None:
        """Go on from now at another speed. Raises ValueError unless it is above 0."""
        wanted = _checked(speed)
        self._base, self._mark = self.now(), self._elapsed()
        self._speed = wanted

    def lead(self) -> float:
        """Return by how many seconds the simulated time is ahead of the machine's clock."""
        return self.now() - self._present()

    def real_seconds(self, simulated: float) -> float:
        """Return how many real seconds a simulated time takes."""
        return simulated / self._speed


def _checked(speed: float) -> float:
    if not speed > 0:
        raise ValueError(f"the speed must be above 0, not {speed:g}")
    return speed
