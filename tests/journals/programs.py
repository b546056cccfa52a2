"""A child program that still runs when its bot is gone: how it is written down, and one in its place."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journals.placeholders import TOOLS
from tests.scenarios.locks import is_locked
from tests.scenarios.rig import World

RUNS = "programs/runs"
KEPT_VARIABLES = ("KUBECONFIG",)
# It waits until somebody has seen it run; ten minutes at most.
WAIT = "for _ in $(seq 12000); do [ -e go ] && break; sleep 0.05; done"
START = f'exec 9<&0 </dev/null; echo $$ >&9; {WAIT}; exec "$@"'
SECONDS = 60.0


@dataclass(frozen=True)
class RunningProgram:
    """One in the place of a program that ran when the journal was frozen; it goes on when `go_on` was called."""

    place: Path
    child: subprocess.Popen[bytes]

    def go_on(self) -> None:
        """Let it do its work."""
        (self.place / "go").touch()

    def end(self) -> None:
        """Make sure that it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(SECONDS)
        assert not is_locked(self.place / "lock", SECONDS), "a child of it still runs"


def list_running(world: World) -> Iterator[tuple[str, Any]]:
    """The programs that run now: id of the run, and how each was started."""
    for lock in sorted((world.folder.bot / RUNS).glob("*/lock")):
        if is_locked(lock):
            yield lock.parent.name, _describe_start(read_pid(lock.parent))


def start_again(world: World, run: str, start: Mapping[str, Any]) -> RunningProgram:
    """Start a program in place of the one that ran, and wait until it holds its lock."""
    place = world.folder.bot / RUNS / run
    (place / "output").write_bytes(b"")
    (place / "lock").write_bytes(b"")
    google = {"GOOGLE_APPLICATION_CREDENTIALS": world.variables["GOOGLE_APPLICATION_CREDENTIALS"]}
    environment = {**{name: str(value) for name, value in start["environment"].items()}, **google, "PATH": world.path}
    with (place / "lock").open("a+b") as lock, (place / "output").open("ab") as output:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        child = subprocess.Popen(
            ["/bin/sh", "-c", START, "sh", *start["arguments"]],
            stdin=lock, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=place, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + SECONDS
    while not read_pid(place):
        assert time.monotonic() < end, f"{run} did not start"
    return RunningProgram(place, child)


def read_pid(place: Path) -> int:
    """The process of a run, 0 while there is none."""
    text = (place / "lock").read_text().strip()
    return int(text) if text.isdecimal() else 0


def _describe_start(pid: int) -> dict[str, Any]:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    first = next(place for place, word in enumerate(words) if word.endswith(tuple(f"/bin/{tool}" for tool in TOOLS)))
    pairs = (pair.partition("=") for pair in Path(f"/proc/{pid}/environ").read_text().split("\0"))
    return {"arguments": words[first:], "environment": {k: v for k, _, v in pairs if k in KEPT_VARIABLES}}
