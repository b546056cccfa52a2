"""Programs that answer within a minute: versions, rendering, dry runs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.gateways.calls.faults import before_start
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.wording import shorten

LARGEST_OUTPUT = 20_000_000


@dataclass(frozen=True)
class Printed:
    """What a program printed; `errors` is empty where both streams were read as one."""

    exit_code: int
    output: str
    errors: str = ""


def run_program(
    arguments: Sequence[str], environment: Mapping[str, str], limit: float, merged: bool = False
) -> Printed:
    """Run a program to its end, `limit` seconds at most; then its whole group is killed and TryAgain raised.

    Output goes to files: a grandchild that keeps a pipe open could hold the bot up otherwise.
    """
    name = Path(arguments[0]).name
    with ExitStack() as files:
        with before_start(name):
            output, errors = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        try:
            with before_start(name):
                process = subprocess.Popen(
                    list(arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT if merged else errors,
                    env=dict(environment),
                    start_new_session=True,
                )
        except OSError as error:
            raise GiveUp(
                f"{name} can't be started: {error.strerror or error}",
                f"Check that {arguments[0]} is a program for this machine, then retry.",
            ) from error
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired as error:
            _kill_group(process)
            raise TryAgain(f"`{_name_command(arguments)}` did not end within {limit:g} s and was killed") from error
        return Printed(code, _read_back(output), _read_back(errors))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _read_back(file: IO[bytes]) -> str:
    """What was written; of too much the beginning and the end, with what is left out said between them."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size <= LARGEST_OUTPUT:
        return file.read().decode("utf-8", "replace")
    half = LARGEST_OUTPUT // 2
    head = file.read(half)
    file.seek(size - half)
    left_out = f"\n... {size - 2 * half} bytes left out ...\n".encode()
    return (head + left_out + file.read(half)).decode("utf-8", "replace")


def _name_command(arguments: Sequence[str]) -> str:
    return shorten(" ".join([Path(arguments[0]).name, *arguments[1:]]), 120)
