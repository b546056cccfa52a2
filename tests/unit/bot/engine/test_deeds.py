"""What a step does to its cluster stands in the audit, call by call, whatever becomes of the bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.engine.deeds import MOST_DEEDS
from bot.engine.sights import READING
from bot.journal.audit import Acted, AuditEvent, Deed, Fell
from bot.journal.journal import Journal
from bot.journal.records import BOT
from steps.contract.errors import GiveUp, NoPlace
from steps.contract.leases import Lease
from steps.contract.ledger import LedgerEntry
from steps.contract.notes import Note, read_as
from steps.contract.ports import KubectlCall, Kubernetes, NotStarted, ProgramEnded, RunState
from steps.contract.step import Context, Done, Outcome, Waiting
from steps.mesh import Binding, EvictionRefused, PodGone
from tests.unit.bot.workbench import BEN, START, Build, Engine
from tests.unit.steps.paper_ports import PaperKubernetes

STEP = "access/bind"
LEASE = Lease("istio-system", "one-bot", "a bot")
BINDING = Binding("cluster-admin-binding", "cluster-admin", ("bot@example",))


@dataclass
class Programs:
    """Programs that have ended, and the calls of kubectl that each made."""

    runs: dict[str, RunState] = field(default_factory=dict)
    calls: tuple[KubectlCall, ...] = ()

    def start_apply(self, run_id: str) -> None:
        self.runs[run_id] = ProgramEnded(1, "")

    def start_recording(self, run_id: str) -> None:
        self.runs[run_id] = ProgramEnded(0, "")

    def observe_run(self, run_id: str) -> RunState:
        return self.runs.get(run_id, NotStarted())

    def list_calls(self, run_id: str) -> tuple[KubectlCall, ...]:
        return self.calls


class Evicting(PaperKubernetes):
    """Refuses one eviction and finds the next pod gone."""

    def evict_pod(self, namespace: str, name: str, uid: str) -> EvictionRefused | PodGone:
        return EvictionRefused("a budget of 0") if name == "a" else PodGone()


@dataclass
class Places:
    """The gateways of the tests."""

    kubernetes: object = field(default_factory=PaperKubernetes)
    mesh_tools: object = field(default_factory=Programs)
    gke: object = None
    release_files: object = None
    backups: object = None
    probes: object = None


def list_events(engine: Engine) -> list[AuditEvent]:
    """What the bot itself wrote down of cluster-x-1, but for the end."""
    entries = engine.journal.list_audit("cluster-x-1")
    return [entry.event for entry in entries if entry.actor == BOT and isinstance(entry.event, Acted | Fell)]


def run(build: Build, step: Callable[[Context], Outcome], places: Places, turns: int = 1) -> list[AuditEvent]:
    """What stands in the audit after some turns of one step."""
    engine = build({STEP: step}, ports=places)
    engine.add_upgrade([STEP])
    for _ in range(turns):
        engine.runner.turn()
        engine.clock.advance(5)
    return list_events(engine)


def test_every_call_that_is_no_read_counts() -> None:
    """A port that gets a new method for acting has it written down without anybody's doing."""
    methods = {name for name in dir(Kubernetes) if not name.startswith("_")}
    acting = {name for name in methods if not name.startswith(READING)}
    assert acting >= {
        "apply_object",
        "create_binding",
        "delete_binding",
        "revise_binding",
        "delete_namespace",
        "delete_object",
        "evict_pod",
        "restart_workload",
        "withdraw_restart",
        "write_lease",
    }
    assert not {name for name in acting if name.startswith(("get", "is_", "has_", "describe"))}


def test_a_call_stands_with_its_result(build: Build) -> None:
    """What was done, to what."""

    def bind(ctx: Context) -> Outcome:
        ctx.kubernetes.create_binding(BINDING)
        ctx.kubernetes.apply_object({"kind": "Policy", "metadata": {"name": "default", "namespace": "shop"}})
        return Done("bound")

    assert run(build, bind, Places()) == [
        Acted(
            STEP,
            (
                Deed("create binding", "cluster-admin-binding (cluster-admin for bot@example)", "accepted"),
                Deed("apply object", "Policy/shop/default", "accepted"),
            ),
        )
    ]


def test_a_look_leaves_nothing(build: Build) -> None:
    """The audit doesn't grow while the bot only waits."""

    def look(ctx: Context) -> Outcome:
        list(ctx.kubernetes.list_pods())
        return Waiting("not yet", 1.0)

    assert run(build, look, Places(), turns=3) == []


def test_a_lease_stands_when_it_is_taken_and_not_when_it_is_renewed(build: Build) -> None:
    """A renewal a half minute would bury what was done."""

    def hold(ctx: Context) -> Outcome:
        version = ctx.kubernetes.write_lease(LEASE)
        ctx.kubernetes.renew_lease(replace(LEASE, resource_version=version or ""))
        return Done("held")

    assert run(build, hold, Places()) == [
        Acted(STEP, (Deed("write lease", "istio-system/one-bot for a bot", "accepted"),))
    ]


