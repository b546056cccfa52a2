"""The dispatcher over a real journal, and the ticker on the real APScheduler."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import loops
from bot.app.loops import SLOW_SECONDS, Dispatcher, Loop, Ticker, tick_each
from bot.app.upkeep import PACKED_AT_ONCE, JournalPacks
from bot.journal.store import StoreBroken
from bot.retention.packing import QUIET, Packing
from steps.contract.step import Context, Done, Outcome
from tests.unit.bot.workbench import START, Build

PATIENCE = 10.0


@pytest.fixture
def start() -> Iterator[Callable[[Callable[[], object]], Ticker]]:
    """Start tickers that are closed at the end."""
    tickers: list[Ticker] = []

    def start_one(tick: Callable[[], object]) -> Ticker:
        tickers.append(Ticker(tick, 3600, lambda: datetime.now(UTC)))
        tickers[-1].start()
        return tickers[-1]

    yield start_one
    for ticker in tickers:
        ticker.close()


def read_job(ticker: Ticker) -> Any:
    """The one job of the scheduler."""
    (job,) = ticker._scheduler.get_jobs()
    return job


def test_it_ticks_at_once(start: Callable[[Callable[[], object]], Ticker]) -> None:
    """What fell due while the bot was down waits for no interval."""
    ticked = threading.Event()
    start(ticked.set)
    assert ticked.wait(PATIENCE)


def test_a_late_tick_is_made_up_for_once(start: Callable[[Callable[[], object]], Ticker]) -> None:
    """However late it is, and never two at the same time."""
    job = read_job(start(lambda: None))
    assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)


def test_it_ticks_by_utc(start: Callable[[Callable[[], object]], Ticker]) -> None:
    """Whatever zone the machine is set to."""
    assert start(lambda: None)._scheduler.timezone is UTC


def test_there_is_one_job_and_it_is_nowhere_on_disk(start: Callable[[Callable[[], object]], Ticker]) -> None:
    """The reminders themselves are rows of the journal."""
    assert type(start(lambda: None)._scheduler._jobstores["default"]).__name__ == "MemoryJobStore"


def test_a_fault_ends_it_and_is_seen(start: Callable[[Callable[[], object]], Ticker]) -> None:
    """So that the program ends instead of forgetting every reminder."""
    ticked = threading.Event()

    def fail() -> None:
        ticked.set()
        raise ValueError("broken")

    ticker = start(fail)
    assert ticked.wait(PATIENCE)
    ticker.close()
    assert not ticker.is_alive()


def follow(ticker: Ticker, ticked: threading.Event) -> bool:
    """Whether it ticks while the clock is followed again and again, as whoever serves does."""
    for _ in range(int(PATIENCE / 0.1)):
        ticker.follow_clock()
        if ticked.wait(0.1):
            return True
    return False


@pytest.mark.parametrize(("back", "ticks"), [(timedelta(minutes=1), False), (timedelta(hours=3), True)])
def test_a_clock_set_back_silences_nothing(back: timedelta, ticks: bool) -> None:
    """The next tick was planned by the clock as it was; a small correction changes nothing."""
    set_back = [timedelta(0)]
    first, second = threading.Event(), threading.Event()
    ticker = Ticker(lambda: (second if first.is_set() else first).set(), 3600, lambda: datetime.now(UTC) - set_back[0])
    ticker.start()
    try:
        assert first.wait(PATIENCE)
        set_back[0] = back
        ticker.follow_clock()
        # A tick that is due is made at once; one that isn't stays where it was planned.
        assert follow(ticker, second) if ticks else read_job(ticker).next_run_time > datetime.now(UTC)
    finally:
        ticker.close()


@pytest.mark.parametrize("opens", [timedelta(minutes=5), timedelta(minutes=11), timedelta(days=3), None])
def test_an_upgrade_that_is_held_is_not_run_until_its_window_opens(
    opens: timedelta | None, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the loop is woken: each end of a run wakes it, so that it would never rest."""
    engine, runs = build({}), list[str]()
    row = engine.add_upgrade(["prepare/identify"])
    engine.transitions.hold(row, None if opens is None else START + opens, "held", "")
    monkeypatch.setattr(engine.runner, "run_step", runs.append)
    dispatcher = Dispatcher(engine.journal, engine.runner, engine.clock, lambda: None)
    pauses = [dispatcher.turn() for _ in range(3)]
    dispatcher.close(PATIENCE)
    assert (runs, pauses) == ([], [None if opens is None else opens.total_seconds()] * 3)


def test_a_fault_of_one_tick_keeps_no_other_from_its_own() -> None:
    """Only a journal that is broken ends them all: then nothing is to be begun."""
    ticked: list[str] = []

    def fail() -> None:
        raise ValueError("one bad row")

    def break_off() -> None:
        raise StoreBroken("the journal is broken")

    tick_each([fail, lambda: ticked.append("other")])
    assert ticked == ["other"]
    with pytest.raises(StoreBroken):
        tick_each([break_off, lambda: ticked.append("never")])
    assert ticked == ["other"]


