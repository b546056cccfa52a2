"""Ended programs whose parent has gone, under a first process of a namespace."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.namespaces import Apart

# Leaves one ended orphan, and one ended child that nobody has waited for yet; says how many are left after each look.
FIRST = """
import os, subprocess
from bot.gateways.programs.orphans import Orphans, list_ended

def count_zombies():
    return len(list(list_ended(os.getpid())))

subprocess.run(["/bin/sh", "-c", "true & exit 0"], start_new_session=True)
own = subprocess.Popen(["true"], start_new_session=True)
os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
while not count_zombies():
    pass
orphans, left = Orphans(), []
for _ in range(2):
    orphans.turn()
    left.append(count_zombies())
print(left, own.wait())
"""


def test_an_ended_orphan_is_reaped_at_the_second_look(apart: Apart) -> None:
    """And what the bot itself started keeps its exit code."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*apart, sys.executable, "-c", FIRST]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr) == ("[1, 0] 0\n", "")
