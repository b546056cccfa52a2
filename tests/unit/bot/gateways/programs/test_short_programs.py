"""Programs that answer within a minute."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile

import pytest

from bot.gateways.programs import short_programs
from bot.gateways.programs.short_programs import run_program
from steps.contract.errors import GiveUp, TryAgain

WRITE = "import sys; sys.stdout.write('a' * 600 + 'b' * 5000 + 'c' * 600); sys.stderr.write('said')"


def run(code: str, limit: float = 60.0) -> short_programs.Printed:
    """Run a program of Python's."""
    return run_program([sys.executable, "-I", "-c", code], {}, limit)


def test_what_a_program_printed_is_read() -> None:
    """Both streams, each by itself."""
    printed = run(WRITE)
    assert (printed.exit_code, len(printed.output), printed.errors) == (0, 6200, "said")


def test_of_too_much_the_beginning_and_the_end_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that prints without end fills no memory, and its last words are there."""
    monkeypatch.setattr(short_programs, "LARGEST_OUTPUT", 1000)
    assert run(WRITE).output == "a" * 500 + "\n... 5200 bytes left out ...\n" + "c" * 500


def test_a_program_that_does_not_end_is_killed() -> None:
    """And tried again."""
    with pytest.raises(TryAgain, match="did not end within"):
        run("while True: pass", 0.5)


def test_what_is_no_program_is_named() -> None:
    """With what to check."""
    with pytest.raises(GiveUp, match="can't be started"):
        run_program(["/no/such/program"], {}, 5.0)


@pytest.mark.parametrize("where", [(subprocess, "Popen"), (tempfile, "TemporaryFile")], ids=["fork", "files"])
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_a_program_that_the_system_has_no_room_for_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, number: int, where: tuple[object, str]
) -> None:
    """The program itself is in order, and nothing was begun."""

    def refuse(*_given: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*where, refuse)
    with pytest.raises(TryAgain, match="cat can't be started now: ") as caught:
        run_program(["/bin/cat"], {}, 5.0)
    assert caught.value.changed_nothing
