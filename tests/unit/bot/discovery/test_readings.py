"""What a form shows of a cluster: read when it is wanted, kept for a while, never waited for."""

from __future__ import annotations

import threading

import pytest

from bot.discovery.readings import ClusterReadings, FormReading
from steps.contract.errors import TryAgain
from steps.mesh import ClusterAddress
from tests.unit.bot.workbench import HandClock

X, Y = ClusterAddress("cluster-x"), ClusterAddress("cluster-y")


def want(readings: ClusterReadings, address: ClusterAddress) -> int:
    """Want a mode, have it read; how often whoever waits was called."""
    called: list[int] = []
    readings.want(address, lambda: called.append(1))
    readings.turn()
    return len(called)


def test_a_mode_is_unknown_until_it_was_read() -> None:
    """And then it is told to whoever waits."""
    readings = ClusterReadings(lambda _address: FormReading("STRICT"), HandClock())
    before = readings.recall(X).mode
    assert (before, want(readings, X), readings.recall(X).mode, readings.recall(Y).mode) == ("", 1, "STRICT", "")


def test_a_mode_read_lately_is_not_read_again() -> None:
    """Nobody is called for what they were shown already."""
    answers = iter([FormReading("STRICT"), FormReading("PERMISSIVE")])
    readings = ClusterReadings(lambda _address: next(answers), HandClock())
    assert ([want(readings, X) for _ in range(3)], readings.recall(X).mode) == ([1, 0, 0], "STRICT")


def test_a_mode_is_read_again_after_a_while() -> None:
    """It may have been changed."""
    clock = HandClock()
    readings = ClusterReadings(lambda _address: FormReading("STRICT"), clock)
    want(readings, X)
    clock.advance(301)
    assert (readings.recall(X).mode, want(readings, X)) == ("", 1)


def test_a_cluster_that_does_not_tell_is_unknown() -> None:
    """The form goes on without it."""

    def fail(_address: ClusterAddress) -> FormReading:
        raise TryAgain("the API server of cluster-x can't be reached")

    readings = ClusterReadings(fail, HandClock())
    assert (want(readings, X), readings.recall(X).mode) == (1, "")


def test_a_cluster_that_hangs_is_unknown() -> None:
    """Whatever the client's own limits do."""
    answered = threading.Event()

    def hang(_address: ClusterAddress) -> FormReading:
        answered.wait(30)
        return FormReading("STRICT")

    readings = ClusterReadings(hang, HandClock(), limit=0.01)
    called = want(readings, X)
    answered.set()
    assert (called, readings.recall(X).mode) == (1, "")


def test_a_cluster_that_finds_no_thread_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of processes ends no bot; whoever waits is told."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    readings = ClusterReadings(lambda _address: FormReading("STRICT"), HandClock())
    assert (want(readings, X), readings.recall(X).mode) == (1, "")
