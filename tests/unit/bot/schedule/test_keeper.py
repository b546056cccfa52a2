"""Upgrades are held outside of their windows, and nothing that must not stop is stopped."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from bot.windows.downtime import Downtime, Freeze, Window
from steps.contract.options import UpgradeOptions
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.plan import STEPS, build_plan
from tests.unit.bot.schedule.held import DAILY, DAYS, NIGHTS, ask, begin, pass_to, said, write
from tests.unit.bot.workbench import ANA, BEN, DEE, START, Build, Engine

FROZEN = Downtime(freezes=(Freeze(date(2026, 11, 30), date(2026, 12, 3), "UTC", "year end"),))


@pytest.mark.parametrize("step", ["access__bind", "control_plane__backup", "validate__run", "authorization__apply"])
def test_a_writing_step_does_not_start_outside_of_the_window(build: Build, step: str) -> None:
    """It is not even called, and the thread says when it goes on."""
    called: list[str] = []

    def write(ctx: Context) -> Outcome:
        called.append(ctx.step_id)
        return Done("written")

    engine = begin(build, DAYS, **{step: write})
    assert (called, engine.row().due) == ([], datetime(2026, 12, 1, 8, tzinfo=START.tzinfo))


@pytest.mark.parametrize("downtime", [DAYS, FROZEN])
@pytest.mark.parametrize("step", build_plan("rollback", UpgradeOptions(canary_namespaces=("data",))))
def test_neither_windows_nor_freezes_hold_a_way_back(build: Build, downtime: Downtime, step: str) -> None:
    """At no step of its plan."""
    called: list[str] = []

    def act(ctx: Context) -> Outcome:
        called.append(ctx.step_id)
        return Done("done")

    plan = build_plan("rollback", UpgradeOptions(canary_namespaces=("data",)))
    engine = build(dict.fromkeys(plan, act), downtime=downtime)
    engine.add_upgrade(plan)
    engine.journal.change_upgrade("cluster-x-1", step=step)
    engine.runner.turn()
    assert called == [step]


def test_the_thread_says_why_it_is_held(build: Build) -> None:
    """Once, with the window in its own zone."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    assert said(engine) == [
        "held before access: the next window is 2026-12-01 08:00-16:00 UTC (from 2026-12-01 08:00 UTC)"
    ]


def test_it_goes_on_by_itself_when_the_window_opens(build: Build) -> None:
    """No person is needed."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    pass_to(engine, 8)
    assert said(engine)[-2:] == ["goes on with access: the window is open", "bound"] or engine.row().state == "upgraded"


def test_a_question_goes_on_to_the_next_window_until_people_had_a_day(build: Build) -> None:
    """Whoever reads it in the morning may still answer; whoever doesn't answer for a day has denied it."""
    engine = begin(build, NIGHTS, access__approve=ask)
    asked = engine.row()
    pass_to(engine, 4)
    engine.runner.turn()
    assert (engine.row().state, engine.row().due) == ("asking", datetime(2026, 12, 2, 4, tzinfo=START.tzinfo))
    assert engine.row().generation == asked.generation + 1
    pass_to(engine, 4, day=2)
    engine.runner.turn()
    assert engine.row().sentence == "access was not approved in time, which counts as denied"


def test_nobody_is_called_where_only_the_window_has_closed(build: Build) -> None:
    """At night, on a half upgraded cluster, the card just goes on to the next window."""
    engine = begin(build, NIGHTS, control_plane__apply=lambda _c: Done("applied"), sidecars__approve=ask)
    engine.runner.turn()
    pass_to(engine, 4)
    engine.runner.turn()
    assert (engine.row().state, engine.row().step) == ("asking", "sidecars/approve")
    assert not [sentence for sentence in said(engine) if "🚨" in sentence]


def test_reading_steps_run_at_any_time(build: Build) -> None:
    """The proposal does not wait for the night."""
    engine = begin(build, DAYS, prepare__inspect=lambda _c: Done("seen"), access__bind=lambda _c: Done("bound"))
    engine.runner.turn()
    assert engine.row().step == "access/bind"


def test_an_approval_is_asked_for_before_the_window_and_used_inside(build: Build) -> None:
    """People decide by day, the bot acts by night: the gate looks again when the window opens."""
    engine = begin(build, DAYS, sidecars__approve=ask, sidecars__restart=lambda _c: Done("moved"))
    engine.click("approve", BEN)
    engine.runner.turn()
    assert engine.row().step == "sidecars/approve"
    pass_to(engine, 8)
    assert engine.row().step == "sidecars/restart"


