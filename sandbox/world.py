"""Everything around the bot, opened in one event loop: Slack first and closed last, so that the bot never misses it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from sandbox.bot.child import BotChild
from sandbox.bot.settings import (
    Addresses,
    SlackSecrets,
    bot_environment,
    bot_settings,
    use_metadata,
    write_clusters_file,
)
from sandbox.clock import SimulatedClock
from sandbox.control import Switches, control_site
from sandbox.google.account import ServiceAccount
from sandbox.google.metadata import MetadataServer, open_metadata
from sandbox.google.project import GkeCluster, Project
from sandbox.google.server import TOKEN_PATH, GoogleApis
from sandbox.google.weathers import MetadataWeather
from sandbox.hosted_cluster import open_cluster
from sandbox.release.programs import stand_in_kubectl
from sandbox.release.release_file import write_release_files
from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.release.signing import SigningKey
from sandbox.slack.server import SlackStandIn
from sandbox.state_folder import StateFolder, read_json, write_json, write_private
from sandbox.web.sites import LOOPBACK, OpenSite, open_site

DEFAULT_SPEED = 10.0


class UpgradedCluster(Protocol):
    """What the sandbox needs of the cluster that its bot upgrades."""

    @property
    def url(self) -> str:
        """The address of its API server."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig for the person."""
        ...

    @property
    def clusters_part(self) -> str:
        """Its part of the bot's clusters.toml."""
        ...

    @property
    def gke(self) -> tuple[GkeCluster, ...]:
        """What the GKE API shows of it."""
        ...

    def save(self) -> None:
        """Write down what it holds, where it does not do so by itself."""
        ...

    def report_faults(self, say: Callable[[str], None]) -> None:
        """Say from now on, each once, what its controllers stumble over."""
        ...


OpensCluster = Callable[[StateFolder, SimulatedClock], AbstractAsyncContextManager[UpgradedCluster]]


@dataclass(frozen=True)
class World:
    """What runs around the bot, and the bot itself, which starts once `bot.allow()` was called."""

    folder: StateFolder
    clock: SimulatedClock
    cluster: UpgradedCluster
    addresses: Addresses
    settings: dict[str, str]
    bot: BotChild

    def save(self) -> None:
        """Write down what the cluster holds and its time, for the next start with the same folder."""
        self.cluster.save()
        write_json(self.folder.clock, {"now": self.clock.now()})

    def environment(self) -> dict[str, str]:
        """Return the bot's whole environment."""
        return bot_environment(self.settings, self.folder)


@dataclass(frozen=True)
class WorkloadIdentity:
    """The bot runs as a pod with Workload Identity; `weathers` are what is wrong with its metadata server."""

    weathers: tuple[MetadataWeather, ...] = ()


@contextlib.asynccontextmanager
async def open_world(
    folder: StateFolder,
    shipped: Path,
    say: Callable[[str], None],
    *,
    port: int = 0,
    speed: float | None = None,
    http: bool = False,
    opens: OpensCluster = open_cluster,
    identity: WorkloadIdentity | None = None,
) -> AsyncIterator[World]:
    """Open every site of the sandbox on loopback, around the cluster that `opens` opens.

    `shipped` is the folder of release files to offer; with `identity` the bot gets no key file.

    Raises OSError when the page's port is taken, ValueError or RuntimeError when a release file, or what an
    earlier start left in the folder, can't be used.
    """
    clock = SimulatedClock(DEFAULT_SPEED if speed is None else speed, _start_of_clock(folder))
    async with AsyncExitStack() as stack:
        slack = SlackStandIn(time.time, state_file=folder.slack)
        slack_site = await _open(stack, slack.app(), port)
        cluster = await stack.enter_async_context(opens(folder, clock))
        inspector = slack.workspace.inspector
        cluster.report_faults(lambda why: inspector.add("cluster", "controllers", ok=False, note=why))
        google = GoogleApis(Project(clusters=cluster.gke), ServiceAccount.kept_in(folder.service_account))
        google_site = await _open(stack, google.app())
        google.account.write_key(folder.service_account, f"{google_site.url}{TOKEN_PATH}")
        releases = ReleaseServer(SigningKey.kept_in(folder.signing_key))
        releases_site = await _open(stack, releases.app())
        write_release_files(shipped, folder.releases, f"{releases_site.url}{FOLDER}", releases.key.public_pem())
        write_clusters_file(folder, cluster.clusters_part)
        _write_kubectl(folder)
        addresses = Addresses(slack_site.url, google_site.url, releases_site.url, cluster.url)
        settings = bot_settings(
            folder, addresses, _secrets(slack), http_port=free_port() if http else 0, health_port=free_port()
        )
        metadata = MetadataServer(google.account, google.tokens)
        if identity:
            settings = use_metadata(settings, await _serve_identity(stack, metadata, identity), folder)
        bot = BotChild(bot_environment(settings, folder), folder.bot_output, say)
        switches: Switches = {"google": google.switches, "metadata": metadata.switches, "releases": releases.switches}
        control = await _open(stack, control_site(bot, clock, switches))
        yield World(folder, clock, cluster, addresses.with_control(control.url), settings, bot)


async def _serve_identity(stack: AsyncExitStack, metadata: MetadataServer, identity: WorkloadIdentity) -> str:
    for weather in identity.weathers:
        weather.begin(metadata.switches)
    port = free_port()
    await stack.enter_async_context(open_metadata(metadata, port))
    return f"{LOOPBACK}:{port}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


async def _open(stack: AsyncExitStack, app: web.Application, port: int = 0) -> OpenSite:
    site = await open_site(app, port=port)
    stack.push_async_callback(site.close)
    return site


def _start_of_clock(folder: StateFolder) -> float:
    saved = read_json(folder.clock) or {}
    return max(time.time(), float(saved.get("now", 0.0)))


def _secrets(slack: SlackStandIn) -> SlackSecrets:
    app = slack.cast.app
    return SlackSecrets(app.bot_token, app.app_token, app.signing_secret)


def _write_kubectl(folder: StateFolder) -> None:
    write_private(folder.tools / "kubectl", stand_in_kubectl())
    (folder.tools / "kubectl").chmod(0o755)
