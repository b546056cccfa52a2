"""The bot's start, in which it can be told to stop from the first moment on."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings.environment import Settings


class StopRequest:
    """What SIGTERM and SIGINT ask for: an end, and by a second one an end without waiting for programs.

    The kernel gives process 1 of a container only the signals that it catches. One that comes before is lost, and
    whoever sent it waits for the whole grace time.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hurried = threading.Event()

    def catch(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()


def serve_bot(settings: Settings, stop: StopRequest) -> int:
    """Run the bot; the exit code is 0 when it was told to stop, however early."""
    from bot.app.log import configure_log
    from bot.app.serving import BROKEN_SECONDS, Serving, import_clients, require_place
    from bot.app.way_out import take_way_out

    configure_log(settings.log_level, sys.stderr)
    require_place(settings.state)
    take_way_out(settings.way_out, settings.state, os.environ)
    # The memory of the bot, and of the programs that it starts, holds tokens.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import_clients()
    return 0 if stop.asked.is_set() else Serving(settings, stop.asked, stop.hurried, BROKEN_SECONDS).run()
