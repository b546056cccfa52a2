"""The mTLS mode in force: read when it is wanted, kept for a while, never waited for."""

from __future__ import annotations

import threading

from bot.discovery.modes import MeshModes
from steps.contract.errors import TryAgain
from steps.mesh import ClusterAddress
from tests.unit.bot.workbench import HandClock

X, Y = ClusterAddress("cluster-x"), ClusterAddress("cluster-y")


def want(modes: MeshModes, address: ClusterAddress) -> int:
    """Want a mode, have it read; how often whoever waits was called."""
    called: list[int] = []
    modes.want(address, lambda: called.append(1))
    modes.turn()
    return len(called)


def test_a_mode_is_unknown_until_it_was_read() -> None:
    """And then it is told to whoever waits."""
    modes = MeshModes(lambda _address: "STRICT", HandClock())
    before = modes.recall(X)
    assert (before, want(modes, X), modes.recall(X), modes.recall(Y)) == ("", 1, "STRICT", "")


def test_a_mode_read_lately_is_not_read_again() -> None:
    """Nobody is called for what they were shown already."""
    answers = iter(["STRICT", "PERMISSIVE"])
    modes = MeshModes(lambda _address: next(answers), HandClock())
    assert ([want(modes, X) for _ in range(3)], modes.recall(X)) == ([1, 0, 0], "STRICT")


def test_a_mode_is_read_again_after_a_while() -> None:
    """It may have been changed."""
    clock = HandClock()
    modes = MeshModes(lambda _address: "STRICT", clock)
    want(modes, X)
    clock.advance(301)
    assert (modes.recall(X), want(modes, X)) == ("", 1)


def test_a_cluster_that_does_not_tell_is_unknown() -> None:
    """The form goes on without it."""

    def fail(_address: ClusterAddress) -> str:
        raise TryAgain("the API server of cluster-x can't be reached")

    modes = MeshModes(fail, HandClock())
    assert (want(modes, X), modes.recall(X)) == (1, "")


def test_a_cluster_that_hangs_is_unknown() -> None:
    """Whatever the client's own limits do."""
    answered = threading.Event()

    def hang(_address: ClusterAddress) -> str:
        answered.wait(30)
        return "STRICT"

    modes = MeshModes(hang, HandClock(), limit=0.01)
    called = want(modes, X)
    answered.set()
    assert (called, modes.recall(X)) == (1, "")
