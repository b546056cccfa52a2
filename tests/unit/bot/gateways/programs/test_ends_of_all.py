"""The end of all programs at once: whom the signals reach."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from tests.unit.bot.gateways.loopback import HandClock


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The groups that a signal was sent to; nothing is sent."""
    groups = list[int]()
    monkeypatch.setattr(os, "killpg", lambda group, _number: groups.append(group))
    return groups


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    """The lock of a program that has not written down its process."""
    path = tmp_path / "run" / "lock"
    path.parent.mkdir()
    with path.open("a+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield path


def end_all(lock: Path) -> None:
    ProgramRuns(lock.parents[1], Places(4, 1), HandClock(), grace_seconds=0.0).end_all()


def test_a_program_that_has_not_written_down_its_process_is_no_reason_to_end_the_bots_own_group(
    lock: Path, signalled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is locked from its start on, and names its process a moment later; group 0 is that of whoever asks."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    end_all(lock)
    assert signalled == []


def test_a_program_that_is_about_to_write_down_its_process_is_waited_for(
    lock: Path, signalled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to end, and killed, as any other."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: lock.write_text("4711\n"))
    end_all(lock)
    assert signalled == [4711, 4711]
