"""A folder of child programs that any number of bots look after, one after another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from tests.scenarios.locks import kill_group
from tests.unit.bot.gateways.loopback import HandClock

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SECONDS = 20.0


STARTER = """
import os, signal, sys
from pathlib import Path
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places

runs = ProgramRuns(Path(sys.argv[1]), Places(4, 1), lambda: float(sys.argv[3]))
runs.start("run", ["/bin/sh", "-c", sys.argv[2]], {"PATH": "/usr/bin:/bin"}, 60)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Bench:
    """Runs in one folder, seen by as many bots as a test starts; what still runs is killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.most = 4
        self.clock = HandClock()

    def bot(self) -> ProgramRuns:
        """Make a bot that knows nothing but the folder."""
        return ProgramRuns(self.folder / "runs", Places(self.most, 1), self.clock)

    def start_and_be_killed(self, script: str) -> int:
        """Start a line for the shell from a bot of its own that kill -9 ends at once; give its exit code.

        It reads the time of this bench: the machine may have booted a minute ago.
        """
        arguments = [sys.executable, "-c", STARTER, str(self.folder / "runs"), script, str(self.clock.now)]
        return subprocess.run(arguments, timeout=60, check=False).returncode

    def kill_group(self, run_id: str) -> None:
        """Kill a program and its children from outside."""
        kill_group(self.folder / "runs" / run_id / "lock", SECONDS)

    def end(self) -> None:
        """Kill the groups that are still there."""
        for lock in self.folder.glob("runs/*/lock"):
            if not self.bot().wait_for_end(lock.parent.name, 0.01):
                self.kill_group(lock.parent.name)
                assert self.bot().wait_for_end(lock.parent.name, SECONDS)


def shell(script: str) -> list[str]:
    """Make a program of a line for the shell."""
    return ["/bin/sh", "-c", script]
