"""Programs that outlive the bot: none may outlive the sandbox. Linux only; elsewhere these do nothing."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Orphans:
    """What the bot's own children leave behind becomes a child of this process, which is then ended here.

    Children that were there before are left alone.
    """

    def __init__(self) -> None:
        self._spared = set(_children())
        _prctl(PR_SET_CHILD_SUBREAPER, 1)

    def bury(self, bot: int | None) -> None:
        """Collect ended children other than the bot, whose end asyncio awaits itself."""
        while True:
            ended = _peek_ended()
            if ended is None or ended == bot or ended in self._spared:
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(ended, os.WNOHANG)

    def end(self) -> int:
        """Kill what is left and return how many there were."""
        left = [child for child in _children() if child not in self._spared]
        for child in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
        return len(left)


def die_with_parent() -> None:
    """Called in the new child: have it killed when the sandbox dies without stopping it."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _peek_ended() -> int | None:
    if not hasattr(os, "waitid"):
        return None
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended is not None else None


def _children() -> list[int]:
    try:
        listed = Path("/proc/self/task").glob("*/children")
        return [int(child) for entry in listed for child in entry.read_text().split()]
    except OSError:
        return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