@pytest.mark.parametrize("closed", ["window", "appointment", "freeze"])
def test_all_that_only_reads_is_done_ahead_of_the_window(build: Build, closed: str) -> None:
    """On the real plan, by day: whoever approves the control plane has the differences before the night."""
    frozen = Downtime((), (Freeze(date(2026, 12, 1), date(2026, 12, 2), "UTC", "audit"),))
    plan, ran = build_plan("upgrade", UpgradeOptions()), list[str]()

    def run(ctx: Context) -> Outcome:
        ran.append(ctx.step_id)
        return ask(ctx) if "/approve" in ctx.step_id else Done("")

    downtime = {"window": DAYS, "freeze": frozen}.get(closed, Downtime())
    engine = build(dict.fromkeys(plan, run), downtime=downtime)
    engine.add_upgrade(plan)
    if closed == "appointment":
        engine.click("schedule", ANA, arguments={"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"})
    for _ in range(60):
        engine.runner.turn()
        if engine.row().state == "asking":
            engine.click("approve", BEN)
        engine.clock.advance(0.5)
    assert engine.row().sentence.startswith("held before control plane: ")
    before = plan[: plan.index("control-plane/approve") + 1]
    assert list(dict.fromkeys(ran)) == list(before)


def test_a_denial_is_taken_at_once(build: Build) -> None:
    """Only what would act waits."""
    engine = begin(build, DAYS, access__approve=ask)
    engine.click("deny", BEN, reason="not today", choice="deny")
    engine.runner.turn()
    assert engine.row().state == "blocked"


@pytest.mark.parametrize(
    ("downtime", "day", "hour"),
    [(DAYS, 1, 16), (NIGHTS, 1, 4), (Downtime(), 2, 2), (Downtime((Window(DAILY, time(1), time(2, 5), "UTC"),)), 1, 3)],
    ids=["the next window", "the open window", "no window", "a window about to close"],
)
def test_a_question_lives_to_the_end_of_its_window(build: Build, downtime: Downtime, day: int, hour: int) -> None:
    """Or for a day where there is none, and never for less than an hour."""
    engine = begin(build, downtime, access__approve=ask)
    assert engine.row().due == datetime(2026, 12, day, hour, tzinfo=START.tzinfo)


def test_an_approval_lives_for_a_week_at_most(build: Build) -> None:
    """Whatever the setting says."""
    engine = begin(build, Downtime(), access__approve=ask)
    ends = engine.keeper.choose_expiry(engine.row(), engine.clock.now(), timedelta(days=30))
    assert ends - engine.clock.now() == timedelta(days=7)


def find_end(engine: Engine) -> datetime | None:
    """Until when the approval of access may be acted on."""
    return engine.journal.find_approval_end("cluster-x-1", "access")


def test_time_held_by_an_appointment_makes_no_approval_older(build: Build) -> None:
    """Approved today for the day after tomorrow: it counts to the end of its time."""
    engine = begin(build, Downtime(), access__approve=ask, access__bind=lambda _c: Done("bound"))
    engine.click("approve", BEN)
    assert find_end(engine) == datetime(2026, 12, 2, 2, tzinfo=START.tzinfo)
    engine.click("schedule", ANA, arguments={"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"})
    engine.runner.turn()
    engine.runner.turn()
    assert engine.row().sentence.startswith("held before access")
    pass_to(engine, 2, 3)
    assert find_end(engine) == datetime(2026, 12, 3, 5, tzinfo=START.tzinfo)


def test_an_approval_of_one_night_does_not_count_in_the_next(build: Build) -> None:
    """Its card named this night."""
    engine = begin(build, NIGHTS, access__approve=ask, access__bind=lambda _c: Done("bound"))
    engine.click("approve", BEN)
    pass_to(engine, 5)
    pass_to(engine, 23)
    assert find_end(engine) == datetime(2026, 12, 1, 4, tzinfo=START.tzinfo)


def test_time_paused_makes_an_approval_older(build: Build) -> None:
    """Nobody but a person keeps it waiting."""
    engine = begin(build, NIGHTS, access__approve=ask, access__bind=lambda _c: Done("bound"))
    engine.click("approve", BEN)
    engine.click("pause", ANA)
    engine.clock.advance(3600)
    engine.click("resume", ANA)
    engine.runner.turn()
    assert find_end(engine) == datetime(2026, 12, 1, 4, tzinfo=START.tzinfo)


