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
    elif word == "environment":
        print(*(f"{name}={text}" for name, text in os.environ.items() if name not in ("LC_CTYPE", "PWD")))
    elif word == "modules":
        print(*(name for name in sys.modules if name.partition(".")[0] == "sandbox"))
    elif word == "spawn":
        opened = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        for number, name in enumerate(("out", "errors"), 1):
            path = os.path.join(sys.argv[3], name)
            opened.append((os.POSIX_SPAWN_OPEN, number, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        pid = os.posix_spawn(sys.argv[4], sys.argv[4:], {"NAME": "given"}, file_actions=opened)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(pid, os.getpid(), code)
    elif word == "descriptors":
        print(*(number for number in sys.argv[3:] if os.path.exists(f"/proc/self/fd/{number}")))
"""
LINE = f"exec({PROGRAM!r})"


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


@pytest.fixture(params=["file", "line"])
def forked(place: Place, request: pytest.FixtureRequest) -> ForkedProgram:
    """The program as it is forked: a file, or a line of Python."""
    program = [str(place.folder / "program.py")] if request.param == "file" else ["-c", LINE]
    found = place.write(shlex.join([sys.executable, "-I", "-S", *program, "first"]))
    assert found is not None
    return found


@dataclass(frozen=True)
class Spawned:
    """What a forked program saw of another one that it started, and what that one said."""

    code: int
    parent: int
    pid: int
    out: str


def spawn(place: Place, forked: ForkedProgram, starter: str, *arguments: str) -> Spawned:
    """Let the forked program start another one."""
    other = place.folder / "other"
    other.write_text(starter)
    other.chmod(0o755)
    answered = forked.run(["spawn", str(place.folder), str(other), *arguments], "")
    pid, parent, code = map(int, answered[1].split())
    return Spawned(code, parent, pid, (place.folder / "out").read_text())


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


def test_what_a_file_defines_is_defined_once_for_all_its_forks(place: Place) -> None:
    """And what it does where it is started, each of them does itself, at its own lines."""
    ending = (
        'if __name__ == "__main__":\n    print(MADE == os.getppid(), __name__)\n    raise ValueError("at its end")\n'
    )
    (place.folder / "program.py").write_text(f"import os\nMADE = os.getpid()\n\n{ending}")
    forked = place.write(shlex.join([sys.executable, "-I", "-S", str(place.folder / "program.py")]))
    assert forked is not None
    ended = [forked.run([], "") for _ in range(2)]
    assert [out for _, out, _ in ended] == ["True __main__\n"] * 2
    assert all("line 6, in <module>" in errors for _, _, errors in ended)


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


def describe_starter(marker: str) -> str:
    """The program as it may be forked, or with a line before that only a shell understands."""
    return f'#!/bin/sh\n{marker}exec {shlex.join([sys.executable, "-I", "-S", "-c", PROGRAM, "first"])} "$@"\n'


@pytest.mark.parametrize("marker", ["", "# another kubectl\n"], ids=["forked", "started"])
def test_what_it_starts_ends_alike_forked_or_not(place: Place, forked: ForkedProgram, marker: str) -> None:
    """A child of its own with the given environment alone, its exit code, and none of the parent's own modules."""
    starter = describe_starter(marker)
    kin = spawn(place, forked, starter, "kin")
    assert kin.out.split() == [str(kin.pid), str(kin.parent)]
    assert spawn(place, forked, starter, "leave", "7").code == 7
    assert spawn(place, forked, starter, "die").code == -9
    assert spawn(place, forked, starter, "environment").out.split() == ["NAME=given"]
    assert spawn(place, forked, starter, "modules").out.split() == []


@pytest.mark.parametrize(
    "starter",
    [
        "/usr/bin/kubectl",
        shlex.join([sys.executable, "-I", "-S", "-c"]),
        shlex.join([sys.executable, "-I", "program.py"]),
        shlex.join(["/another/python", "-I", "-S", "program.py"]),
    ],
)
def test_any_other_program_is_to_be_started(place: Place, starter: str) -> None:
    """A kubectl in another language, no code at all, another interpreter or another way to start it."""
    assert place.write(starter) is None


def test_no_program_is_found_where_none_is(place: Place) -> None:
    """istioctl says so itself."""
    assert find_forked("kubectl") is None
