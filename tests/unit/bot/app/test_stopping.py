"""The bot as the first process of a container: what ends when it does, and what is waited for."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.children import describe_bot
from tests.namespaces import Apart

SECONDS = 120
# A bot without Slack that starts a program, is told to stop once that runs, and says how the program ended.
BOT = """
import os, signal, sys, threading, time
from bot.app.serving import Serving
from bot.app.start import StopRequest
from bot.settings.environment import read_settings

assert os.getpid() == 1
stop = StopRequest()
stop.catch()
serving = Serving(read_settings(), stop.asked, stop.hurried, 0.0)
serving.bot.programs.start("run", ["/bin/sh", "-c", sys.argv[1]], {"PATH": "/usr/bin:/bin"}, 60)
lock = serving.bot.programs.find_folder("run") / "lock"
while not lock.read_text().strip():
    time.sleep(0.01)
threading.Timer(0.1, os.kill, [1, signal.SIGTERM]).start()
code = serving.run()
print("left with", code, serving.bot.programs.observe("run"))
"""


def run_bot(apart: Apart, folder: Path, script: str, grace: str) -> str:
    """What the bot prints at its end."""
    command = [*apart, sys.executable, "-c", BOT, script]
    ended = subprocess.run(
        command,
        env=describe_bot(folder, ASM_UPGRADE_GRACE=grace),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return ended.stdout.splitlines()[-1] if ended.stdout else ended.stderr


def test_a_program_is_waited_for_before_its_container_ends(apart: Apart, tmp_path: Path) -> None:
    """An evicted pod lets istioctl end within its grace."""
    said = run_bot(apart, tmp_path, "sleep 2; exit 3", "60")
    assert said == "left with 0 ProgramEnded(exit_code=3, output='', timed_out=False)"


def test_after_a_stop_the_journals_file_alone_is_whole(apart: Apart, tmp_path: Path) -> None:
    """Whoever backs up or restores it without its WAL has everything."""
    run_bot(apart, tmp_path, "exit 0", "60")
    (alone := tmp_path / "alone.db").write_bytes((tmp_path / "state" / "asm-upgrade.db").read_bytes())
    with closing(sqlite3.connect(alone)) as db:
        found = db.execute("select id from identity").fetchone()
    assert found == ((tmp_path / "state" / "asm-upgrade.journal").read_text().strip(),)


def test_a_program_that_takes_longer_is_told_to_end(apart: Apart, tmp_path: Path) -> None:
    """In place of being killed with the container; how it ended is noted for the next bot."""
    said = run_bot(apart, tmp_path, "exec sleep 60", "0.2")
    assert said == "left with 0 ProgramEnded(exit_code=-15, output='', timed_out=False)"


# Stops itself as soon as it would hear of it, as a platform may that has just started it.
STOPPED_AT_ONCE = """
import os, signal, sys

def watch(frame, event, argument):
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGTERM)

sys.setprofile(watch)
from bot.app.cli import main
main(["serve"])
"""


def test_a_bot_that_is_stopped_while_it_starts_leaves_at_once(apart: Apart, tmp_path: Path) -> None:
    """Process 1 gets no signal that it does not catch: one that was lost would be waited for through the grace."""
    command = [*apart, sys.executable, "-c", STOPPED_AT_ONCE]
    environment = describe_bot(tmp_path, ASM_UPGRADE_GRACE="1920")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not (tmp_path / "state" / "asm-upgrade.db").exists()