def test_a_begun_step_runs_on_past_the_end_of_the_window(build: Build) -> None:
    """A begun validation is not cut."""
    engine = begin(build, NIGHTS, validate__run=lambda ctx: write(ctx, "running"))
    pass_to(engine, 5)
    assert engine.row().sentence == "running"


def test_a_step_that_stops_by_itself_is_told_to(build: Build) -> None:
    """The sidecars phase hears why nothing new may be started, and is called until nothing is in flight."""
    holds: list[str] = []

    def restart(ctx: Context) -> Outcome:
        holds.append(ctx.hold)
        return Waiting("in flight", 5, held=len(holds) > 2)

    engine = begin(build, NIGHTS, sidecars__restart=restart)
    pass_to(engine, 5)
    engine.clock.advance(10)
    engine.runner.turn()
    engine.clock.advance(10)
    engine.runner.turn()
    assert [bool(hold) for hold in holds] == [False, True, True]
    assert engine.row().due == datetime(2026, 12, 1, 22, tzinfo=START.tzinfo)


def test_the_control_plane_starts_only_with_room_for_the_way_back(build: Build) -> None:
    """20 minutes are needed, 15 are left."""
    window = Downtime((Window(DAILY, time(1), time(2, 15), "UTC"),))
    engine = begin(build, window, control_plane__backup=lambda _c: Done("kept"))
    assert said(engine) == [
        "held before control plane: the control plane may need 20 min with the way back, and the window has "
        "15 min left; the next window with room opens 2026-12-02 01:00 UTC; `/asm-upgrade extend cluster-x 1h REASON` "
        "lets it go on now, `/asm-upgrade schedule cluster-x` moves it"
    ]


def test_a_person_may_let_the_control_plane_start(build: Build) -> None:
    """By an extension, with a reason."""
    window = Downtime((Window(DAILY, time(1), time(2, 15), "UTC"),))
    engine = begin(build, window, control_plane__backup=lambda _c: Done("kept"))
    answer = engine.click("extend", BEN, choice="30m", reason="traffic is low")
    engine.runner.turn()
    assert (answer, engine.row().state) == ("cluster-x-1 may act until 2026-12-01 02:45 UTC.", "upgraded")


def test_a_begun_apply_is_called_although_frozen(build: Build) -> None:
    """The apply step itself judges whether it has begun."""
    frozen = Downtime((), (Freeze(date(2026, 12, 1), date(2026, 12, 1), "UTC", "audit"),))
    engine = begin(build, frozen, control_plane__apply=lambda _c: Waiting("istioctl runs", 5))
    assert engine.row().sentence == "istioctl runs"


def test_the_rollout_is_watched_to_its_end(build: Build) -> None:
    """What the apply began is followed whatever the hour."""
    engine = begin(build, DAYS, control_plane__rollout=lambda _c: Done("rolled out"))
    assert engine.row().state == "upgraded"


def test_abort_is_never_held(build: Build) -> None:
    """Outside of the window too."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    engine.click("abort", ANA)
    for _ in range(3):
        engine.runner.turn()
    assert engine.row().state == "aborted"


def test_pause_holds_although_the_window_opens(build: Build) -> None:
    """A person's pause is a person's to end."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    engine.click("pause", ANA)
    pass_to(engine, 9)
    assert engine.row().step == "access/bind"


def test_a_freeze_put_on_a_running_upgrade_holds_it_after_a_restart(build: Build) -> None:
    """clusters.toml is read at the start; the next step finds the freeze."""
    frozen = Downtime((), (Freeze(date(2026, 12, 1), date(2026, 12, 1), "UTC", "audit"),))
    engine = begin(build, Downtime(), access__bind=lambda ctx: write(ctx, "soon"))
    engine.store.close()
    again = build(
        {"access/bind": lambda _c: Done("bound"), "authorization/apply": lambda _c: Done("")},
        engine.clock,
        downtime=frozen,
    )
    again.journal.change_upgrade("cluster-x-1", plan=("access/bind", "authorization/apply"))
    again.clock.advance(10)
    again.runner.turn()
    again.runner.turn()
    assert again.row().sentence == "held before authorization: frozen 2026-12-01 UTC: audit"


def test_a_freeze_that_is_lifted_lets_a_held_upgrade_go_on_after_a_restart(build: Build) -> None:
    """Holds are judged anew when the bot starts."""
    frozen = Downtime((), (Freeze(date(2026, 11, 1), date(2026, 12, 31), "UTC", "audit"),))
    engine = begin(build, frozen, access__bind=lambda _c: Done("bound"))
    engine.store.close()
    again = build({"access/bind": lambda _c: Done("bound")}, engine.clock)
    again.runner.turn()
    assert again.row().state == "upgraded"


