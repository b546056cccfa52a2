"""A bot that is connected to Slack at once: the SDK looks for its first connection half a second after it began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from slack_sdk.socket_mode.interval_runner import IntervalRunner

READING = "_run_current_session"
LOOK_SECONDS = 0.01


class PromptRunner(IntervalRunner):
    """Reads the first connection as soon as there is one; whatever else the SDK runs, it runs as ever."""

    def _run(self) -> None:
        client = getattr(self.target, "__self__", None)
        if getattr(self.target, "__name__", "") == READING:
            while client.current_session is None and not self.event.wait(LOOK_SECONDS):  # type: ignore[union-attr]
                continue
        super()._run()


@contextmanager
def connect_at_once() -> Iterator[None]:
    """Every client of the SDK that is made meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slack_sdk.socket_mode.websocket_client.IntervalRunner", PromptRunner)
        yield