def test_a_refused_call_stands_with_the_refusal(build: Build) -> None:
    """Also where the step gives up on it."""

    def bind(ctx: Context) -> Outcome:
        ctx.kubernetes.create_binding(BINDING)
        return Done("bound")

    places = Places(PaperKubernetes(binding_fault=GiveUp("it is forbidden", "Bind it.")))
    (event,) = run(build, bind, places)
    assert isinstance(event, Acted)
    assert event.deeds[0].result == "failed: it is forbidden"


def test_an_eviction_stands_with_its_answer(build: Build) -> None:
    """A refusal is no exception there."""

    def evict(ctx: Context) -> Outcome:
        ctx.kubernetes.evict_pod("shop", "a", "u1")
        ctx.kubernetes.evict_pod("shop", "b", "u2")
        return Done("evicted")

    (event,) = run(build, evict, Places(Evicting()))
    assert isinstance(event, Acted)
    assert [(deed.to, deed.result) for deed in event.deeds] == [
        ("shop a u1", "refused: a budget of 0"),
        ("shop b u2", "gone already"),
    ]


def test_a_program_stands_with_its_end_and_its_calls_once(build: Build) -> None:
    """However often it is looked at; a recording changes nothing and isn't told."""
    calls = (
        KubectlCall("apply", "Pilot", "passed", 0),
        KubectlCall("get", "Pilot", "passed", 0),
        KubectlCall("apply", "Galley", "failed", 1, "it was refused"),
    )

    def apply(ctx: Context) -> Outcome:
        tools: Any = ctx.mesh_tools
        tools.start_recording("recording-1")
        tools.observe_run("recording-1")
        if isinstance(tools.observe_run("apply-1"), NotStarted):
            tools.start_apply("apply-1")
        return Waiting("looking", 1.0)

    started, ended = run(build, apply, Places(mesh_tools=Programs(calls=calls)), turns=4)
    assert started == Acted(STEP, (Deed("start apply", "apply-1", "accepted"),))
    assert ended == Acted(
        STEP,
        (
            Deed("end of program", "apply-1", "exit 1"),
            Deed("kubectl apply", "Pilot", "passed, exit 0"),
            Deed("kubectl apply", "Galley", "failed, exit 1 it was refused"),
        ),
    )


class Full(Programs):
    """Another program took the last place."""

    def start_apply(self, run_id: str) -> None:
        raise NoPlace(f"{run_id} waits for a place", 2.0)


@pytest.mark.parametrize("told", ["answers", "raises"])
def test_waiting_for_a_place_is_no_waiting(told: str, build: Build) -> None:
    """Neither the patience counts it nor the audit; once there is a place the step waits from then on."""

    def wait(ctx: Context) -> Outcome:
        if ctx.now >= START + timedelta(hours=10):
            return Waiting("no node", 5)
        if told == "raises":
            tools: Any = ctx.mesh_tools
            tools.start_apply("apply-1")
        return Waiting("waits for a place", 5, queued=True)

    engine = build({STEP: wait}, patience=timedelta(minutes=1), ports=Places(mesh_tools=Full()))
    engine.add_upgrade([STEP])
    while engine.clock.now() < START + timedelta(hours=10, seconds=30):
        engine.runner.turn()
        engine.clock.advance(120)
    assert (engine.row().state, engine.row().sentence) == ("running", "no node")
    assert engine.journal.list_audit("cluster-x-1") == []
    engine.clock.advance(61)
    engine.runner.turn()
    assert engine.row().state == "blocked"


def test_what_a_turn_without_a_place_takes_back_is_taken_back(build: Build) -> None:
    """A note that was committed before the call, and forgotten since nothing was begun, is gone after a restart."""
    note = Note("note", read_as(str))

    def act(ctx: Context) -> Outcome:
        ctx.remember(note, "first")
        try:
            ctx.mesh_tools.start_apply("apply-1")  # type: ignore[call-arg]
        except NoPlace:
            assert engine.journal.recall("cluster-x-1", note) == "first"
            ctx.forget(note)
            raise
        return Done("done")

    engine = build({STEP: act}, ports=Places(mesh_tools=Full()))
    engine.add_upgrade([STEP])
    engine.runner.turn()
    assert Journal(engine.store).recall("cluster-x-1", note) is None


class Killed(BaseException):
    """The bot is gone."""


def test_a_kill_in_the_middle_is_told_by_the_next_bot(build: Build) -> None:
    """What was begun before the kill was committed before the call."""

    def die(ctx: Context) -> Outcome:
        ctx.kubernetes.delete_namespace("asm-test")
        raise Killed

    engine = build({STEP: die}, ports=Places())
    engine.add_upgrade([STEP])
    with pytest.raises(Killed):
        engine.runner.turn()
    engine.store.close()
    again = build({STEP: lambda _ctx: Done("gone")}, ports=Places())
    again.runner.turn()
    (event,) = list_events(again)
    assert isinstance(event, Acted)
    assert event.deeds[0].did == "delete namespace"
    assert event.deeds[0].result.startswith("the bot ended before it saw the result")


