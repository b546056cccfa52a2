"""The real bot over the sandbox's own parts, with one clock that only the test moves."""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from bot.app.known_releases import shipped_releases
from bot.app.wiring import Bot, build_bot
from bot.journal.outbox import name_card
from bot.journal.rows import UpgradeRow
from bot.settings.environment import Settings, read_settings
from handlers.transport.connection import SlackFront
from sandbox.bot.settings import Addresses, SlackSecrets, bot_settings, write_clusters_file
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.cluster.seeds.cluster_x import NEIGHBOUR, NEIGHBOUR_LOCATION, seed_cluster_x, seed_cluster_y
from sandbox.google.project import GkeCluster, Project
from sandbox.google.server import TOKEN_PATH, GoogleApis
from sandbox.release.programs import stand_in_kubectl
from sandbox.release.release_file import write_release_files
from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.slack.server import SlackStandIn
from sandbox.slack.workspace.cast import Cast
from sandbox.state_folder import StateFolder, write_private
from sandbox.watching.messages import buttons, consent
from sandbox.web.sites import RunningSite, serve_in_thread
from tests.direct import reach_directly
from tests.page import ACK_SECONDS, Page, open_page
from tests.scenarios.locks import is_any_locked
from tests.scenarios.once import find_account, make_cluster, make_signing_key, read_keys_once, read_releases_once
from tests.thrift import keep_what_worlds_import

ANA, BEN, CAI, DEE = "U0ANA00001", "U0BEN00002", "U0CAI00003", "U0DEE00004"
CHANNEL = "C0MESHOPS1"
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
PROGRAM_SECONDS = 30.0
# A turn beside a program takes no longer than that where the machine is not busy.
TURN_SECONDS = 0.25
# What comes in real time, on a thread of the bot's, is waited for so often and so long.
LOOKS, LOOK_SECONDS = 60, 0.5


class HandClock:
    """The time of bot, Slack and cluster alike; moves only when told to. The bot's machine may be seconds `ahead`."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start
        self.ahead = 0.0

    def now(self) -> datetime:
        """The time in UTC, as the bot's machine shows it."""
        return self.time + timedelta(seconds=self.ahead)

    def seconds(self) -> float:
        """The time in Unix seconds."""
        return self.time.timestamp()

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


# The same in every world: a journal that was frozen in one goes on in another.
KEY = "a key that all worlds of the tests share"


@dataclass
class World:
    """Everything around the bot, on loopback, driven by one clock."""

    clock: HandClock
    folder: StateFolder
    slack_site: RunningSite = field(repr=False)
    cluster: SimulatedCluster
    google: GoogleApis
    releases: ReleaseServer
    settings: Settings
    path: str
    variables: Mapping[str, str]
    page: Page = field(repr=False)
    slack: SlackStandIn = field(repr=False)
    addresses: Addresses
    neighbour: SimulatedCluster | None = None

    @property
    def slack_url(self) -> str:
        """Where Slack is."""
        return self.slack_site.url

    def state(self) -> dict[str, Any]:
        """The whole of Slack as the page sees it, looked for so often that it isn't fetched as a page fetches it."""
        return dict(msgspec.json.decode(self.slack_site.ask(lambda: msgspec.json.encode(self.slack.shown()))))

    def act(self, name: str, **body: Any) -> dict[str, Any]:
        """One act of a person on the page; raises what the stand-in refuses."""
        return self.page.must_act(name, body)

    def wait_for_form(self, user: str) -> dict[str, Any]:
        """The form that a person sees; it opens on a thread of its own, in real time and not in that of the clock."""
        return dict(self.wait_for("views", lambda state: state["views"].get(user))[-1])

    def wait_for(
        self, kind: str, find: Callable[[dict[str, Any]], Any], work: Callable[[], object] = lambda: None
    ) -> Any:
        """What is found in Slack's state, looked for after each event of this kind; `work` is done before each look."""
        after = 0
        for _ in range(LOOKS):
            work()
            if found := find(self.state()):
                return found
            after = self.read_feed(after, kind, LOOK_SECONDS)
        raise AssertionError(f"no {kind} came")

    def read_feed(self, after: int | None = None, kind: str = "", seconds: float = 0.0) -> int:
        """The number of Slack's latest event, of this kind and later than that one where it comes within the time."""
        asked: dict[str, str | int | float] = {"timeout": seconds, "kinds": kind}
        return int(self._read_events(asked if after is None else {**asked, "after": after})["seq"])

    def has_come(self, kind: str, after: int) -> bool:
        """Whether an event of this kind is later than that one."""
        return bool(self._read_events({"after": after, "kinds": kind, "timeout": 0})["events"])

    def _read_events(self, asked: dict[str, str | int | float]) -> dict[str, Any]:
        return self.page.read(f"/ui/wait?{urlencode(asked)}")

    def count_connections(self) -> int:
        """How many connections of the bot Slack has; looked for often, and the page's state is drawn for nobody."""
        return self.slack._sockets.count

    def messages(self) -> list[dict[str, Any]]:
        """All messages of the channel, thread replies included, oldest first."""
        channels = {channel["id"]: channel for channel in self.state()["channels"]}
        return sorted(channels[CHANNEL]["messages"], key=lambda message: float(message["ts"]))


