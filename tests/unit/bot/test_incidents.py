"""One row that the bot itself fails at is settled as failed under a number, and the loop goes on with the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from structlog.typing import EventDict

from bot.app.upkeep import Archives
from bot.clicks.clicks import Clicks
from bot.discovery.readings import ClusterReadings, FormReading
from bot.discovery.search import GkeSearch
from bot.journal.bodies import ReminderBody, RootBody
from bot.journal.store import StoreBroken
from bot.people.roster import Roster
from bot.schedule.tables import Reminder
from bot.slack.api.clients import build_posting_client
from bot.slack.sending.announcer import Announcer
from bot.slack.sending.delivery import Sender
from bot.slack.sending.home_tabs import HomeTabs
from bot.slack.sending.posting import Postbox
from steps.contract.step import Context, Done, Outcome, Waiting
from steps.mesh import ClusterAddress
from tests.unit.bot.slack.samples import EVERYBODYS
from tests.unit.bot.workbench import ANA, BEN, Build, Engine

# Nothing listens there: what gets past the fault under test would be seen as a deferred message.
NOWHERE = "http://127.0.0.1:9/"


class Broken:
    """Every part that a loop asks and that breaks, as long as `fault` says with what."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def __call__(self, *_: Any) -> Any:
        raise self.fault

    def __getattr__(self, _name: str) -> Any:
        return self


def settle_click(engine: Engine, fault: Exception) -> list[Any]:
    """The first of two clicks explodes."""
    entry = engine.upgrades._entry
    engine.upgrades._entry = cast(Any, Broken(fault))
    first = engine.click("pause")
    engine.upgrades._entry = entry
    return ["incident" in first, engine.click("status").startswith("*cluster-x-1*")]


def send_message(engine: Engine, fault: Exception) -> list[Any]:
    """The root of an upgrade can't be drawn."""
    engine.outbox.put_message("cluster-x-1", "root", "C0MESHOPS1", RootBody("running"), engine.clock.now())
    client = build_posting_client("xoxb-1", NOWHERE)
    postbox = Postbox(client, client)
    postbox.find_room = lambda channel: channel  # type: ignore[method-assign]
    sender = Sender(engine.outbox, Broken(fault), postbox, engine.clock, EVERYBODYS, Broken(fault))
    Announcer(engine.outbox, sender, engine.clock).turn()
    (row,) = engine.store.read("select trouble from outbox where slot = 'root'")
    return ["incident" in row["trouble"], engine.outbox.list_unsent(engine.clock.now()) == []]


def show_home(engine: Engine, fault: Exception) -> list[Any]:
    """The tab of one person can't be drawn."""
    posting = build_posting_client("xoxb-1", NOWHERE)
    tabs = HomeTabs(cast(Any, Broken(fault)), posting, engine.clock, EVERYBODYS, lambda: 0.0)
    tabs.open(BEN, "https://example.slack.com")
    return [tabs.turn() is None, tabs._list_watched() == []]


def search_clusters(engine: Engine, fault: Exception) -> list[Any]:
    """Of two who wait for the search the first explodes."""
    told: list[str] = []
    search = GkeSearch(lambda _project: cast(Any, None), [], engine.clock)
    search.want(Broken(fault))
    search.want(lambda: told.append("told"))
    search.turn()
    return [told == ["told"]]


def read_clusters(engine: Engine, fault: Exception) -> list[Any]:
    """Of two who wait for a cluster's reading the first explodes."""
    told: list[str] = []
    readings = ClusterReadings(lambda _address: FormReading("STRICT"), engine.clock)
    readings.want(ClusterAddress("cluster-x"), Broken(fault))
    readings.want(ClusterAddress("cluster-x"), lambda: told.append("told"))
    readings.turn()
    return [told == ["told"]]


def prune_archives(engine: Engine, fault: Exception) -> list[Any]:
    """The cache explodes, and is asked again an hour later."""
    archives = Archives(engine.journal, cast(Any, Broken(fault)), engine.clock, 5)
    archives.turn()
    engine.clock.advance(3601)
    archives.turn()
    return []


def remind(engine: Engine, fault: Exception) -> list[Any]:
    """Of two upgrades that people are reminded of the first explodes."""
    engine.add_upgrade(["a/b"], "cluster-y")
    now = engine.clock.now()
    engine.schedules.add_reminders(Reminder(0, f"cluster-{x}-1", "starts", now, now) for x in "xy")
    read = engine.reminders._situations.read

    def read_or_break(upgrades: Any, policies: Any) -> Any:
        if "cluster-x-1" in upgrades:
            raise fault
        return read(upgrades, policies)

    engine.reminders._situations.read = read_or_break  # type: ignore[method-assign]
    sent = engine.reminders.tick()
    states = {one.upgrade: one.state for key in "xy" for one in engine.schedules.list_reminders(f"cluster-{key}-1")}
    return [sent == 1, states == {"cluster-x-1": "void", "cluster-y-1": "posted"}, engine.reminders.tick() == 0]


