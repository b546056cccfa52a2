from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.release.tools.forked_program import ForkedProgram, find_forked
from tests.skips import NOT_FORKED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=NOT_FORKED)
PROGRAM = """\
import os, signal, sys
NAME = __name__
if NAME == "__main__":
    word = sys.argv[2]
    if word == "words":
        print(*sys.argv[1:])
    elif word == "stdin":
        print(len(sys.stdin.buffer.read()), file=sys.stderr)
    elif word == "leave":
        sys.exit(int(sys.argv[3]))
    elif word == "say":
        sys.exit("it went wrong")
    elif word == "raise":
        raise ValueError("nobody catches this")
    elif word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "kin":
        print(os.getpid(), os.getppid())
    elif word == "descriptors":
        print(*(number for number in sys.argv[3:] if os.path.exists(f"/proc/self/fd/{number}")))
"""


@dataclass(frozen=True)
class Place:
    """A folder on PATH with a program of the name kubectl."""

    folder: Path

    def write(self, starter: str) -> ForkedProgram | None:
        """Put this line of shell there, and find what it starts."""
        kubectl = self.folder / "kubectl"
        kubectl.write_text(f'#!/bin/sh\nexec {starter} "$@"\n')
        kubectl.chmod(0o755)
        return find_forked("kubectl")

    def start(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Start it as any other program starts it."""
        command = [str(self.folder / "kubectl"), *arguments]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The folder alone on PATH, and the file of a program in it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "program.py").write_text(PROGRAM)
    return Place(tmp_path)


@pytest.fixture
def forked(place: Place) -> ForkedProgram:
    """The program as it is forked."""
    found = place.write(shlex.join([sys.executable, "-I", "-S", str(place.folder / "program.py"), "first"]))
    assert found is not None
    return found


@pytest.mark.parametrize("arguments", [("words", "a b", "c"), ("stdin",), ("leave", "0"), ("leave", "7"), ("say",)])
def test_it_ends_as_a_started_one_does(place: Place, forked: ForkedProgram, arguments: tuple[str, ...]) -> None:
    """Words, standard input, both outputs and the exit code."""
    assert forked.run(arguments, "ä" * 70_000) == place.start(*arguments, stdin="ä" * 70_000)


@pytest.mark.parametrize("word", ["raise", "die"])
def test_what_nobody_caught_ends_the_child_alone(place: Place, forked: ForkedProgram, word: str) -> None:
    """An exception by 1 and its last line on standard error, a signal by its number."""
    code, out, errors = forked.run([word], "")
    wanted, _, said = place.start(word)
    assert (code, out, errors.splitlines()[-1:]) == (wanted, "", said.splitlines()[-1:])


def test_it_is_a_process_of_its_own(forked: ForkedProgram) -> None:
    """The guard looks at who its parent is."""
    child, parent = map(int, forked.run(["kin"], "")[1].split())
    assert (child != os.getpid(), parent) == (True, os.getpid())


def test_it_inherits_what_a_started_one_inherits(tmp_path: Path, forked: ForkedProgram) -> None:
    """The lock of the run, and nothing else that istioctl has open."""
    with (tmp_path / "lock").open("w") as lock, (tmp_path / "private").open("w") as private:
        os.set_inheritable(lock.fileno(), True)
        numbers = [str(file.fileno()) for file in (lock, private)]
        assert forked.run(["descriptors", *numbers], "")[1].split() == numbers[:1]


@pytest.mark.parametrize(
    "starter",
    [
        "/usr/bin/kubectl",
        shlex.join([sys.executable, "-I", "-S", "-c", "pass"]),
        shlex.join([sys.executable, "-I", "program.py"]),
        shlex.join(["/another/python", "-I", "-S", "program.py"]),
    ],
)
def test_any_other_program_is_to_be_started(place: Place, starter: str) -> None:
    """A kubectl in another language, code on the command line, another interpreter or another way to start it."""
    assert place.write(starter) is None


def test_no_program_is_found_where_none_is(place: Place) -> None:
    """istioctl says so itself."""
    assert find_forked("kubectl") is None
