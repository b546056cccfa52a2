"""A connection of waitress that has to bring a whole request within a time."""

from __future__ import annotations

import time
from typing import Any

from waitress.channel import HTTPChannel

REQUEST_SECONDS = 20.0
# How long a connection may stay silent, and how often that is checked.
IDLE_SECONDS = 30
LOOKED_AT_EVERY = 5


class TimedChannel(HTTPChannel):  # type: ignore[misc]
    """Closed where a request, header and body together, isn't there in time, however steadily it drips."""

    begun: float | None = None

    def received(self, data: bytes) -> Any:
        """Take what has come, unless the request has taken too long."""
        now = time.monotonic()
        if self.begun is not None and now - self.begun > REQUEST_SECONDS:
            self.will_close = True
            return False
        if self.begun is None:
            self.begun = now
        taken = super().received(data)
        if self.request is None:  # it is whole
            self.begun = None
        return taken
