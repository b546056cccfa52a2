"""Bots that begin as children of a program which has imported all that a bot imports, in a hundredth of the time.

Each is a process of its own, with the environment, the log and the command line of `asm-upgrade serve`, and may be
killed like one, or be the first process of a namespace. `python -m tests.scenarios.nursery` reads and answers a line of
JSON for each.
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
from typing import Any, NoReturn

from bot.app.cli import main
from bot.app.serving import import_clients
from tests.children import read_first_line
from tests.namespaces import Apart, go_on_apart


@dataclass(frozen=True)
class Child:
    """A bot of the nursery."""

    nursery: Nursery
    pid: int

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it is there, dead or alive, until it was waited for."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, unless it was waited for."""
        self.nursery.ask({"kill": self.pid})

    def wait(self, seconds: float) -> int:
        """Its exit code, negative for a signal, as often as asked. Fails where it doesn't end in time."""
        return self.nursery.ask({"wait": self.pid}, seconds)


@dataclass(frozen=True)
class Nursery:
    """The program."""

    program: subprocess.Popen[str]

    def start_bot(self, environment: Mapping[str, str], log: Path, apart: Apart = ()) -> Child:
        """A bot with this environment and no more; what it says goes to the end of the log.

        Apart it is the only child of the one that is answered, and ends with it.
        """
        return Child(self, self.ask({"environment": dict(environment), "log": str(log), "apart": apart}))

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
    ended: dict[int, int] = {}
    for line in sys.stdin:
        sys.stdout.write(f"{answer(json.loads(line), ended)}\n")
        sys.stdout.flush()


def answer(asked: dict[str, Any], ended: dict[int, int]) -> int:
    """Do what was asked; `ended` are the exit codes of those that were waited for."""
    if "wait" in asked:
        return wait_for(asked["wait"], ended)
    if "kill" in asked:
        if asked["kill"] not in ended:
            os.kill(asked["kill"], signal.SIGKILL)
        return 0
    pid = os.fork() or be_bot(asked["environment"], asked["log"], tuple(asked["apart"]))
    ended.pop(pid, None)
    return pid


def wait_for(pid: int, ended: dict[int, int]) -> int:
    """The exit code of a bot."""
    if pid not in ended:
        ended[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return ended[pid]


def be_bot(environment: Mapping[str, str], log: str, apart: Apart) -> NoReturn:
    """Serve, in the child, or in a child of its own that is apart."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
            os.dup2(os.open(path, flags, 0o600), descriptor)
        os.dup2(2, 1)
        if apart:
            go_on_apart(apart)
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
