from __future__ import annotations

import subprocess
import sys

import pytest

from tests.skips import NOT_ON_LINUX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=NOT_ON_LINUX)

LEAVE_ONE_BEHIND = """
import subprocess
left = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
print(left.pid)
"""
ORPHAN = f"""
import os, subprocess, sys
from sandbox.bot.kinship import Orphans

orphans = Orphans()
middle = [sys.executable, "-W", "ignore", "-c", {LEAVE_ONE_BEHIND!r}]
orphan = int(subprocess.run(middle, stdout=subprocess.PIPE, text=True).stdout)
print(orphans.end(), flush=True)
os.waitpid(orphan, 0)
"""
BURIAL = """
import os, subprocess
from sandbox.bot.kinship import Orphans

orphans = Orphans()
ended = subprocess.Popen(["true"])
os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
orphans.bury(bot=None)
try:
    os.waitpid(ended.pid, 0)
except ChildProcessError:
    print("buried")
"""


def run(script: str) -> str:
    """Run a script as a process of its own and return what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=True).stdout.strip()


def test_what_a_dead_bot_left_running_is_ended() -> None:
    """A grandchild in a session of its own is found and killed."""
    assert run(ORPHAN) == "1"


def test_ended_orphans_are_collected() -> None:
    """No zombie stays behind to look alive."""
    assert run(BURIAL) == "buried"