def test_a_row_is_bounded(build: Build) -> None:
    """However much a turn does, and however long a server's sentence is."""

    def act(ctx: Context) -> Outcome:
        for number in range(MOST_DEEDS + 5):
            ctx.kubernetes.delete_namespace(f"{'n' * 1000}-{number}")
        return Done("gone")

    (event,) = run(build, act, Places())
    assert isinstance(event, Acted)
    assert event.deeds[-1] == Deed("and more", "", "5 of them")
    assert max(len(deed.to) for deed in event.deeds) == 300


def test_a_workload_that_falls_stands_once(build: Build) -> None:
    """Not again with each look at it."""
    entries = [LedgerEntry(uid, "shop", uid, "shop/Deployment/web", "failed", "shop", "0 of 2 ready") for uid in "ab"]

    def fall(ctx: Context) -> Outcome:
        ctx.ledger.record_entries(entries)
        return Waiting("failing", 1.0)

    assert run(build, fall, Places(), turns=3) == [Fell(STEP, "shop/Deployment/web", 2, "0 of 2 ready")]


def test_the_audit_of_a_whole_turn_is_one_chain(build: Build, tmp_path: Path) -> None:
    """The bot's own rows are sealed like everybody's."""

    def bind(ctx: Context) -> Outcome:
        ctx.kubernetes.create_binding(BINDING)
        return Done("bound")

    engine = build({STEP: bind}, ports=Places())
    engine.add_upgrade([STEP])
    engine.runner.turn()
    rows = engine.store.read("select action, before, seal from audit order by seq")
    assert [row["action"] for row in rows] == ["act", "end"]
    assert rows[1]["before"] == rows[0]["seal"]
    assert len(Journal(engine.store).list_audit("cluster-x-1")) == len(rows)


def test_nothing_is_begun_by_a_bot_that_is_being_stopped(build: Build) -> None:
    """Also by a step that is at work; the next bot goes on from there."""
    places = Places()

    def act(ctx: Context) -> Outcome:
        ctx.kubernetes.delete_binding("first")
        engine.runner.leave()
        ctx.mesh_tools.start_apply("run-1")  # type: ignore[call-arg]
        return Done("done")

    engine = build({STEP: act}, ports=places)
    engine.add_upgrade([STEP])
    engine.runner.turn()
    assert isinstance(places.mesh_tools, Programs)
    assert (places.mesh_tools.runs, engine.row().state, engine.row().step) == ({}, "running", STEP)


@pytest.mark.parametrize(
    ("plan", "minutes", "begun"),
    [
        (("sidecars/restart",), 9, True),
        (("sidecars/restart",), 11, False),
        (("rollback/prepare", "sidecars/restart"), 11, True),
        (("control-plane/apply",), 11, True),
    ],
)
def test_no_pods_are_moved_while_slack_takes_nothing(
    build: Build, plan: tuple[str, ...], minutes: int, begun: bool
) -> None:
    """Nobody would see it; a way back goes on, and so does a control plane that is half replaced."""
    places, step = Places(), plan[-1]

    def act(ctx: Context) -> Outcome:
        ctx.kubernetes.delete_binding("first")
        return Done("done")

    engine = build({step: act}, ports=places)
    engine.add_upgrade(plan)
    engine.journal.change_upgrade("cluster-x-1", step=step)
    engine.transitions.look_again(engine.row())  # draws the root, which Slack never takes
    engine.clock.advance(minutes * 60)
    engine.runner.turn()
    assert isinstance(places.kubernetes, PaperKubernetes)
    assert (places.kubernetes.writes == ["delete first"]) is begun
    assert begun or engine.row().sentence.startswith("Slack has taken nothing since ")


@pytest.mark.parametrize("order", ["pause", "abort"])
def test_nothing_is_begun_from_the_moment_of_a_pause_or_an_abort(build: Build, order: str) -> None:
    """Also where it comes in the middle of a step's turn; what was begun stands."""
    places = Places()

    def act(ctx: Context) -> Outcome:
        ctx.kubernetes.delete_binding("first")
        engine.click(order, BEN, reason="the shop is slow")
        ctx.kubernetes.delete_binding("second")
        ctx.mesh_tools.start_apply("run-1")  # type: ignore[call-arg]
        return Done("done")

    engine = build({STEP: act, "abort/revoke": lambda _ctx: Done("")}, ports=places)
    engine.add_upgrade([STEP])
    engine.runner.turn()
    assert isinstance(places.kubernetes, PaperKubernetes)
    assert isinstance(places.mesh_tools, Programs)
    assert (places.kubernetes.writes, places.mesh_tools.runs) == (["delete first"], {})
    assert list_events(engine) == [Acted(STEP, (Deed("delete binding", "first", "accepted"),))]
    row = engine.row()
    assert (row.paused_by, row.step) == ((BEN, STEP) if order == "pause" else ("", "abort/revoke"))
