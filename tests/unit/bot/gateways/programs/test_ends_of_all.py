"""The end of all programs at once: whom the signals reach."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from bot.gateways.programs import long_programs
from bot.gateways.programs.long_programs import ProgramRuns
from bot.gateways.programs.places import Places
from tests.unit.bot.gateways.loopback import HandClock


def test_a_program_that_has_not_written_down_its_process_is_no_reason_to_end_the_bots_own_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is locked from its start on, and names its process a moment later; group 0 is that of whoever asks."""
    signalled = list[int]()
    monkeypatch.setattr(os, "killpg", lambda group, _number: signalled.append(group))
    monkeypatch.setattr(long_programs, "STARTING_LOOKS", 1)
    lock = tmp_path / "run" / "lock"
    lock.parent.mkdir()
    with lock.open("a+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ProgramRuns(tmp_path, Places(4, 1), HandClock(), grace_seconds=0.0).end_all()
    assert signalled == []
