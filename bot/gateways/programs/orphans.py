"""Programs that outlived the program that started them: as the first process of a container the bot is their parent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class Orphans:
    """Reaps those that have ended, so that a container does not fill with them.

    What the bot itself started is waited for by whoever started it, within a moment, and mostly leads a session of its
    own: only what has no session of its own and was there at the look before is reaped.
    """

    def __init__(self) -> None:
        self._seen: frozenset[int] = frozenset()

    def turn(self) -> None:
        """Look once."""
        ended = frozenset(list_ended(os.getpid()))
        for pid in ended & self._seen:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._seen = ended


def list_ended(parent: int) -> Iterator[int]:
    """The children of a process that have ended and lead no session, as proc(5) tells."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid = int(stat.parent.name)
            state, of, _group, session = stat.read_text().rpartition(")")[2].split()[:4]
            if state == "Z" and int(of) == parent and int(session) != pid:
                yield pid
