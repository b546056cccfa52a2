"""An engine over a real journal with a plan of a test's own and a clock moved by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from bot.app.known_releases import read_releases
from bot.clicks.clicks import Click, Clicks, FlatClick, unfold_click
from bot.clicks.orders import confirm_order
from bot.clock import Clock
from bot.discovery.found import Found
from bot.discovery.readings import ClusterReadings, FormReading
from bot.discovery.search import GkeSearch
from bot.engine.plans import Pace, Plans, Ports
from bot.engine.runner import Runner
from bot.journal.journal import Journal
from bot.journal.measured import Paces
from bot.journal.outbox import Outbox
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store
from bot.orders.cards import Cards
from bot.orders.consents import Consents
from bot.orders.controls import Controls, Rollbacks
from bot.orders.decisions import Decisions
from bot.orders.entry import Entry
from bot.orders.fleet import Fleet
from bot.orders.scheduling import Scheduling
from bot.orders.settling import Upgrades
from bot.orders.starts import Starts
from bot.orders.targets import Targets
from bot.orders.timetable import Timetable
from bot.orders.use_cases import Answers, Logs, UseCases
from bot.people.roster import Directory, DirectoryFault, PeopledClusters, Roster, SlackUser
from bot.reminders.tick import Reminders
from bot.returns import Returns
from bot.schedule.keeper import Keeper
from bot.schedule.tables import Schedules
from bot.settings.clusters import Cluster
from bot.settings.live import find_present_channel
from bot.settings.policy import Policy
from bot.settings.projects import NO_DISCOVERY
from bot.telling.chronicle import Chronicle
from bot.telling.views import Views
from bot.transitions import Transitions
from bot.windows.downtime import Downtime
from steps.contract.options import UpgradeOptions
from steps.contract.release import Release
from steps.contract.step import Context, Outcome, Step
from steps.mesh import ClusterAddress, Discovery
from tests.unit.bot.blank import open_store

ANA, BEN, CAI, DEE = "U0ANA00001", "U0BEN00002", "U0CAI00003", "U0DEE00004"
POLICY = Policy(frozenset({ANA, BEN}), frozenset({BEN, CAI, ANA}))
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


class HandClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        """The time set last."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


@dataclass
class Engine:
    """Journal, runner and use cases joined as the bot joins them; `answers` are the steps' scripted outcomes."""

    clock: HandClock
    store: Store
    journal: Journal
    outbox: Outbox
    runner: Runner
    upgrades: Upgrades
    views: Views
    schedules: Schedules
    reminders: Reminders
    transitions: Transitions
    keeper: Keeper
    chronicle: Chronicle
    clicks: int = 0

    def click(self, action: str, user: str = ANA, target: str = "cluster-x", **rest: Any) -> str:
        """Receive a click, settle it and return the private answer; a decision comes from a card that asked."""
        self.clicks += 1
        if action in ("approve", "decide", "break-glass"):
            self.begin_posting_cards()
            row = self.journal.find_upgrade(target) or self.journal.find_open_upgrade(target)
            card = {"step": row.step, "generation": row.generation} if row and row.state != "running" else {}
            rest = card | rest
        click = write_click(f"click-{self.clicks}", action, user, self.clock.now(), target, channel="C0", **rest)
        if confirmed := confirm_order(click.order):
            click = msgspec.structs.replace(click, order=confirmed)
        self.upgrades.receive(click)
        self.upgrades.settle_clicks()
        return Clicks(self.store).find_answer(click.id) or ""

    def begin_posting_cards(self) -> None:
        """What a card's button needs to be believed: its post was begun, whether or not Slack has answered."""
        for message in self.outbox.list_unsent(self.clock.now()):
            if message.kind in ("gate", "blocked"):
                self.outbox.mark_posting(message.id)

    def post_cards(self) -> None:
        """Slack has every card."""
        self.begin_posting_cards()
        for message in self.outbox.list_unsent(self.clock.now()):
            if message.kind in ("gate", "blocked"):
                self.outbox.mark_sent(message.id, "1.1", message.revision, self.clock.now())

    def add_upgrade(self, plan: Sequence[str], key: str = "cluster-x", number: int = 1) -> UpgradeRow:
        """An upgrade with a plan of the test's own."""
        now = self.clock.now()
        row = UpgradeRow(
            id=f"{key}-{number}", cluster=key, number=number, requester=ANA, channel="C0MESHOPS1",
            release="1.4.10-asm.18", options=UpgradeOptions(), address=ClusterAddress(key), plan=tuple(plan),
            step=plan[0], generation=0,
            state="running", paused_by="", aborted_by="", due=now, waiting_since=None, sentence="", remedy="",
            created_at=now, ended_at=None,
        )  # fmt: skip
        self.journal.add_upgrade(row)
        return row

    def row(self, upgrade: str = "cluster-x-1") -> UpgradeRow:
        """The upgrade as the journal has it."""
        row = self.journal.find_upgrade(upgrade)
        assert row is not None
        return row

    def bodies(self, kind: str) -> list[Mapping[str, Any]]:
        """The bodies of all outbox rows of a kind, as JSON; the text of a file is not packed here."""
        unsent = self.outbox.list_unsent(self.clock.now())
        return [json.loads(msgspec.json.encode(message.body)) for message in unsent if message.kind == kind]


