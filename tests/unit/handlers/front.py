"""The bot's front door for tests: the real Bolt app against the sandbox's Slack, with a desk that only remembers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.clicks.clicks import Click
from bot.discovery.readings import ClusterReadings, FormReading
from bot.journal.journal import Journal
from bot.journal.outbox import Outbox
from bot.journal.store import Store
from bot.orders.fleet import Fleet
from bot.orders.timetable import Timetable
from bot.schedule.tables import Schedules
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.slack.sending.home_tabs import HomeTabs
from bot.telling.chronicle import Chronicle
from bot.telling.views import Views
from handlers.app import build_app
from handlers.desk import Reception
from handlers.transport.http_mode import build_http_server
from handlers.transport.socket_mode import build_socket_handler
from steps.contract.options import UpgradeOptions
from steps.mesh import ClusterAddress
from tests.unit.bot.blank import open_store
from tests.unit.bot.slack.samples import EVERYBODYS
from tests.unit.bot.slack.stand_in import CHANNEL, HandClock, LocalSlack, run_slack
from tests.unit.bot.workbench import find_nothing_else

ANA, BEN = "U0ANA00001", "U0BEN00002"


@dataclass
class GuestBook:
    """A desk that keeps what it received, each id once; `fault` is raised in place of that."""

    clicks: list[Click] = field(default_factory=list)
    fault: Exception | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, click: Click) -> bool:
        """Keep the click."""
        if self.fault is not None:
            raise self.fault
        with self._lock:
            if any(known.id == click.id for known in self.clicks):
                return False
            self.clicks.append(click)
            return True

    @property
    def last(self) -> Click:
        """The click received last."""
        return self.clicks[-1]


@dataclass(frozen=True)
class Front:
    """The running front door. The journal behind its board is empty: no upgrade was ever started."""

    slack: LocalSlack
    book: GuestBook
    tabs: HomeTabs
    readings: ClusterReadings
    outbox: Outbox

    def command(self, text: str, user: str = ANA) -> dict[str, Any]:
        """Type a slash command."""
        return self.slack.act("command", user=user, channel=CHANNEL, text=f"/asm-upgrade {text}".strip())

    def click(self, ts: str, action_id: str, user: str = BEN) -> dict[str, Any]:
        """Click a button."""
        return self.slack.act("click", user=user, channel=CHANNEL, ts=ts, action_id=action_id)

    def clock_on(self, seconds: float) -> None:
        """Move the clock on."""
        self.slack.clock.advance(seconds)

    def post(self, blocks: list[dict[str, Any]]) -> str:
        """Post a card as the bot; its ts."""
        return str(self.slack.posting().chat_postMessage(channel=CHANNEL, text="card", blocks=blocks)["ts"])


@contextmanager
def open_socket(slack: LocalSlack, book: GuestBook, folder: Path) -> Iterator[Front]:
    """Socket Mode, connected; the journal is made in `folder`."""
    with build_reception(slack, book, folder) as (reception, front):
        handler = build_socket_handler(build_app(reception, slack.posting()), slack.cast.app.app_token)
        handler.connect()
        try:
            slack.wait_for_socket()
            yield front
        finally:
            handler.close()


@contextmanager
def open_http(slack: LocalSlack, book: GuestBook, folder: Path) -> Iterator[Front]:
    """HTTP mode: signed requests to a server of the bot's own."""
    with build_reception(slack, book, folder) as (reception, front):
        app = build_app(reception, slack.posting(), slack.cast.app.signing_secret)
        server = build_http_server(app, slack.cast.app.signing_secret, 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert slack.act("mode", mode="http", url=f"http://127.0.0.1:{server.port}/slack/events")["ok"]
        try:
            yield front
        finally:
            server.close()
            thread.join(10)


@contextmanager
def build_reception(slack: LocalSlack, book: GuestBook, folder: Path) -> Iterator[tuple[Reception, Front]]:
    """Everything that the listeners work with, over a journal in `folder`."""
    store = open_store(folder)
    journal = Journal(store)
    clusters = {key: build_cluster(key) for key in ("cluster-x", "cluster-y")}
    outbox = Outbox(store)
    timetable = build_timetable(slack, store, clusters)
    readings = ClusterReadings(lambda _address: FormReading("", ("data", "shop")), slack.clock)
    targets = find_nothing_else(journal, clusters, slack.clock)
    fleet = Fleet(targets, journal, Views(journal, slack.clock), outbox.read_thread, timetable, readings)
    tabs = HomeTabs(fleet, slack.posting(), slack.clock, EVERYBODYS, lambda: 0.0)
    try:
        yield (
            Reception(book, fleet, tabs, slack.identity(), slack.clock, frozenset()),
            Front(slack, book, tabs, readings, outbox),
        )
    finally:
        store.close()


def build_timetable(slack: LocalSlack, store: Store, clusters: dict[str, Cluster]) -> Timetable:
    """What the forms of downtime ask."""
    chronicle = Chronicle(Journal(store), Outbox(store), lambda _cluster, _requester: [])
    return Timetable(Journal(store), Schedules(store), chronicle, slack.clock, clusters)


def build_cluster(key: str) -> Cluster:
    """A cluster that ana may request and ben approve."""
    policy = Policy(frozenset({ANA}), frozenset({BEN}))
    address = ClusterAddress(key, "example-project", "us-central1-a", key)
    return Cluster(key, address, CHANNEL, "1.4.10-asm.18", policy, UpgradeOptions())


@contextmanager
def open_http_mode(folder: Path) -> Iterator[tuple[int, str, GuestBook]]:
    """The bot's own server in HTTP mode: its port, Slack's secret, and what comes through."""
    book = GuestBook()
    with run_slack(HandClock()) as slack, build_reception(slack, book, folder) as (reception, _front):
        secret = slack.cast.app.signing_secret
        server = build_http_server(build_app(reception, slack.posting(), secret), secret, 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server.port, secret, book
        server.close()
        thread.join(10)
