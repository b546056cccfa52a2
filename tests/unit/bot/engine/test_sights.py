"""What a turn has seen counts for a moment, and not beyond what the turn itself does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.engine.sights import ONCE, Sights
from steps.contract.errors import TryAgain
from tests.unit.bot.gateways.loopback import HandClock


@dataclass
class Counted:
    """A port that answers how often it was asked; `fault` is raised once."""

    asked: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *arguments, **named: self._answer(f"{name} {arguments} {named}")

    def _answer(self, question: str) -> int:
        self.asked.append(question)
        fault, self.fault = self.fault, None
        if fault:
            raise fault
        return len(self.asked)


@dataclass
class Sight:
    """One turn's sights of a port."""

    clock: HandClock = field(default_factory=HandClock)
    port: Counted = field(default_factory=Counted)

    def __post_init__(self) -> None:
        self.seen: Any = Sights(self.clock).watch(self.port)


@pytest.mark.parametrize("name", sorted(ONCE))
def test_the_same_is_read_once_a_turn(name: str) -> None:
    """However its kinds are listed; another question is another one."""
    sight = Sight()
    ask = getattr(sight.seen, name)
    assert ask("a", ["b"], c="d") == ask("a", ("b",), c="d") == 1
    assert ask("a", ("b",), c="e") == 2
    assert ask("a") == 3


@pytest.mark.parametrize(
    ("forget", "is_read_again"),
    [
        (lambda sight: None, False),
        (lambda sight: sight.seen.list_pods("a"), False),
        (lambda sight: sight.seen.find_missing_rights(()), False),
        (lambda sight: sight.seen.read_server(), False),
        (lambda sight: sight.seen.read_server(anew=True), True),
        (lambda sight: sight.seen.evict_pod("a", "b", "c"), True),
        (lambda sight: sight.seen.apply_object({}), True),
        (lambda sight: sight.seen.renew_lease("lease"), True),
        (lambda sight: sight.seen.anything_that_comes_later(), True),
        (lambda sight: sight.clock.sleep(4.9), False),
        (lambda sight: sight.clock.sleep(5.0), True),
        (lambda sight: sight.clock.sleep(20.0), True),
    ],
    ids=["nothing", "pods", "rights", "reached", "anew", "evict", "apply", "lease", "unknown", "4.9 s", "5 s", "20 s"],
)
def test_what_was_seen_is_forgotten_with_what_it_rests_on(
    forget: Callable[[Sight], object], is_read_again: bool
) -> None:
    """Whatever is no read may have changed it, and so may time."""
    sight = Sight()
    sight.seen.list_workloads("istio-system")
    forget(sight)
    sight.port.asked.clear()
    sight.seen.list_workloads("istio-system")
    assert bool(sight.port.asked) is is_read_again


def test_an_act_that_fails_may_have_changed_something() -> None:
    """Its answer may have been lost on the way."""
    sight = Sight()
    sight.seen.list_workloads("istio-system")
    sight.port.fault = TryAgain("no answer")
    with pytest.raises(TryAgain):
        sight.seen.apply_object({})
    assert sight.seen.list_workloads("istio-system") == 3


def test_a_fault_is_no_sight() -> None:
    """What could not be read is asked for again."""
    sight = Sight(port=Counted(fault=TryAgain("no answer")))
    with pytest.raises(TryAgain):
        sight.seen.read_object("v1", "Namespace", "", "kube-system")
    assert sight.seen.read_object("v1", "Namespace", "", "kube-system") == 2


def test_a_turn_sees_for_itself() -> None:
    """Nothing is left of the turn before."""
    sight = Sight()
    assert sight.seen.list_workloads("istio-system") == 1
    later: Any = Sights(sight.clock).watch(sight.port)
    assert later.list_workloads("istio-system") == 2


def test_nobody_sets_the_clock_of_sights() -> None:
    """Set back by 17 s it would take what was seen 20 s ago for new: the machine's monotonic clock goes on."""
    assert Sights()._clock is time.monotonic