class Rig:
    """A bot in a world. `crash` drops everything but the files; `restart` builds the bot anew."""

    def __init__(self, world: World, on_commit: Callable[[], None] = lambda: None, in_slack: bool = True) -> None:
        self.world = world
        self._in_slack = in_slack
        self.on_commit = on_commit
        self._looked_at = time.monotonic()
        self.bot: Bot
        self.front: SlackFront
        self.restart()

    def restart(self) -> None:
        """Build the bot over the files that are there."""
        os.environ["PATH"] = self.world.path
        self.bot = build_bot(self.world.settings, self.world.clock, lambda: self.on_commit())
        self.front = SlackFront(
            self.world.settings.slack,
            self.bot.upgrades,
            self.world.clock,
            self.bot.fleet,
            self.bot.home_tabs,
            frozenset(),
        )
        if self._in_slack:
            self._join_slack()

    def _join_slack(self) -> None:
        """Open the bot's door, and wait until Slack has found it."""
        self.front.turn()
        slack = self.world.settings.slack
        if slack.mode == "http":
            self.world.act("mode", mode="http", url=f"http://127.0.0.1:{slack.http_port}/slack/events")
            return
        deadline = time.monotonic() + PROGRAM_SECONDS
        while not self.world.count_connections():
            assert time.monotonic() < deadline, "the bot did not connect"
            time.sleep(0.01)  # it connects in threads of this program, which a busy wait would keep from their work

    def crash(self) -> None:
        """Leave the bot as a kill leaves it: files and child programs stay, nothing else."""
        self.front.close()
        self.bot.store.close()
        del self.bot, self.front

    def turn(self) -> float:
        """Let everybody work once; seconds until somebody has something to do."""
        clock = self.world.clock
        self.bot.search.turn()
        self.bot.readings.turn()
        self.bot.upgrades.settle_clicks()
        self.bot.renewals.turn()
        due = self.bot.runner.turn()
        wait = self.bot.announcer.turn()
        tick = self.world.cluster.tick()
        waits = [60.0]
        waits += [(due - clock.now()).total_seconds()] if due else []
        waits += [wait] if wait is not None else []
        waits += [tick - clock.seconds()] if tick is not None else []
        return max(min(waits), 0.05)

    def run_until(self, reached: Callable[[], bool], limit: float = 7200.0) -> None:
        """Move the clock from one thing to do to the next until `reached`. AssertionError after `limit` seconds."""
        clock = self.world.clock
        end = clock.seconds() + limit
        while True:
            pause = self.turn()
            if reached():
                return
            assert clock.seconds() < end, f"not reached in {limit:.0f} s: {self.describe()}"
            self.pass_time(pause)

    def pass_time(self, seconds: float) -> None:
        """Move the clock on; as long as a child program runs, no further than a turn really took or should take.

        What a program may take is counted by this clock, and so is how often the bot looks at it.
        """
        if self.wait_for_programs():
            seconds = min(seconds, time.monotonic() - self._looked_at, TURN_SECONDS)
        self._looked_at = time.monotonic()
        self.world.clock.advance(seconds)

    def wait_for_programs(self) -> bool:
        """Give running child programs a moment of real time; whether any runs."""
        return is_any_locked(self.world.settings.state / "programs" / "runs")

    def settle(self) -> None:
        """Work until nobody has anything to do at this moment."""
        for _ in range(8):
            self.turn()

    def deliver(self, limit: float = 600.0) -> None:
        """Work until Slack has all that the bot tells: an edit keeps a pace of its own, behind the journal."""
        self.run_until(lambda: not self.bot.outbox.list_unsent(self.world.clock.now()), limit)

    def command(self, user: str, text: str) -> str:
        """Type a slash command; the private answer, from the acknowledgement or afterwards."""
        before, seen = len(self.private(user)), self.world.read_feed()
        self.world.act("command", user=user, channel=CHANNEL, text=f"/asm-upgrade {text}".strip())
        for looked in range(LOOKS):
            self.turn()
            answers = self.private(user)
            if len(answers) > before:
                return str(answers[-1]["text"])
            self.world.clock.advance(0.2)
            seen = self.world.read_feed(seen, "ephemeral", min(looked / 50, LOOK_SECONDS))
        raise AssertionError(f"no private answer to /asm-upgrade {text}")

    def find_code(self, key: str = "cluster-x") -> str:
        """The code on the card of the cluster's open question, once Slack has it."""
        row = self.bot.journal.find_open_upgrade(key)
        question = self.bot.journal.find_open_question(row.id) if row else None
        assert question, self.describe()
        slot = name_card(question.step, question.generation)
        self.run_until(lambda: self.bot.outbox.was_posted(question.upgrade, slot, begun=False), 120)
        return question.code

    def decide_by_code(self, user: str, verb: str = "approve", key: str = "cluster-x") -> str:
        """Type a decision by its card's code and press the button that answers it; what is told then."""
        self.command(user, f"{verb} {key} {self.find_code(key)}")
        offered = self.private(user)[-1]
        before = len(self.private(user))
        self.click(user, offered, buttons(offered)[0])
        self.run_until(lambda: len(self.private(user)) > before, 120)
        return str(self.private(user)[-1]["text"])

    def private(self, user: str) -> list[dict[str, Any]]:
        """What only this person sees."""
        return [note for note in self.world.state()["ephemerals"] if note["to"] == user]

    def click(self, user: str, message: Mapping[str, Any], button: Mapping[str, Any]) -> None:
        """Click a button of a message."""
        place = {"block_id": button["block_id"]} if button.get("block_id") else {}
        self.world.act("click", user=user, channel=CHANNEL, ts=message["ts"], action_id=button["action_id"], **place)

    def approve_next(self, user: str = BEN, open_only: UpgradeRow | None = None) -> bool:
        """Click the last consenting button of the thread, where there is one; with a row only that of its question."""
        ending = f"|{open_only.step}|{open_only.generation}" if open_only else ""
        for message in reversed(self.world.messages()):
            button = consent(message)
            if button and ending not in str(button.get("value")):
                continue
            if button and message.get("thread_ts") not in (None, message["ts"]):
                self.click(user, message, button)
                return True
        return False

    def upgrade_all(self, user: str = BEN, key: str = "cluster-x") -> None:
        """Approve every gate until the cluster's upgrade has ended."""
        while self.bot.journal.find_open_upgrade(key):
            self.run_until(lambda: self._stands_still(key))
            row = self.bot.journal.find_open_upgrade(key)
            if row is None:
                break
            assert row.state == "asking", self.describe()
            self.run_until(lambda asked=row: self.approve_next(user, asked), 120)  # type: ignore[misc]
            generation = row.generation
            self.run_until(lambda g=generation: self._moved_on(key, g), 120)  # type: ignore[misc]
        self.settle()

    def _stands_still(self, key: str) -> bool:
        row = self.bot.journal.find_open_upgrade(key)
        return row is None or row.state != "running"

    def _moved_on(self, key: str, generation: int) -> bool:
        row = self.bot.journal.find_open_upgrade(key)
        return row is None or row.state != "asking" or row.generation != generation

    def describe(self) -> str:
        """Where the upgrades stand, for failures."""
        rows = self.bot.journal.list_upgrades()
        return "; ".join(f"{row.id} {row.state} at {row.step}: {row.sentence}" for row in rows) or "no upgrade"


