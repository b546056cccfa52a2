"""APScheduler calls the reminders' tick, and nothing else: what is due stands in the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Ticker:
    """Calls `tick` every so many seconds on its own thread, never twice at once; a fault ends the ticking."""

    def __init__(self, tick: Callable[[], object], seconds: float) -> None:
        self._tick = tick
        self._seconds = seconds
        self._scheduler: Any = None
        self._failed = threading.Event()

    def start(self) -> None:
        """Tick now, and from now on. Missed ticks are made up for by one, however late it is."""
        from apscheduler.schedulers.background import BackgroundScheduler

        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults, daemon=True)
        self._scheduler.add_job(self._run, "interval", seconds=self._seconds, next_run_time=datetime.now(UTC))
        self._scheduler.start()

    def is_alive(self) -> bool:
        """Whether it still ticks."""
        return self._scheduler is not None and self._scheduler.running and not self._failed.is_set()

    def close(self) -> None:
        """Tick no more; a tick in hand is let end."""
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._tick()
        except BaseException:
            self._failed.set()
            log.exception("tick_failed")
            raise
