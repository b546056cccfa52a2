from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.wording import LONGEST_WORDS, shorten

CALL = OutsideCall("the API server of cluster-x", "list pods", "log in again", "grant it", "mend the name")
NOW = datetime(2026, 11, 22, 19, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 409, 410, 425, 429, 500, 502, 503, 504])
def test_statuses_that_pass_by_themselves_are_tried_again(status: int) -> None:
    """Conflicts, expiry, throttling and server errors are no reason to give up."""
    assert isinstance(faults.judge_status(CALL, status), TryAgain)


@pytest.mark.parametrize(("status", "remedy"), [(401, "log in again"), (403, "grant it"), (404, "mend the name")])
def test_refusals_carry_their_own_remedy(status: int, remedy: str) -> None:
    """What a person must do depends on the status."""
    verdict = faults.judge_status(CALL, status)
    assert isinstance(verdict, GiveUp)
    assert verdict.remedy == remedy


@pytest.mark.parametrize("status", [400, 405, 415, 422])
def test_bad_requests_give_up(status: int) -> None:
    """A request that was refused for itself will be refused again."""
    assert isinstance(faults.judge_status(CALL, status), GiveUp)


def test_sentence_names_who_was_asked_what_and_what_was_said() -> None:
    """A person can tell from the sentence alone what went wrong."""
    verdict = faults.judge_status(CALL, 403, "pods is forbidden:\n User bot cannot")
    assert str(verdict) == (
        'the API server of cluster-x answered 403 to "list pods": pods is forbidden: User bot cannot'
    )


def test_throttling_hands_on_the_servers_pause() -> None:
    """Retry-After reaches the runner."""
    verdict = faults.judge_status(CALL, 429, "", 30.0)
    assert isinstance(verdict, TryAgain)
    assert verdict.retry_in == 30.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Sun, 22 Nov 2026 19:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 18:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-3", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    """Seconds and HTTP dates are understood, anything else is no answer."""
    assert faults.read_retry_after({"Retry-After": header}, NOW) == seconds


def test_absent_retry_after_is_none() -> None:
    """Without the header the runner chooses the pause."""
    assert faults.read_retry_after({}) is None


def test_full_disk_says_how_much_is_needed() -> None:
    """A person can free what is missing."""
    verdict = faults.judge_disk(OSError(errno.ENOSPC, "No space left on device"), Path("downloads"), 150_000_000)
    assert isinstance(verdict, GiveUp)
    assert verdict.why == "the disk of downloads is full"
    assert "150 MB" in verdict.remedy


def test_other_file_errors_name_the_path() -> None:
    """A folder that may not be written is named."""
    verdict = faults.judge_disk(OSError(errno.EACCES, "Permission denied"), Path("downloads"))
    assert isinstance(verdict, GiveUp)
    assert "downloads" in verdict.why
    assert "Permission denied" in verdict.why


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_what_the_system_is_short_of_is_no_fault_of_the_disk(number: int) -> None:
    """It has room again once others end: no person has to do anything."""
    verdict = faults.judge_disk(OSError(number, os.strerror(number)), Path("runs"))
    assert isinstance(verdict, TryAgain)
    assert verdict.why.startswith(f"runs can't be written or read now: {os.strerror(number)}")


def test_long_messages_are_cut() -> None:
    """A foreign page of HTML does not fill the thread."""
    assert len(shorten("x" * 10_000)) == LONGEST_WORDS
