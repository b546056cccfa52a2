"""The running bot: Slack, the steps, the outbox and the health endpoints, until told to stop."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import time
import warnings
from pathlib import Path

import structlog
from waitress.server import BaseWSGIServer

from bot.app.checks.machine import check_writing, measure_disk_room
from bot.app.health import HealthApp, LivePort, serve_health
from bot.app.loops import Dispatcher, Loop, Ticker, tick_each
from bot.app.metrics import Signs, build_registry
from bot.app.upkeep import AccessLeftovers
from bot.app.wiring import (
    KUBECONFIGS,
    Bot,
    build_archives,
    build_bot,
    build_clusters_file,
    build_copies,
    build_old_reports,
    build_packs,
    build_retention,
    build_senders,
    build_zone_rules,
)
from bot.clock import SystemClock
from bot.gateways.programs.orphans import Orphans
from bot.orders.intake import CROWD_GAP
from bot.reminders.tick import TICK_SECONDS
from bot.settings.environment import ConfigError, Settings
from handlers.transport.connection import SlackFront

log = structlog.get_logger(__name__)
# A Home tab that was just opened is published within this time.
HOMES_SECONDS = 1.0
# A step in hand ends within this time: each of its calls has a limit of its own.
STEP_SECONDS = 60.0
# GKE is searched within this time after somebody asked for it.
SEARCH_SECONDS = 0.2
# A bot whose journal is broken can be asked why for so long: Prometheus scrapes it and its alert fires meanwhile.
BROKEN_SECONDS = 180.0


# What the threads would otherwise import at the same moment: vendors' packages with import cycles then fail now and
# then with "partially initialized module".
CLIENTS = (
    "apscheduler.schedulers.background",
    "requests",
    "google.auth.transport.requests",
    "google.oauth2.service_account",
    "google.cloud.container_v1",
    "kubernetes.client",
    "kubernetes.config",
    "httpx",
    "icalendar",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "slack_bolt.adapter.socket_mode.websocket_client",
    "handlers.app",
)


def import_clients() -> None:
    """Import the heavy clients one after the other, before any thread does.

    What they bring stays for good, so the garbage collector looks at it no more; each full look took 0.1 s.
    """
    with warnings.catch_warnings():
        # From a date on Google's warn here that Python is too old for them, and the log takes JSON alone.
        warnings.simplefilter("ignore", FutureWarning)
        for name in CLIENTS:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


class Serving:
    """The loops over one bot. `run` returns the program's exit code.

    One whose journal breaks begins nothing more, says why on its health port for `broken_seconds`, and leaves.
    It ends once `asked` is set, and does not wait for programs once `hurried` is.
    """

    def __init__(
        self, settings: Settings, asked: threading.Event, hurried: threading.Event, broken_seconds: float
    ) -> None:
        self._asked = asked
        self._hurried = hurried
        self._broken_seconds = broken_seconds
        self._loops: list[Loop] = []
        self.bot: Bot = build_bot(settings, SystemClock(), on_commit=self._wake)
        self._dispatcher = Dispatcher(self.bot.journal, self.bot.runner, self.bot.clock, self._wake)
        self._steps = Loop("steps", self._dispatcher.turn)
        self.front = SlackFront(
            settings.slack,
            self.bot.upgrades,
            self.bot.clock,
            self.bot.fleet,
            self.bot.home_tabs,
            settings.workspaces,
        )
        self._loops = [
            Loop("slack", self._connect_slack),
            Loop("clicks", self._settle_clicks),
            self._steps,
            Loop("outbox", self.bot.announcer.turn),
            Loop("homes", self.bot.home_tabs.turn, HOMES_SECONDS),
            Loop("people", self.bot.roster.turn, longest=60.0),
            Loop("search", self._search, SEARCH_SECONDS),
            Loop("settings", build_clusters_file(settings, self.bot.clusters).turn, longest=60.0),
            Loop("leftovers", AccessLeftovers(self.bot.journal, settings.state / KUBECONFIGS).turn, longest=60.0),
            Loop("bindings", self.bot.own_bindings.turn, longest=60.0),
            Loop("leases", self.bot.renewals.turn, longest=30.0),
            *([Loop("orphans", Orphans().turn, longest=60.0)] if os.getpid() == 1 else []),
            Loop("journal", build_copies(settings, self.bot.store, self.bot.clock).turn, longest=60.0),
            Loop("packs", build_packs(settings, self.bot.store, self.bot.clock).turn, longest=60.0),
            Loop("reports", build_old_reports(settings, self.bot).turn, longest=60.0),
            Loop("zones", build_zone_rules(self.bot).turn, longest=60.0),
            Loop("retention", build_retention(settings, self.bot).turn, longest=60.0),
            Loop("archives", build_archives(settings, self.bot.journal, self.bot.clock).turn, longest=60.0),
            *(
                Loop(f"webhook {name}", sender.turn, longest=60.0)
                for name, sender in build_senders(settings, self.bot.store, self.bot.clock).items()
            ),
        ]
        self._ticker = Ticker(self._tick, TICK_SECONDS, self.bot.clock.now)

    def run(self) -> int:
        """Serve until told to stop, or until the journal breaks or a thread dies (exit code 1)."""
        log.info(
            "serving", clusters=sorted(self.bot.settings.clusters), open=len(self.bot.journal.list_open_upgrades())
        )
        for loop in self._loops:
            loop.start()
        self._ticker.start()
        health, live = self._serve_health(), self._serve_liveness()
        while not self._asked.wait(0.5):
            if self.bot.store.broken or not self._are_alive():
                break
            self._ticker.follow_clock()
        asked = self._asked.is_set()
        self.bot.runner.leave()
        if asked:
            self._finish_begun(self.bot.settings.grace)
        self.front.close()
        self._close()
        if self.bot.store.broken and not asked:
            self._stay_broken()
        if health:
            health.close()
        if live:
            live.close()
        if self.bot.store.broken:
            sys.stderr.write(f"asm-upgrade: stopped: {self.bot.store.broken}\n")
        log.info("stopped", asked=asked, broken=self.bot.store.broken)
        return 0 if asked and not self.bot.store.broken else 1

    def _finish_begun(self, grace: float) -> None:
        """Begin nothing more, and wait for steps and programs that were begun; people are answered meanwhile.

        A second signal ends the waiting. What still runs then is adopted by the next bot, or, where this one is the
        first process of a container, which takes all others with it, told to end.
        """
        log.info("stopping", grace=grace)
        ends = time.monotonic() + grace
        self.bot.runner.leave()
        self._steps.leave()
        self._steps.join(timeout=5)
        self._dispatcher.close(min(grace, STEP_SECONDS))
        running = self.bot.programs.wait_for_all(max(0.0, ends - time.monotonic()), self._hurried)
        if running:
            log.warning("programs_still_run", runs=running)
        if running and os.getpid() == 1:
            self.bot.programs.end_all()

    def _stay_broken(self) -> None:
        """Let people and Prometheus find out why nothing is begun any more; SIGTERM ends that.

        Programs that were begun are waited for as ever.
        """
        log.error("journal_broken", why=self.bot.store.broken, seconds=self._broken_seconds)
        self._asked.wait(self._broken_seconds)
        self._finish_begun(self.bot.settings.grace)

    def _are_alive(self) -> bool:
        return self._ticker.is_alive() and all(loop.is_alive() for loop in self._loops)

    def _tick(self) -> None:
        """Remind people of what is due, of channels that take nothing, and redraw what is no more so."""
        tick_each((*self.bot.ticks, self.bot.reminders.tick))

    def find_troubles(self) -> list[str]:
        """What keeps the bot from being ready, a sentence each."""
        if self.bot.store.broken:
            return [self.bot.store.broken]
        if self._asked.is_set():
            return ["the bot is being stopped"]
        dead = [f"the thread {loop.name} has ended" for loop in self._loops if not loop.is_alive()]
        dead += [] if self._ticker.is_alive() else ["the reminders' clock has stopped"]
        return [*dead, *filter(None, [self.front.find_trouble(), self.front.find_sharer()])]

    def _serve_health(self) -> BaseWSGIServer | None:
        if not self.bot.settings.health_port:
            return None
        bot = self.bot
        signs = read_signs(bot, self.front)
        registry = build_registry(bot.journal, bot.outbox, bot.clock, bot.keeper.find_window, signs)
        app = HealthApp(self.find_troubles, bot.journal.list_failing_channels, registry)
        return serve_health(app, bot.settings.health_port, bot.settings.listen)

    def _serve_liveness(self) -> LivePort | None:
        settings = self.bot.settings
        if not settings.live_port:
            return None
        live = LivePort(settings.live_port, settings.listen)
        live.start()
        return live

    def _connect_slack(self) -> float | None:
        wait = self.front.turn()
        self.bot.announcer.link_into(self.front.workspace)
        self.bot.outages.observe(reachable=not self.front.find_trouble())
        return wait

    def _settle_clicks(self) -> float | None:
        if self.bot.upgrades.is_crowded():
            return CROWD_GAP
        self.bot.upgrades.settle_clicks()
        return None

    def _search(self) -> None:
        if self.bot.search.turn() or self.bot.readings.turn():
            self._wake()

    def _wake(self) -> None:
        for loop in self._loops:
            loop.wake()

    def _close(self) -> None:
        self._ticker.close()
        for loop in self._loops:
            loop.leave()
        for loop in self._loops:
            loop.join(timeout=5)
        self._dispatcher.close(0.0)
        if not self.bot.store.broken:
            self.bot.store.checkpoint()


def read_signs(bot: Bot, front: SlackFront) -> Signs:
    """How the running bot stands."""
    return Signs(
        lambda: not front.find_trouble(),
        lambda: not bot.store.broken,
        lambda: not bot.outside.credentials.tell_refusal(),
        lambda: measure_disk_room(bot.settings.state),
        bot.outside.clusters.list_refusing,
    )


def require_place(state: Path) -> None:
    """See that the state folder can be written to, gives locks and starts programs. Raises ConfigError."""
    check = check_writing(state)
    if check.severity == "error":
        raise ConfigError([f"ASM_UPGRADE_STATE: {check.sentence}. {check.remedy}"])
