"""A given cluster as the sandbox's cluster-x: seeded, with its nodes and webhooks alive for as long as it is open."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.attached.access import Access
from sandbox.attached.account import describe_account, describe_kubeconfig, write_token
from sandbox.attached.api import Api
from sandbox.attached.balancer import balance_load
from sandbox.attached.demo import OWN_NAMESPACE, demo_nodes, describe_namespace
from sandbox.attached.examination import Examined
from sandbox.attached.injector import InjectingWebhook
from sandbox.attached.kubelet import Kubelets, KubeletSwitches
from sandbox.attached.placement import place
from sandbox.attached.reach import answer_probe, check_reach
from sandbox.attached.seeding import create_missing, remove, seed
from sandbox.bot.settings import describe_kubeconfig_cluster
from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate
from sandbox.cluster.mesh.values import NAMESPACE
from sandbox.google.project import GkeCluster
from sandbox.state_folder import StateFolder, read_json, write_json, write_private
from sandbox.web.sites import OpenSite, open_site

LARGEST_REVIEW = 2**24
TOKEN_RENEWAL_SECONDS = 6 * 3600.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class AttachedCluster:
    """The cluster, the kubeconfig to show a person, and what the bot is told about it."""

    url: str
    kubeconfig: Path
    clusters_part: str
    gke: tuple[GkeCluster, ...] = ()

    def save(self) -> None:
        """Do nothing: the cluster itself keeps what it holds."""

    def report_faults(self, say: Callable[[str], None]) -> None:
        """Say nothing: its controllers are real ones."""


@dataclass(frozen=True)
class Attachment:
    """What a person gave: the kubeconfig and its access, and the address under which the API server calls back."""

    kubeconfig: Path
    access: Access
    webhook_address: str


@contextlib.asynccontextmanager
async def open_attached(
    folder: StateFolder, given: Attachment, found: Examined, say: Say
) -> AsyncIterator[AttachedCluster]:
    """Seed what is missing of the demo and keep it alive; `say` is told before the first change.

    Raises ValueError, Refused and OSError.
    """
    claim_folder(folder, given.access.server)
    async with Api(given.access) as api, contextlib.AsyncExitStack() as stack:
        certificate = ensure_certificate(folder.certificates / given.webhook_address, (given.webhook_address,))
        webhook = InjectingWebhook(api, certificate.ca_pem)
        site = await _open_webhooks(make_site(webhook), certificate, given.webhook_address)
        stack.push_async_callback(site.close)
        await check_reach(api, site.url, certificate.ca_pem)
        webhook.url = f"{site.url}/inject"
        say(f"Seeding    {given.access.server} with the demo mesh")
        kubelets = await _open_kubelets(api, found.version)
        await stack.enter_async_context(
            _kept_alive(kubelets.run, kubelets.beat, webhook.run, lambda: balance_load(api, NAMESPACE))
        )
        await seed(api, site.url, base64.b64encode(certificate.ca_pem.encode()).decode())
        await create_missing(api, describe_account())
        await _write_kubeconfig(folder, api)
        await stack.enter_async_context(_kept_alive(lambda: _renew_token(folder, api)))
        part = describe_kubeconfig_cluster(folder.bot_kubeconfig)
        yield AttachedCluster(given.access.server, given.kubeconfig, part)


async def remove_demo(access: Access, version: str) -> None:
    """Take the demo out of a cluster, with its nodes alive so that their pods end. Raises ValueError and Refused."""
    async with Api(access) as api:
        kubelets = await _open_kubelets(api, version)
        async with _kept_alive(kubelets.run, kubelets.beat):
            await remove(api)


def claim_folder(folder: StateFolder, server: str) -> None:
    """Make a state folder this cluster's own. Raises ValueError where another cluster's upgrades are in it."""
    kept = read_json(folder.attached) or {}
    other = "the simulated cluster" if folder.cluster.exists() else kept.get("server", server)
    if other != server:
        raise ValueError(f"the state in {folder.root} is that of {other}; choose another folder for --state")
    write_json(folder.attached, {"server": server})


def make_site(webhook: InjectingWebhook) -> web.Application:
    """Return what the API server calls."""
    app = web.Application(client_max_size=LARGEST_REVIEW)
    app.router.add_post("/reach", answer_probe)
    app.router.add_post("/place", place)
    app.router.add_post("/inject", webhook.answer)
    return app


@contextlib.asynccontextmanager
async def _kept_alive(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run these beside the body and cancel them at its end; the fault of one ends the body."""
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(work()) for work in works]
            try:
                yield
            finally:
                for work in running:
                    work.cancel()
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None


async def _open_webhooks(app: web.Application, certificate: ServingCertificate, address: str) -> OpenSite:
    try:
        return await open_site(app, ssl=certificate.server_context(), host=address)
    except OSError as error:
        raise ValueError(f"--webhook-address {address} is no address of this machine: {error.strerror}") from error


async def _open_kubelets(api: Api, version: str) -> Kubelets:
    await create_missing(api, [describe_namespace(OWN_NAMESPACE)])
    kubelets = Kubelets(api, KubeletSwitches(), demo_nodes(version))
    await kubelets.add_nodes()
    return kubelets


async def _write_kubeconfig(folder: StateFolder, api: Api) -> None:
    write_private(folder.bot_kubeconfig, describe_kubeconfig(api.access, await write_token(api)))


async def _renew_token(folder: StateFolder, api: Api) -> None:
    while True:
        await asyncio.sleep(TOKEN_RENEWAL_SECONDS)
        await _write_kubeconfig(folder, api)