@contextmanager
def leave_sockets() -> Iterator[None]:
    """Collect what a crash leaves open, here and without a word: a killed bot closes nothing."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
            keep_what_worlds_import()


@contextmanager
def open_world(
    root: Path,
    clock: HandClock | None = None,
    rate_limits: bool = True,
    cast: Cast | None = None,
    neighbour: bool = False,
    wire: bool = True,
) -> Iterator[World]:
    """Open every site of the sandbox, each in a thread of its own; with `neighbour` GKE has cluster-y as well.

    Without `wire` the bot's own requests go to the API servers without a connection, as those of no program do.
    """
    hand = clock or HandClock()
    folder = StateFolder(root)
    read_keys_once()
    read_releases_once()
    with ExitStack() as stack:
        stack.callback(keep_what_worlds_import)

        def serve(app: Any, ssl: Any = None) -> RunningSite:
            opened = serve_in_thread(app, ssl)
            stack.callback(opened.stop)
            return opened

        slack = SlackStandIn(hand.seconds, cast, rate_limits=rate_limits, ack_seconds=ACK_SECONDS)
        site = serve(slack.app())
        cluster = make_cluster(hand.seconds, seed_cluster_x)
        certificate = ensure_certificate(folder.certificates)
        cluster_url = serve(cluster.app(background=False), certificate.server_context()).url
        authority = certificate.ca_base64
        write_kubeconfig(folder.kubeconfig, server=cluster_url, ca_base64=authority, token=cluster.tokens.admin)
        version = cluster.server_version.removeprefix("v")
        gke = GkeCluster("cluster-x", "us-central1-a", cluster_url.removeprefix("https://"), authority, version)
        other = make_cluster(hand.seconds, seed_cluster_y) if neighbour else None
        clusters, servers = [gke], {cluster_url: cluster}
        if other:
            other_url = serve(other.app(background=False), certificate.server_context()).url
            servers[other_url], endpoint = other, other_url.removeprefix("https://")
            clusters.append(GkeCluster(NEIGHBOUR, NEIGHBOUR_LOCATION, endpoint, authority, version))
        stack.enter_context(reach_directly({} if wire else servers))
        google = GoogleApis(Project(clusters=tuple(clusters)), find_account(folder.service_account))
        google_url = serve(google.app()).url
        google.account.write_key(folder.service_account, f"{google_url}{TOKEN_PATH}")
        releases = ReleaseServer(make_signing_key())
        releases_url = serve(releases.app()).url
        write_release_files(shipped_releases(), folder.releases, f"{releases_url}{FOLDER}", releases.key.public_pem())
        write_clusters_file(folder)
        write_private(folder.tools / "kubectl", stand_in_kubectl())
        (folder.tools / "kubectl").chmod(0o755)
        app = slack.cast.app
        addresses = Addresses(site.url, google_url, releases_url, cluster_url)
        secrets = SlackSecrets(app.bot_token, app.app_token, app.signing_secret)
        variables = bot_settings(folder, addresses, secrets, http_port=0, health_port=0) | {"ASM_UPGRADE_KEY": KEY}
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = variables["GOOGLE_APPLICATION_CREDENTIALS"]
        settings = replace(read_settings(variables), retry_cap=5.0)
        path = os.pathsep.join([str(folder.tools), os.environ["PATH"]])
        page = stack.enter_context(open_page(site.url))
        yield World(
            hand, folder, site, cluster, google, releases, settings, path, variables, page, slack, addresses, other
        )