def test_a_schedule_holds_an_upgrade_without_windows(build: Build) -> None:
    """The appointment is the window."""
    engine = begin(build, Downtime(), access__approve=ask, access__bind=lambda _c: Done("bound"))
    when = {"date": "2026-12-05", "time": "02:00", "zone": "Asia/Seoul", "for": "3h"}
    engine.click("schedule", ANA, arguments=when)
    engine.click("approve", BEN)
    engine.runner.turn()
    engine.runner.turn()
    assert engine.row().sentence == (
        "held before access: scheduled for 2026-12-05 02:00-05:00 Asia/Seoul (from 2026-12-04 17:00 UTC)"
    )


def test_past_its_schedule_a_person_is_asked_to_decide(build: Build) -> None:
    """No next window is made up."""
    engine = begin(build, Downtime(), sidecars__restart=lambda _c: Waiting("x", 5, held=bool(_c.hold)))
    engine.click("schedule", ANA, arguments={"date": "2026-12-01", "time": "03:00", "zone": "UTC", "for": "1h"})
    pass_to(engine, 3)
    pass_to(engine, 5)
    assert "its time 2026-12-01 03:00-04:00 UTC (from 2026-12-01 03:00 UTC) is over" in said(engine)[-1]
    assert engine.row().due is None


def test_rescheduling_wakes_a_held_upgrade(build: Build) -> None:
    """The new time counts at once."""
    engine = begin(build, DAYS, access__bind=lambda _c: Done("bound"))
    engine.click("schedule", ANA, arguments={"date": "2026-12-03", "time": "09:00", "zone": "UTC"})
    engine.runner.turn()
    assert engine.row().due == datetime(2026, 12, 3, 9, tzinfo=START.tzinfo)


def test_scheduling_without_an_upgrade_starts_one(build: Build) -> None:
    """It prepares and asks at once, and changes nothing before its time."""
    engine = build({})
    answer = engine.click(
        "schedule", ANA, arguments={"date": "2026-12-03", "time": "09:00", "zone": "UTC", "for": "2h"}
    )
    assert answer.startswith("Scheduled cluster-x-1 for 2026-12-03 09:00-11:00 UTC")


def test_scheduling_needs_the_right_to_start(build: Build) -> None:
    """As a start does."""
    engine = build({})
    arguments = {"date": "2026-12-03", "time": "09:00", "zone": "UTC"}
    assert engine.click("schedule", DEE, arguments=arguments).startswith("You are not among this cluster's requesters")


def test_an_unclear_time_starts_nothing(build: Build) -> None:
    """The refusal comes first."""
    engine = build({})
    engine.click("schedule", ANA, arguments={"date": "2026-13-03", "time": "09:00", "zone": "UTC"})
    assert engine.journal.list_upgrades() == []


def test_windows_are_told(build: Build) -> None:
    """With the next openings."""
    answer = build({}, downtime=NIGHTS).click("windows")
    assert "window: every day 22:00-04:00 UTC" in answer
    assert "next: 2026-11-30 22:00-2026-12-01 04:00 UTC; 2026-12-01 22:00-2026-12-02 04:00 UTC" in answer


def test_every_step_that_is_named_for_windows_exists() -> None:
    """A renamed step must not escape."""
    from bot.windows.permits import CONTROL_PLANE_START, READING_GATES, SELF_HOLDING, WRITING

    assert {*WRITING, *SELF_HOLDING, *CONTROL_PLANE_START, *READING_GATES} - set(STEPS) == set()


def test_nothing_acts_between_a_gate_that_only_lets_read_and_the_next_one() -> None:
    """Also where a plan gets another order some day: what acts has a gate in front that waits for the window."""
    from bot.windows.permits import READING_GATES, SELF_HOLDING, WRITING

    for kind in ("upgrade", "proposal"):
        reading = False
        for step in build_plan(kind, UpgradeOptions(canary_namespaces=("canary",))):
            reading = step in READING_GATES if "/approve" in step else reading
            assert not (reading and step in WRITING | SELF_HOLDING)


def test_without_windows_nothing_is_held(build: Build) -> None:
    """The default is as before."""
    engine = begin(build, Downtime(), access__bind=lambda _c: Blocked("no", "Grant it."))
    assert engine.row().state == "blocked"