def renew_reminder(engine: Engine, fault: Exception) -> list[Any]:
    """A reminder that Slack never took can't be written anew."""
    engine.outbox.add_message("", "C0MESHOPS1", ReminderBody(seqs=(1,)), engine.clock.now())
    engine.clock.advance(3600)
    engine.reminders._situations.read_policies = cast(Any, Broken(fault))  # type: ignore[method-assign]
    return [engine.reminders.tick() == 0, engine.outbox.list_unsent_reminders() == []]


def admit_step(engine: Engine, fault: Exception) -> list[Any]:
    """The upgrade's window can't be judged."""
    engine.runner._keeper = cast(Any, Broken(fault))
    engine.runner.turn()
    return [engine.row().state == "blocked", "incident" in engine.row().remedy]


def run_step(engine: Engine, fault: Exception) -> list[Any]:
    """The step itself breaks."""
    engine.runner._plans = replace(engine.runner._plans, steps={"a/b": cast(Any, Broken(fault))})
    engine.runner.turn()
    return [engine.row().state == "blocked", "incident" in engine.row().remedy]


def read_groups(engine: Engine, fault: Exception) -> list[Any]:
    """Slack's answer about a group makes no sense."""
    roster = Roster(cast(Any, Broken(fault)), engine.clock, {})
    roster._read_groups = cast(Any, Broken(fault))  # type: ignore[method-assign]
    return [roster.turn() > 0]


LOOPS: dict[str, Callable[[Engine, Exception], list[Any]]] = {
    "click": settle_click,
    "outbox": send_message,
    "home": show_home,
    "search": search_clusters,
    "readings": read_clusters,
    "archives": prune_archives,
    "reminder": remind,
    "unsent reminder": renew_reminder,
    "admission": admit_step,
    "step": run_step,
    "people": read_groups,
}
FAULTS = (TypeError("no such thing"), OverflowError("date value out of range"), RecursionError("too deep"))


@pytest.fixture
def engine(build: Build) -> Engine:
    """An engine with one upgrade."""
    engine = build({"a/b": lambda _ctx: Waiting("x", 60)})
    engine.add_upgrade(["a/b"])
    return engine


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """The lines of the log."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_goes_on_behind_a_row_that_explodes(
    engine: Engine, loop: str, fault: Exception, logged: list[EventDict]
) -> None:
    """The row is over and the log has its number."""
    assert all(LOOPS[loop](engine, fault))
    assert [line for line in logged if line.get("incident")]


@pytest.mark.parametrize("loop", [loop for loop in LOOPS if loop != "people"])
def test_a_broken_journal_ends_the_loop(engine: Engine, loop: str) -> None:
    """Nothing may be acted on that can't be journalled."""
    with pytest.raises(StoreBroken):
        LOOPS[loop](engine, StoreBroken("disk full"))


@pytest.mark.parametrize("date", ["9999-12-31", "0001-01-01", "9000-12-31", "1900-01-01"])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati", "UTC"])
def test_no_date_ends_the_bot(build: Build, date: str, zone: str) -> None:
    """Dates at the ends of the calendar are answered with a sentence."""
    engine = build({})
    answer = engine.click("schedule", arguments={"date": date, "time": "23:59", "zone": zone})
    assert answer.startswith("Nothing was scheduled. ")
    assert Clicks(engine.store).list_unsettled() == []


@pytest.mark.parametrize("body", ["{", "[]", '{"id": 5}', json.dumps({"id": "a", "action": "dance", "user": ANA}), ""])
def test_a_bot_comes_up_over_a_click_that_it_cannot_read(build: Build, tmp_path: Path, body: str) -> None:
    """The click is settled with a number, and the next one is heard."""
    engine = build({})
    with engine.store.transact() as db:
        db.execute("insert into clicks (id, body, received_at) values ('bad', ?, 0)", [body])
    engine.store.close()
    engine = build({})
    assert engine.click("start").startswith("Started cluster-x-1")
    (row,) = engine.store.read("select answer, settled_at from clicks where id = 'bad'")
    assert "incident" in row["answer"]
    assert row["settled_at"]


def test_what_a_failing_step_recorded_still_counts(build: Build) -> None:
    """Its sentences are told, and a person decides."""

    def say_and_fail(ctx: Context) -> Outcome:
        ctx.say("moved one")
        raise TypeError("oops")

    engine = build({"a/b": say_and_fail})
    engine.add_upgrade(["a/b"])
    engine.runner.turn()
    assert [body["sentence"] for body in engine.bodies("milestone")] == ["moved one"]


def test_an_outcome_that_cannot_be_journalled_blocks(build: Build) -> None:
    """Whatever the step answered."""
    engine = build({"a/b": lambda _ctx: Done("x", attachments=cast(Any, [object()]))})
    engine.add_upgrade(["a/b"])
    engine.runner.turn()
    assert engine.row().state == "blocked"