def test_steps_that_take_long_hold_no_others_up(build: Build) -> None:
    """As many as run at once hang on a silent cluster; another upgrade's is begun once they count as slow."""
    gate, began, ran, now = threading.Event(), threading.Semaphore(0), threading.Event(), [0.0]

    def hang(_ctx: Context) -> Outcome:
        began.release()
        gate.wait(PATIENCE)
        return Done("late")

    def go_on(_ctx: Context) -> Outcome:
        ran.set()
        return Done("in time")

    engine = build({"prepare/hang": hang, "prepare/go": go_on})
    for key in ("cluster-a", "cluster-b"):
        engine.add_upgrade(["prepare/hang"], key)
    engine.clock.advance(1)
    engine.add_upgrade(["prepare/go"], "cluster-c")
    dispatcher = Dispatcher(engine.journal, engine.runner, engine.clock, lambda: None, 2, lambda: now[0])
    try:
        dispatcher.turn()
        assert all(began.acquire(timeout=PATIENCE) for _ in range(2))
        dispatcher.turn()
        assert not ran.is_set()
        now[0] = SLOW_SECONDS
        dispatcher.turn()
        assert ran.wait(PATIENCE)
    finally:
        gate.set()
        dispatcher.close(PATIENCE)


def test_a_step_that_finds_no_thread_waits_for_a_later_turn(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a limit of processes the bot goes on; no thread of the pool runs the step unseen meanwhile."""
    gate, began, ran = threading.Event(), threading.Event(), list[str]()

    def hang(_ctx: Context) -> Outcome:
        began.set()
        gate.wait(PATIENCE)
        return Done("late")

    def go_on(_ctx: Context) -> Outcome:
        ran.append("go")
        return Done("in time")

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    engine, woken = build({"prepare/hang": hang, "prepare/go": go_on}), threading.Semaphore(0)
    engine.add_upgrade(["prepare/hang"], "cluster-a")
    dispatcher = Dispatcher(engine.journal, engine.runner, engine.clock, woken.release)
    try:
        dispatcher.turn()
        assert began.wait(PATIENCE)
        engine.add_upgrade(["prepare/go"], "cluster-c")
        with monkeypatch.context() as patched, capture_logs() as logs:
            patched.setattr(threading.Thread, "start", refuse)
            assert dispatcher.turn() is None
        assert [(line["event"], line["upgrade"]) for line in logs] == [("step_not_started", "cluster-c-1")]
        assert list(dispatcher._in_flight) == ["cluster-a-1"]
        gate.set()
        assert woken.acquire(timeout=PATIENCE)
        assert ran == []
        dispatcher.turn()
        assert woken.acquire(timeout=PATIENCE)
        assert ran == ["go"]
    finally:
        gate.set()
        dispatcher.close(PATIENCE)


@pytest.mark.skipif(sys.platform == "darwin", reason="it tells nobody of another thread's time")
def test_a_step_that_computes_keeps_its_place(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: others beside it would share its processor and take its memory again."""
    monkeypatch.setattr(loops, "COMPUTED", 0.005)
    gates, computed, ran, now = [threading.Event(), threading.Event()], threading.Semaphore(0), threading.Event(), [0.0]

    def compute(_ctx: Context) -> Outcome:
        for gate in gates:
            ends = time.thread_time() + 0.02
            while time.thread_time() < ends:
                sum(range(100))
            computed.release()
            gate.wait(PATIENCE)
        return Done("late")

    def go_on(_ctx: Context) -> Outcome:
        ran.set()
        return Done("in time")

    engine = build({"prepare/compute": compute, "prepare/go": go_on})
    engine.add_upgrade(["prepare/compute"], "cluster-a")
    engine.clock.advance(1)
    engine.add_upgrade(["prepare/go"], "cluster-c")
    dispatcher = Dispatcher(engine.journal, engine.runner, engine.clock, lambda: None, 1, lambda: now[0])
    try:
        dispatcher.turn()
        for gate in gates:
            assert computed.acquire(timeout=PATIENCE)
            now[0] += SLOW_SECONDS
            dispatcher.turn()
            assert list(dispatcher._in_flight) == ["cluster-a-1"]
            if gate is gates[0]:
                gate.set()
        now[0] += SLOW_SECONDS  # by now it waits
        dispatcher.turn()
        assert ran.wait(PATIENCE)
    finally:
        for gate in gates:
            gate.set()
        dispatcher.close(PATIENCE)


def test_packing_takes_its_time_however_often_it_is_woken(build: Build) -> None:
    """Its own commits wake no loop, itself least of all, and those of others don't hurry it."""
    wakes: list[int] = []
    loops: list[Loop] = []

    def wake() -> None:
        wakes.append(1)
        for one in loops:
            one.wake()

    engine = build({}, on_commit=wake)
    for number in range(1, 2 * PACKED_AT_ONCE + 2):
        row = engine.add_upgrade(["a/b"], "cluster-x", number)
        engine.journal.change_upgrade(row.id, state="aborted", due=None, ended_at=engine.clock.now())
    engine.clock.advance(QUIET.total_seconds() + 1)
    packs, turns = JournalPacks(Packing(engine.store, lambda: 10**9), engine.clock), threading.Semaphore(0)

    def turn() -> None:
        packs.turn()
        turns.release()

    loop = Loop("packs", turn, longest=600.0)
    loops.append(loop)
    wakes.clear()
    loop.start()
    try:
        for _ in range(4):
            assert turns.acquire(timeout=PATIENCE)
            packed = engine.store.read_values("select count(*) from packs")
            assert (packed, wakes) == ([(PACKED_AT_ONCE,)], [])
            loop.wake()
        assert turns.acquire(timeout=PATIENCE)
        engine.clock.advance(60)
        loop.wake()
        assert turns.acquire(timeout=PATIENCE)
        assert engine.store.read_values("select count(*) from packs") == [(2 * PACKED_AT_ONCE,)]
    finally:
        loop.leave()
        loop.join(timeout=PATIENCE)
