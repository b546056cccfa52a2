"""Cluster-admin is taken back where nothing needs it, and nothing else is ever touched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.engine.asides import Asides
from bot.engine.own_bindings import OwnBindings
from bot.engine.plans import Pace, Plans, Ports
from bot.engine.step_runs import StepRuns
from bot.telling.chronicle import Chronicle
from steps.contract.cards import Card
from steps.contract.errors import TryAgain
from steps.contract.ports import Running
from steps.contract.step import Ask, Context, Done, Outcome, Step, Waiting
from steps.mesh import Binding, BindingMark
from steps.phases.access import bind
from steps.phases.own_binding import GUIDE_BINDING, OWN_BINDING
from steps.phases.rested import bind_again
from tests.unit.bot.workbench import BEN, Build, Engine, know_releases
from tests.unit.steps.paper_ports import ACCOUNT, PaperGke, PaperKubernetes, PaperTools

EMPTY = Binding(OWN_BINDING, "cluster-admin", ())
ADMIN = "admin@example.com"
PLAN = ("access/bind", "validate/approve", "validate/run")


@dataclass
class Places:
    """One cluster on paper."""

    kubernetes: PaperKubernetes = field(default_factory=PaperKubernetes)
    mesh_tools: PaperTools = field(default_factory=PaperTools)
    gke: PaperGke = field(default_factory=PaperGke)
    release_files: object = None
    backups: object = None
    probes: object = None

    @property
    def users(self) -> tuple[str, ...]:
        """Who has cluster-admin by the bot's own binding."""
        return self.kubernetes.bindings[OWN_BINDING].users


@dataclass
class Scene:
    """An upgrade that is bound to cluster-admin and stands at a question, and what looks after its binding."""

    engine: Engine
    places: Places
    keeper: OwnBindings

    def pass_time(self, hours: float) -> None:
        """Look every hour while the time passes."""
        for _ in range(int(hours)):
            self.engine.clock.advance(3600)
            self.keeper.turn()


def ask(ctx: Context) -> Outcome:
    """A gate that is passed by any decision."""
    return Done("approved") if ctx.decision else Ask("Validate?", Card("Validate"), {"what": "this"})


def act(ctx: Context) -> Outcome:
    """What needs cluster-admin."""
    ctx.kubernetes.delete_namespace("asmctl-left")
    return Waiting("asmctl validate runs", 1.0)


def keep_bindings(engine: Engine, places: Places) -> OwnBindings:
    """What looks after the bindings, made anew as at a start of the bot."""
    plans = Plans({}, know_releases(), lambda _address: cast(Ports, places), Pace())
    runs = StepRuns(engine.journal, engine.keeper, engine.clock, plans)
    chronicle = Chronicle(engine.journal, engine.outbox, lambda _cluster, _requester: [])
    asides = Asides(engine.journal, chronicle, runs, engine.clock)
    return OwnBindings(engine.journal, chronicle, asides, plans, engine.clock)


@pytest.fixture
def scene(build: Build) -> Scene:
    """Bound, and asking before validate."""
    places = Places()
    places.kubernetes.live_by_roles()
    places.kubernetes.bindings = {OWN_BINDING: EMPTY}
    steps: dict[str, Any] = {
        "access/bind": bind,
        "validate/approve": ask,
        "validate/run": bind_again(Step("validate/run", act)).run,
    }
    engine = build(steps, ports=places)
    engine.add_upgrade(PLAN)
    for _ in range(2):
        engine.runner.turn()
    assert (engine.row().state, places.users) == ("asking", (ACCOUNT,))
    return Scene(engine, places, keep_bindings(engine, places))


def list_told(engine: Engine) -> list[str]:
    """What the thread says."""
    return [str(body["sentence"]) for body in engine.bodies("milestone")]


def test_a_day_without_an_act_takes_the_rights_back_and_says_so(scene: Scene) -> None:
    """An hour before they stay; told once."""
    scene.pass_time(23)
    assert scene.places.users == (ACCOUNT,)
    scene.pass_time(30)
    assert scene.places.kubernetes.bindings == {OWN_BINDING: EMPTY}
    told = [line for line in list_told(scene.engine) if "nothing acted for 24 h" in line]
    assert told == [
        f"nothing acted for 24 h, so cluster-admin is taken back ({OWN_BINDING} emptied); the next act binds it again"
    ]


