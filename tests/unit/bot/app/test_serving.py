"""The running bot from outside: what it says first and last, and that a thread which dies takes it along."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.children import describe_bot, read_first_line

SECONDS = 120
# A bot without Slack; FAULT is done before it serves.
BOT = """
import sys
from bot.app import serving
from bot.app.start import StopRequest, serve_bot
from bot.settings.environment import read_settings

def fail(self):
    raise RuntimeError("a fault of the bot's own")

FAULT
stop = StopRequest()
stop.catch()
sys.exit(serve_bot(read_settings(), stop))
"""


def start_bot(folder: Path, fault: str = "") -> subprocess.Popen[str]:
    """The bot as a program of its own."""
    command = [sys.executable, "-c", BOT.replace("FAULT", fault)]
    return subprocess.Popen(command, env=describe_bot(folder), stderr=subprocess.PIPE, text=True)


def read_events(lines: list[str]) -> list[dict[str, Any]]:
    """The lines of the log; a traceback of Python's own is none."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_the_first_line_is_of_its_start_and_the_last_of_its_stop(tmp_path: Path) -> None:
    """With what it serves, and whether it was told to stop."""
    bot = start_bot(tmp_path)
    first = read_first_line(bot)
    bot.send_signal(signal.SIGTERM)
    lines = [first, *bot.communicate(timeout=SECONDS)[1].splitlines()]
    assert all(line.startswith("{") for line in lines)
    begun, *between, stopped = read_events(lines)
    assert (begun["event"], begun["clusters"], begun["open"]) == ("serving", ["cluster-x"], 0)
    assert [event["event"] for event in between].count("stopping") == 1
    assert (stopped["event"], stopped["asked"], bot.returncode) == ("stopped", True, 0)


@pytest.mark.parametrize("fault", ["serving.Serving._search = fail", "serving.Serving._tick = fail"])
def test_a_thread_that_dies_takes_the_bot_along(tmp_path: Path, fault: str) -> None:
    """So that liveness fails, and whoever runs the bot starts it anew."""
    bot = start_bot(tmp_path, fault)
    lines = bot.communicate(timeout=SECONDS)[1].splitlines()
    last = read_events(lines)[-1]
    assert (last["event"], last["asked"], bot.returncode) == ("stopped", False, 1)


LOOKED_AT = """import gc
from bot.app.serving import import_clients
import_clients()
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_the_clients_bring_is_not_looked_through_for_garbage() -> None:
    """A bot lives long, and each full look would take a tenth of a second in which nothing else runs."""
    ran = subprocess.run([sys.executable, "-c", LOOKED_AT], capture_output=True, text=True, timeout=SECONDS, check=True)
    kept, looked_at = (int(word) for word in ran.stdout.split())
    assert kept > 100 * looked_at


NOISY = """from bot.app import serving
serving.CLIENTS = ("noisy",)
serving.import_clients()
"""


def test_a_library_that_warns_of_an_old_python_writes_no_line_into_the_log(tmp_path: Path) -> None:
    """Google's do, at their import, from the day on that Python's own support ends."""
    (tmp_path / "noisy.py").write_text("import warnings; warnings.warn('Python is too old', FutureWarning)")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-c", NOISY]
    ran = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert ran.stderr == ""