def build_engine(
    folder: Path,
    steps: Mapping[str, Callable[[Context], Outcome]],
    clock: HandClock | None = None,
    on_commit: Callable[[], None] = lambda: None,
    patience: timedelta = timedelta(minutes=30),
    downtime: Downtime = Downtime(),  # noqa: B008 - frozen
    policy: Policy = POLICY,
    directory: Directory | None = None,
    ports: object = None,
) -> Engine:
    """Build everything over the journal in `folder`."""
    hand = clock or HandClock()
    store = open_store(folder, on_commit)
    journal, outbox = Journal(store), Outbox(store)
    chronicle = Chronicle(journal, outbox, lambda _cluster, _requester: [BEN, CAI])
    views = Views(journal, hand)
    release = know_releases()
    reached = cast(Ports, ports or _NoPorts())
    table = {step_id: Step(step_id, run, patience) for step_id, run in steps.items()}
    cluster = Cluster("cluster-x", ClusterAddress("cluster-x"), "C0MESHOPS1", "1.4.10-asm.18", policy, UpgradeOptions())
    clusters: Mapping[str, Cluster] = {"cluster-x": replace(cluster, downtime=downtime)}
    roster = Roster(directory or Members(), hand, clusters)
    clusters = PeopledClusters(clusters, roster)
    schedules = Schedules(store)
    returns = Returns(store, journal, release, partial(find_present_channel, clusters))
    transitions = Transitions(journal, returns, chronicle, hand)
    keeper = Keeper(journal, schedules, transitions, clusters, release, Paces(store))
    keeper.wake_held()
    plans = Plans(table, release, lambda _address: reached, Pace())
    runner = Runner(journal, chronicle, transitions, keeper, hand, plans)
    timetable = Timetable(journal, schedules, chronicle, hand, clusters)
    scheduling = Scheduling(timetable, journal, schedules, keeper, chronicle, hand)
    targets = find_nothing_else(journal, clusters, hand)
    fleet = Fleet(
        targets, journal, views, outbox.read_thread, timetable, ClusterReadings(lambda _address: FormReading(), hand)
    )
    consents = Consents(journal, roster, chronicle, hand)
    decisions = Decisions(targets, Cards(outbox), consents, journal, transitions, hand)
    controls = Controls(targets, transitions, decisions, timetable)
    starts, rollbacks = (
        Starts(targets, journal, transitions, hand),
        Rollbacks(targets, journal, returns, transitions, hand, timetable),
    )
    answers = Answers(timetable, fleet, Logs(targets, outbox))
    use_cases = UseCases(starts, rollbacks, decisions, controls, scheduling, answers)
    upgrades = Upgrades(Clicks(store), Entry(targets, journal, roster, hand), use_cases, chronicle, hand)
    reminders = Reminders(store, schedules, outbox, hand, clusters)
    return Engine(
        hand, store, journal, outbox, runner, upgrades, views, schedules, reminders, transitions, keeper, chronicle
    )


@cache
def know_releases() -> Mapping[str, Release]:
    """The releases that come with the bot, read once for all engines."""
    return read_releases(None)


def write_click(*parts: Any, **named: Any) -> Click:
    """A click from the words that all clicks once had in common; a card's button has asked once more."""
    click = unfold_click(FlatClick(*parts, **named))
    confirmed = confirm_order(click.order) if getattr(click.order, "step", "") else None
    return msgspec.structs.replace(click, order=confirmed) if confirmed else click


def find_nothing_else(journal: Journal, clusters: Mapping[str, Cluster], clock: Clock) -> Targets:
    """These clusters and no others: nothing is looked for in GKE."""
    search = GkeSearch(lambda _project: Discovery(()), (), clock)
    return Targets(journal, clusters, Found(journal, search, NO_DISCOVERY, clusters, lambda policy: policy), tuple)


class Build(Protocol):
    """Builds an engine over the test's own folder; again over the same one after a restart."""

    def __call__(
        self,
        steps: Mapping[str, Callable[[Context], Outcome]],
        clock: HandClock | None = None,
        on_commit: Callable[[], None] = lambda: None,
        patience: timedelta = timedelta(minutes=30),
        downtime: Downtime = Downtime(),  # noqa: B008 - frozen
        policy: Policy = POLICY,
        directory: Directory | None = None,
        ports: object = None,
    ) -> Engine: ...


class Members:
    """A directory to which everybody is a member of the bot's own workspace."""

    def read_workspace(self) -> str:
        return "T0HOME0001"

    def read_person(self, user: str) -> SlackUser:
        return SlackUser(user, frozenset({"T0HOME0001"}))

    def list_members(self, group: str) -> frozenset[str]:
        raise DirectoryFault(f"there is no group {group}")


class _NoPorts:
    """Steps of these tests touch no gateway."""

    kubernetes = gke = release_files = backups = probes = None

    def __init__(self) -> None:
        self.mesh_tools = _NoPrograms()


class _NoPrograms:
    """None runs."""

    def list_running(self, _upgrade_id: str) -> tuple[str, ...]:
        """None."""
        return ()