def test_what_acts_next_binds_it_again_under_the_same_approval(scene: Scene) -> None:
    """Nobody is asked about access once more."""
    scene.engine.click("approve", BEN)
    scene.engine.runner.turn()
    for _ in range(2):
        scene.engine.click("pause")
        scene.pass_time(25)
        assert scene.places.kubernetes.bindings == {OWN_BINDING: EMPTY}
        scene.engine.click("resume")
        scene.engine.runner.turn()
        assert (scene.engine.row().step, scene.places.users) == ("validate/run", (ACCOUNT,))
        assert list_told(scene.engine)[-1].startswith(f"bound {ACCOUNT} to cluster-admin")


def test_a_paused_upgrade_gives_them_back_as_well(scene: Scene) -> None:
    """Pause forbids to begin something, not to give back."""
    scene.engine.click("pause")
    scene.pass_time(25)
    assert scene.places.users == ()


def test_a_program_that_runs_keeps_its_rights(scene: Scene) -> None:
    """It is let end."""
    scene.places.mesh_tools.runs["cluster-x-1-apply-1"] = Running(90_000.0, "")
    scene.pass_time(25)
    assert scene.places.users == (ACCOUNT,)


def leave(scene: Scene) -> None:
    """The upgrade ends in a way that leaves its binding behind."""
    scene.engine.journal.change_upgrade("cluster-x-1", state="aborted", ended_at=scene.engine.clock.now())


def test_what_an_ended_upgrade_left_is_found_at_the_start_told_and_removed(scene: Scene) -> None:
    """By its mark."""
    leave(scene)
    keep_bindings(scene.engine, scene.places).turn()
    assert scene.places.kubernetes.bindings == {OWN_BINDING: EMPTY}
    told = f"cluster-admin, which this upgrade had left behind, is taken back: {OWN_BINDING} emptied"
    assert list_told(scene.engine)[-1] == told


def test_what_is_nobodys_is_left_to_leftovers_of_the_next_day(scene: Scene) -> None:
    """What came to stand there since is found a day later."""
    scene.pass_time(25)
    mark = BindingMark(scene.engine.journal.read_id(), "cluster-x-0")
    scene.places.kubernetes.bindings = {OWN_BINDING: replace(EMPTY, users=(ACCOUNT,), mark=mark)}
    scene.pass_time(25)
    assert scene.places.users == ()


def test_it_is_looked_for_once_a_day_and_again_where_a_cluster_could_not_be_reached(scene: Scene) -> None:
    """Two reads a cluster a day."""
    leave(scene)
    reads: list[str] = []
    read, faults = scene.places.kubernetes.read_binding, [TryAgain("no route")]

    def count(name: str) -> Binding | None:
        reads.append(name)
        if faults:
            raise faults.pop()
        return read(name)

    scene.places.kubernetes.read_binding = count  # type: ignore[method-assign]
    scene.pass_time(24)
    assert reads == [GUIDE_BINDING, GUIDE_BINDING, OWN_BINDING]
    scene.pass_time(25)
    assert reads[3:] == [GUIDE_BINDING, OWN_BINDING]


MARK = BindingMark("another journal", "cluster-x-1")


@pytest.mark.parametrize(
    "theirs",
    [
        Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,)),
        Binding(GUIDE_BINDING, "cluster-admin", (ADMIN,)),
        Binding(OWN_BINDING, "cluster-admin", (ACCOUNT,)),
        Binding(OWN_BINDING, "cluster-admin", (ACCOUNT,), mark=MARK),
        Binding(OWN_BINDING, "cluster-admin", (ACCOUNT, ADMIN), mark=MARK),
    ],
    ids=["the bot's, by an administrator", "an administrator's", "unmarked", "another bot's", "shared"],
)
@pytest.mark.parametrize("own", [False, True], ids=["as it is", "with this journal's mark and somebody else in it"])
def test_nothing_else_is_ever_touched(scene: Scene, theirs: Binding, own: bool) -> None:
    """Neither what others made nor what they were added to."""
    leave(scene)
    if own:
        mark = BindingMark(scene.engine.journal.read_id(), "cluster-x-1")
        theirs = replace(theirs, others=("Group admins",), mark=mark)
    scene.places.kubernetes.bindings = {theirs.name: theirs}
    told, written = list_told(scene.engine), list(scene.places.kubernetes.writes)
    scene.pass_time(50)
    assert scene.places.kubernetes.bindings == {theirs.name: theirs}
    assert (list_told(scene.engine), scene.places.kubernetes.writes) == (told, written)
