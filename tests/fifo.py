"""Fifos by which a test and a child program wait for each other, never without a limit."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path

SECONDS = 30.0
MakeFifo = Callable[[str], "Fifo"]


class Fifo:
    """One fifo, held open at both ends: no side waits to open it, and no child hangs on it once it is closed."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR)

    def __str__(self) -> str:
        return str(self.path)

    def release(self) -> None:
        """Let the program that reads a line go on, now or as soon as it comes to that line."""
        os.write(self._descriptor, b"go\n")

    def wait_until_told(self, seconds: float = SECONDS) -> None:
        """Wait for a program's line."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        assert ready, f"nobody wrote to {self.path.name} within {seconds:g} s"
        os.read(self._descriptor, select.PIPE_BUF)

    def close(self) -> None:
        """Take it away: who comes now finds no fifo, who reads it finds its end."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
