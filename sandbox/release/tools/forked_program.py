"""A program that is Python, started by a fork: a process of its own, with its parent's interpreter and modules.

istioctl calls the kubectl on its PATH twenty times a run, and each of those may call another one. Where a line of shell
starts this very Python there, to start an interpreter for it takes ten times as long as all that it does.
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
    from collections.abc import Mapping, Sequence
    from types import CodeType
    from typing import NoReturn

    OpenedFile = tuple[int, int, str | bytes | os.PathLike[str], int, int]

STARTER = re.compile(r'#!/bin/sh\nexec (.+) "\$@"\n')
INTERPRETER = [sys.executable, "-I", "-S"]
INLINE = "-c"
LONGEST_STARTER = 65_536
# Where a file ends that may be imported as well: what stands before it is the same for each start.
MAIN = '\nif __name__ == "__main__":\n'
# The only form in which the guard opens files for what it starts.
OPENED = [(os.POSIX_SPAWN_OPEN, number) for number in range(3)]
DESCRIPTORS = Path("/proc/self/fd")
START_PROGRAM = os.posix_spawn
# Where the modules of this file's own package are found, which another program may have under the same names.
OWN_PACKAGE, DEPTH = __name__.partition(".")[0], __name__.count(".")
OWN_PLACE = str(Path(__file__).parents[DEPTH])


class ForkedProgram:
    """Code in one or two parts, and the words that it is started with before any others: the file or -c, and what
    follows it.

    `shares` tells whether the parent's own modules are its own too.
    """

    def __init__(self, words: Sequence[str], code: Sequence[CodeType], *, shares: bool) -> None:
        self._words = words
        self._code = list(code)
        self._names = {"__name__": "__main__", "__file__": words[0]}
        self.shares = shares

    def run(self, arguments: Sequence[str], stdin: str) -> tuple[int, str, str]:
        """Run it to its end; return its exit code, negative for a signal, and both outputs."""
        given, out, errors = (os.memfd_create(name) for name in ("stdin", "stdout", "stderr"))
        try:
            _write(given, stdin.encode())
            child = self.start((given, out, errors), arguments, dict(os.environ))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return code, _read(out), _read(errors)
        finally:
            for descriptor in (given, out, errors):
                os.close(descriptor)

    def prepare(self) -> None:
        """Do here what is the same for every fork: what a file imports and defines before it does anything."""
        if len(self._code) > 1:
            exec(self._code.pop(0), self._names)

    def start(self, descriptors: Sequence[int], arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start it with these for its input and its outputs, and return its process."""
        child = os.fork()
        if not child:
            self._become(descriptors, arguments, environment)
        return child

    def _become(self, descriptors: Sequence[int], arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        """Be this program, in the child alone, and end as it does."""
        code = 1
        try:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            _close_private()
            sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
            sys.argv = [*self._words, *arguments]
            _begin_anew(environment)
            if not self.shares:
                _forget_own()
            code = self._execute()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _execute(self) -> int:
        try:
            for part in self._code:
                exec(part, self._names)
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
    program = read_forked(path) if path else None
    if program:
        program.prepare()
    return program


def read_forked(path: Path) -> ForkedProgram | None:
    """Return the program that this line of shell starts, None where it is none of this kind and must be started."""
    if not hasattr(os, "memfd_create") or not DESCRIPTORS.is_dir():
        return None
    with path.open("rb") as file:
        found = STARTER.fullmatch(file.read(LONGEST_STARTER).decode(errors="replace"))
    words = shlex.split(found.group(1)) if found else []
    if words[:3] != INTERPRETER or len(words) == 3:
        return None
    first, *more = words[3:]
    if first == INLINE and more:
        code = compile(more[0], "<string>", "exec", dont_inherit=True)
        return ForkedProgram([INLINE, *more[1:]], [code], shares=f"; sys.path += [{MADE_FROM!r}" in more[0])
    if first.endswith(".py"):  # it has no folder of ours to find anything in, and may start what has
        return ForkedProgram([first, *more], compile_parts(first), shares=True)
    return None


def compile_parts(path: str) -> list[CodeType]:
    """Compile a file: what it defines, and what it does where it is started; all at once where it has no such end.

    Each part keeps the lines that it has in the file.
    """
    definitions, main, end = Path(path).read_text(encoding="utf-8").rpartition(MAIN)
    lines = "\n" * definitions.count("\n")
    parts = [definitions, f"{lines}{main}{end}"] if main else [end]
    return [compile(part, path, "exec", dont_inherit=True) for part in parts]


# Where this file stood when it was compiled, which a program in one file keeps in mind.
MADE_FROM = str(Path(read_forked.__code__.co_filename).parents[DEPTH])


def spawn(
    path: str, arguments: list[str], environment: Mapping[str, str], *, file_actions: Sequence[OpenedFile]
) -> int:
    """Start a program as `os.posix_spawn` does for a forked one: one of this kind is forked as well."""
    program = read_forked(Path(path)) if os.access(path, os.X_OK) else None
    if program is None or [action[:2] for action in file_actions] != OPENED:
        return START_PROGRAM(path, arguments, environment, file_actions=file_actions)
    descriptors = [os.open(file, flags, mode) for _, _, file, flags, mode in file_actions]
    try:
        return program.start(descriptors, arguments[1:], environment)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _begin_anew(environment: Mapping[str, str]) -> None:
    """Set what a new interpreter begins with, and have what it starts forked as well."""
    sys.dont_write_bytecode = False
    os.environ.clear()
    os.environ.update(environment)
    vars(os)["posix_spawn"] = spawn


def _forget_own() -> None:
    """Let a program find modules of its own under the names of ours."""
    for name in [name for name in sys.modules if name.partition(".")[0] == OWN_PACKAGE]:
        del sys.modules[name]
    sys.path[:] = [place for place in sys.path if place != OWN_PLACE]


def _list_places(name: str) -> list[Path]:
    return [Path(folder, name) for folder in os.environ.get("PATH", "").split(os.pathsep)]


def _close_private() -> None:
    """Close what no other program would inherit; the listing's own descriptor is closed by then."""
    with os.scandir(DESCRIPTORS) as entries:
        numbers = [int(entry.name) for entry in entries]
    for number in numbers:
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
