"""Plugin: a connection to SQLite that nobody closed fails on every Python as on 3.13, and says who opened it."""

from __future__ import annotations

import functools
import sqlite3
import sys
import warnings
from types import FrameType
from typing import Any

OURS = ("/bot/", "/tests/", "/sandbox/")
FRAMES = 3


class Watched(sqlite3.Connection):
    """Knows who opened it, and whether it was closed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.opened_at = find_opener()
        super().__init__(*args, **options)

    def close(self) -> None:
        """Close it, as is right."""
        self.opened_at = ""
        super().close()

    def __del__(self) -> None:
        """Say so where nobody did."""
        opened_at = getattr(self, "opened_at", "")
        if opened_at:
            self.close()
            warnings.warn(f"unclosed database, opened at {opened_at}", ResourceWarning, source=self, stacklevel=2)


def find_opener() -> str:
    """The lines of ours that led to it, the innermost first; thousands of connections are opened."""
    ours: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame and len(ours) < FRAMES:
        file = frame.f_code.co_filename
        if any(part in file for part in OURS) and "site-packages" not in file:
            ours.append(f"{file.rpartition('/')[2]}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(ours) or "?"


def pytest_configure() -> None:
    """Every connection is watched from now on."""
    vars(sqlite3)["connect"] = functools.partial(sqlite3.connect, factory=Watched)
