"""The Lease of an upgrade that waits for people is renewed at a slow beat, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.engine.asides import Asides
from bot.engine.plans import Pace, Plans, Ports
from bot.engine.renewals import Renewals
from bot.engine.step_runs import StepRuns
from bot.telling.chronicle import Chronicle
from steps.contract.errors import TryAgain
from steps.contract.step import Step
from steps.mesh import Binding, BindingMark
from steps.notes.permissions import LEASE
from steps.phases.access import bind
from steps.phases.lease.holding import hold_lease
from steps.phases.own_binding import OWN_BINDING
from tests.unit.bot.engine.test_own_bindings import Places, ask, list_told
from tests.unit.bot.workbench import Build, Engine, know_releases

PLAN = ("access/bind", "validate/approve")
HOUR, DAY = 3600, 86400


@dataclass
class Scene:
    """An upgrade that holds its cluster and stands at a question, and what renews its Lease."""

    engine: Engine
    places: Places
    renewals: Renewals

    def pass_time(self, seconds: int) -> int:
        """Look every half minute while the time passes; how often the Lease was written."""
        before = self.places.kubernetes.leases.requests
        for _ in range(seconds // 30):
            self.engine.clock.advance(30)
            self.renewals.turn()
        return self.places.kubernetes.leases.requests - before

    def count_idle(self) -> float:
        """For how many seconds nobody has renewed it."""
        held = self.places.kubernetes.leases.held
        assert held
        assert held.renewed
        return (self.engine.clock.now() - held.renewed).total_seconds()


def renew(engine: Engine, places: Places, *, silent: Places | None = None) -> Renewals:
    """What renews, made anew as at a start of the bot; cluster-y may be silent."""
    others = {"cluster-y": silent or places}
    plans = Plans({}, know_releases(), lambda address: cast(Ports, others.get(address.key, places)), Pace())
    runs = StepRuns(engine.journal, engine.keeper, engine.clock, plans)
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    asides = Asides(engine.journal, chronicle, runs, engine.clock)
    return Renewals(engine.journal, asides, engine.clock, 0.1 if silent else 20.0)


@pytest.fixture
def scene(build: Build) -> Scene:
    """Bound, and asking before validate."""
    places = Places()
    places.kubernetes.live_by_roles()
    places.kubernetes.bindings = {OWN_BINDING: Binding(OWN_BINDING, "cluster-admin", ())}
    steps: dict[str, Any] = {"access/bind": hold_lease(Step("access/bind", bind)).run, "validate/approve": ask}
    engine = build(steps, ports=places)
    engine.add_upgrade(PLAN)
    for _ in range(2):
        engine.runner.turn()
    assert (engine.row().state, places.kubernetes.leases.requests) == ("asking", 1)
    return Scene(engine, places, renew(engine, places))


def test_it_is_renewed_for_as_long_as_people_are_asked(scene: Scene) -> None:
    """Twenty requests an hour, nothing told, nothing in the audit."""
    told, audit = list_told(scene.engine), len(scene.engine.journal.list_audit("cluster-x-1"))
    assert scene.pass_time(HOUR) == 20
    scene.engine.clock.advance(DAY)
    scene.renewals.turn()
    assert scene.count_idle() == 0
    assert (list_told(scene.engine), len(scene.engine.journal.list_audit("cluster-x-1"))) == (told, audit)


def test_a_thread_that_cannot_be_started_costs_one_beat(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of processes or of memory ends no bot; the Lease is renewed the next time."""

    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    scene.engine.clock.advance(HOUR)
    monkeypatch.setattr("threading.Thread.start", refuse)
    scene.renewals.turn()
    before = scene.places.kubernetes.leases.requests
    monkeypatch.undo()
    scene.engine.clock.advance(60)
    scene.renewals.turn()
    assert scene.places.kubernetes.leases.requests == before + 1


@pytest.mark.parametrize("how", ["pause", "abort"])
def test_a_person_who_stops_it_for_now_keeps_the_cluster(scene: Scene, how: str) -> None:
    """Paused it is renewed; ended it is not."""
    if how == "pause":
        scene.engine.click("pause")
    else:
        now = scene.engine.clock.now()
        scene.engine.journal.change_upgrade("cluster-x-1", state="aborted", ended_at=now)
    assert bool(scene.pass_time(HOUR)) == (how == "pause")


def test_a_restarted_bot_takes_its_own_again_and_tells_nobody(scene: Scene) -> None:
    """After a night without a bot; then at the same beat."""
    told = list_told(scene.engine)
    scene.engine.clock.advance(DAY / 2)
    scene.renewals = renew(scene.engine, scene.places)
    scene.renewals.turn()
    assert scene.count_idle() == 0
    assert scene.pass_time(HOUR) == 20
    assert list_told(scene.engine) == told


def test_a_restarted_bot_leaves_what_was_taken_over_and_says_so_once(scene: Scene) -> None:
    """It was down for too long."""
    leases = scene.places.kubernetes.leases
    assert leases.held
    scene.engine.clock.advance(HOUR)
    theirs = scene.engine.clock.now()
    leases.held = type(leases.held)(
        leases.held.namespace,
        leases.held.name,
        "asm-upgrade-bot/another/cluster-x-4",
        BindingMark("another", "cluster-x-4"),
        renewed=theirs,
        resource_version="theirs",
    )
    scene.renewals = renew(scene.engine, scene.places)
    scene.pass_time(HOUR)
    assert leases.held.renewed == theirs
    assert leases.held.resource_version == "theirs"
    told = [line for line in list_told(scene.engine) if "was taken over meanwhile" in line]
    assert len(told) == 1
    assert "the upgrade cluster-x-4 of another bot (journal another)" in told[0]
    assert scene.engine.journal.recall("cluster-x-1", LEASE) is None


def test_a_cluster_that_can_not_be_reached_is_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within half a minute, and nobody is told: the steps say it where they act."""
    tries: list[timedelta] = []

    def fail(_lease: object) -> str:
        tries.append(timedelta())
        raise TryAgain("no route")

    told = list_told(scene.engine)
    with monkeypatch.context() as patched:
        patched.setattr(scene.places.kubernetes, "renew_lease", fail)
        scene.pass_time(300)
    assert len(tries) == 5
    assert scene.pass_time(30) == 1
    assert list_told(scene.engine) == told
