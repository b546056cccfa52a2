"""A kubectl that is a Python file, started by a fork: a process of its own, with the parent's interpreter and modules.

istioctl calls the kubectl on its PATH twenty times a run. Where a line of shell starts a file there by this very
Python, to start an interpreter for it takes ten times as long as all that it does.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType
    from typing import NoReturn

STARTER = re.compile(r'#!/bin/sh\nexec (.+) "\$@"\n')
INTERPRETER = [sys.executable, "-I", "-S"]
DESCRIPTORS = Path("/proc/self/fd")


class ForkedProgram:
    """A Python file and the words that it is started with before any others."""

    def __init__(self, file: str, words: Sequence[str], code: CodeType) -> None:
        self._file = file
        self._words = words
        self._code = code

    def run(self, arguments: Sequence[str], stdin: str) -> tuple[int, str, str]:
        """Run it to its end; return its exit code, negative for a signal, and both outputs."""
        given, out, errors = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        try:
            _write(given, stdin.encode())
            child = os.fork()
            if not child:
                self._become((given, out, errors), arguments)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return code, _read(out), _read(errors)
        finally:
            for descriptor in (given, out, errors):
                os.close(descriptor)

    def _become(self, descriptors: Sequence[int], arguments: Sequence[str]) -> NoReturn:
        """Be this program, in the child alone, and end as it does."""
        code = 1
        try:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            _close_private()
            sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
            sys.argv = [self._file, *self._words, *arguments]
            code = self._execute()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _execute(self) -> int:
        try:
            exec(self._code, {"__name__": "__main__", "__file__": self._file})
        except SystemExit as end:
            if end.code is None or isinstance(end.code, int):
                return end.code or 0
            sys.stderr.write(f"{end.code}\n")
            return 1
        except BaseException:  # noqa: BLE001 - as an interpreter ends that nobody caught it in
            sys.excepthook(*sys.exc_info())
            return 1
        return 0


def find_forked(name: str) -> ForkedProgram | None:
    """Return the program of this name on PATH, None where it is none of this kind and must be started."""
    path = next((file for file in _list_places(name) if os.access(file, os.X_OK)), None)
    if path is None or not hasattr(os, "memfd_create") or not DESCRIPTORS.is_dir():
        return None
    found = STARTER.fullmatch(path.read_bytes().decode(errors="replace"))
    words = shlex.split(found.group(1)) if found else []
    if words[:3] != INTERPRETER or not words[3:] or not words[3].endswith(".py"):
        return None
    code = compile(Path(words[3]).read_bytes(), words[3], "exec", dont_inherit=True)
    exec(code, {"__name__": "forked", "__file__": words[3]})  # what it imports is there for every fork
    return ForkedProgram(words[3], words[4:], code)


def _list_places(name: str) -> list[Path]:
    return [Path(folder, name) for folder in os.environ.get("PATH", "").split(os.pathsep)]


def _close_private() -> None:
    """Close what no other program would inherit; the listing's own descriptor is closed by then."""
    for number in [int(entry.name) for entry in DESCRIPTORS.iterdir()]:
        with suppress(OSError):
            if number > 2 and not os.get_inheritable(number):
                os.close(number)


def _write(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _read(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, encoding="utf-8", closefd=False) as file:
        return file.read()
