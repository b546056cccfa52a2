"""Child programs of tests: what they say is waited for, never without a limit."""

from __future__ import annotations

import select
import subprocess

SECONDS = 90.0


def read_first_line(child: subprocess.Popen[str], seconds: float = SECONDS) -> str:
    """The line with which a program says that it is there, on whichever of its streams the test reads."""
    stream = child.stdout or child.stderr
    assert stream is not None
    ready, _, _ = select.select([stream], [], [], seconds)
    assert ready, f"{child.args!r} said nothing within {seconds:g} s"
    return stream.readline()
