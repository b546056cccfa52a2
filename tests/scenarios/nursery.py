"""Bots that begin as children of a program which has imported all that a bot imports, in a hundredth of the time.

Each is a process of its own, with the environment, the log and the command line of `asm-upgrade serve`, and may be
killed like one. `python -m tests.scenarios.nursery` reads and answers a line of JSON for each.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from bot.app.cli import main
from bot.app.serving import import_clients
from tests.children import read_first_line


@dataclass(frozen=True)
class Child:
    """A bot of the nursery."""

    nursery: Nursery
    pid: int

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it is there, dead or alive, until it was waited for."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code, negative for a signal. Fails where it doesn't end in time."""
        return self.nursery.ask({"wait": self.pid}, seconds)


@dataclass(frozen=True)
class Nursery:
    """The program."""

    program: subprocess.Popen[str]

    def start_bot(self, environment: Mapping[str, str], log: Path) -> Child:
        """A bot with this environment and no more; what it says goes to the end of the log."""
        return Child(self, self.ask({"environment": dict(environment), "log": str(log)}))

    def ask(self, question: Mapping[str, object], seconds: float = 90.0) -> int:
        """The number that answers a line."""
        assert self.program.stdin
        self.program.stdin.write(json.dumps(question) + "\n")
        self.program.stdin.flush()
        return int(read_first_line(self.program, seconds))


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """Start it; its bots must have ended when it is left."""
    command = [sys.executable, "-m", "tests.scenarios.nursery"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield Nursery(program)
        finally:
            program.kill()


def serve() -> None:
    """Import, and then begin and wait for bots until nobody asks any more."""
    import_module("bot.app.start")
    import_clients()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        number = wait_for(asked["wait"]) if "wait" in asked else begin(asked["environment"], asked["log"])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def wait_for(pid: int) -> int:
    """The exit code of a bot."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def begin(environment: Mapping[str, str], log: str) -> int:
    """The process id of a new bot."""
    return os.fork() or be_bot(environment, log)


def be_bot(environment: Mapping[str, str], log: str) -> NoReturn:
    """Serve, in the child."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
            os.dup2(os.open(path, flags, 0o600), descriptor)
        os.dup2(2, 1)
        main(["serve"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
