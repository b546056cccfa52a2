"""Why a workload does not get on."""

from __future__ import annotations

import pytest

from steps.contract.wording import shorten
from steps.mesh import Event
from steps.phases.sidecars.flights.reasons import find_reason, pick_silent
from steps.workloads.causes import choose_words
from tests.unit.steps.shapes import NEW, entry, flight, pod, workload

QUOTA = 'FailedCreate: pods "web-x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2'
MULTI = 'web-4: FailedAttachVolume: Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-1'
BROKEN = pod("web-4", NEW, ready=0, problem="app CrashLoopBackOff: back-off 40s")
SILENT = pod("web-5", NEW, ready=0, phase="Pending")


@pytest.mark.parametrize(
    ("pods", "failure", "words", "refusal", "reason"),
    [
        ((), QUOTA, MULTI, "", QUOTA),
        ((BROKEN,), "", MULTI, "", "web-4: app CrashLoopBackOff: back-off 40s"),
        ((SILENT,), "", MULTI, "", MULTI),
        ((SILENT,), "", "", "refused", "refused"),
        ((SILENT,), "odd", MULTI, "", MULTI),
        ((SILENT,), "", "", "", "web-5 is Pending and is not ready (0/2)"),
        ((pod("web-6", NEW, ready=1),), "", "", "", "web-6 runs and is not ready (1/2)"),
        ((), "", "", "", ""),
    ],
)
def test_the_telling_reason_is_found(
    pods: tuple[object, ...], failure: str, words: str, refusal: str, reason: str
) -> None:
    """What tells of a known cause comes before what does not, a fact before nothing."""
    one = flight(entry("web-1"), workload=workload(failure=failure), pods=pods, words=words, refusal=refusal)
    assert find_reason(one) == reason


def test_events_are_asked_of_a_pod_that_says_nothing() -> None:
    """One of the restart before an old one."""
    old = pod("web-1", ready=1)
    one = flight(entry("web-1"), workload=workload(), pods=(old, BROKEN, SILENT))
    assert pick_silent(one) == SILENT
    assert pick_silent(flight(entry("web-1"), workload=workload(), pods=(BROKEN, pod("web-2")))) is None


def test_of_events_the_last_telling_warning_counts() -> None:
    """Ordinary events tell of no trouble."""
    events = (
        Event("Warning", "FailedMount", "MountVolume.SetUp failed"),
        Event("Warning", "FailedAttachVolume", 'Multi-Attach error for volume "pvc-1"'),
        Event("Warning", "Odd", "odd"),
        Event("Normal", "Scheduled", "assigned"),
    )
    assert choose_words(events) == 'FailedAttachVolume: Multi-Attach error for volume "pvc-1"'
    assert choose_words(events[2:]) == "Odd: odd"
    assert choose_words(events[3:]) == ""


def test_long_words_are_cut_and_stand_on_one_line() -> None:
    """A policy's words may be a table."""
    assert shorten("a\n\n  b") == "a b"
    assert len(shorten("x" * 1000)) == 400
