"""The sandbox in one command: local Slack, simulated cluster, Google's APIs, a release, and the bot as a child."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from sandbox.bot.kinship import Orphans
from sandbox.cluster.weather.table import describe_weathers
from sandbox.google.weathers import PREFIX, describe_metadata_weathers, find_metadata_weather
from sandbox.hosted_cluster import open_cluster
from sandbox.options import KEY_FILE, WORKLOAD_IDENTITY, AttachOptions, SandboxOptions
from sandbox.state_folder import StateFolder, hold_folder
from sandbox.watching.narrator import Narrator
from sandbox.watching.outcome import Verdict
from sandbox.watching.person import StandInPerson
from sandbox.watching.slack_page import ActRefused, SlackPage
from sandbox.watching.terminal import Lines, Terminal, open_terminal
from sandbox.world import OpensCluster, WorkloadIdentity, World, open_world

if TYPE_CHECKING:
    from sandbox.attached.visit import Visit

__all__ = ["AttachOptions", "SandboxOptions", "run"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HOUSEKEEPING_SECONDS = 0.5
SAVING_SECONDS = 5.0


def run(options: SandboxOptions, shipped_releases: Path) -> int:
    """Run the sandbox until it is told to stop, or with `leave` until the upgrade has ended; return the exit code.

    `shipped_releases` is the folder of release files to offer with the sandbox's key and address.
    """
    terminal = Lines(sys.stderr) if options.as_json else open_terminal()
    try:
        identity = find_identity(options)
        weather = [name for name in options.weather if not name.startswith(PREFIX)]
        opens: OpensCluster = partial(open_cluster, weather=weather)
        if options.attach:
            visit = _visit(options.attach, terminal)
            if options.attach.remove:
                return visit.remove()
            if not visit.agree():
                return 1
            opens = visit.opens
        with _state_folder(options) as folder:
            return asyncio.run(_supervise(options, shipped_releases, folder, terminal, opens, identity))
    except asyncio.CancelledError:
        terminal.say("Stopped while the sandbox was being set up.")
        return 1
    except (OSError, ValueError, RuntimeError) as error:
        terminal.say(f"The sandbox can't run: {_explain(error, options)}")
        return 1
    finally:
        terminal.close()


def describe_all_weathers() -> str:
    """Return what can go wrong in the cluster and with the metadata server, as lines of a terminal."""
    return f"{describe_weathers()}\n{describe_metadata_weathers()}"


def find_identity(options: SandboxOptions) -> WorkloadIdentity | None:
    """Return how the bot gets its Google account, None for a key file. Raises ValueError where weathers don't fit."""
    weathers = tuple(find_metadata_weather(name) for name in options.weather if name.startswith(PREFIX))
    if options.credentials == WORKLOAD_IDENTITY:
        return WorkloadIdentity(weathers)
    if options.credentials != KEY_FILE:
        raise ValueError(f"--credentials is {KEY_FILE} or {WORKLOAD_IDENTITY}, not {options.credentials!r}")
    if weathers:
        raise ValueError(f"{weathers[0].name} is met by --credentials {WORKLOAD_IDENTITY} only")
    return None


def _explain(error: Exception, options: SandboxOptions) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {options.port} is taken; choose another with --port, or leave it out for a free one"
    return str(error)


def _visit(options: AttachOptions, terminal: Terminal) -> Visit:
    from sandbox.attached.visit import open_visit

    return open_visit(options, terminal.say)


async def _supervise(
    options: SandboxOptions,
    shipped: Path,
    folder: StateFolder,
    terminal: Terminal,
    opens: OpensCluster,
    identity: WorkloadIdentity | None,
) -> int:
    orphans = Orphans()
    opening = asyncio.current_task()
    stopped = _stop_on_signals(lambda: opening.cancel() if opening else None)
    async with open_world(
        folder,
        shipped,
        terminal.say,
        port=options.port,
        speed=options.speed,
        http=options.http,
        opens=opens,
        identity=identity,
    ) as world:
        opening = None
        try:
            _announce(world, options, terminal)
            return await _attend(world, options, terminal, stopped, orphans)
        finally:
            await world.bot.stop()
            orphans.end()
            if options.state:
                world.save()


async def _attend(
    world: World, options: SandboxOptions, terminal: Terminal, stopped: asyncio.Event, orphans: Orphans
) -> int:
    verdict = Verdict()
    async with aiohttp.ClientSession(trust_env=False) as session:
        page = SlackPage(session, world.addresses.slack)
        narrator = Narrator(page, terminal, verdict, await page.state())
        works: list[Awaitable[object]] = [
            world.bot.watch(),
            narrator.narrate(),
            _keep_house(world, orphans, saving=options.state is not None),
        ]
        if options.auto_approve:
            works.append(narrator.act(StandInPerson(page, terminal.say)))
        if options.http:
            works.append(_switch_to_http(page, world))
        if not options.no_bot:
            world.bot.allow()
        ends: list[Awaitable[object]] = [stopped.wait()]
        if options.leave:
            ends += [verdict.settled(), world.bot.hopeless(), asyncio.sleep(options.time_limit)]
        await work_until(works, ends)
    return _conclude(verdict, terminal, world) if options.leave else 0


def _conclude(verdict: Verdict, terminal: Terminal, world: World) -> int:
    terminal.close()
    terminal.say(verdict.sentence())
    if verdict.finish is None and not verdict.blocked:
        terminal.say(f"The bot's last lines:\n{world.bot.tail()}")
    return 0 if verdict.succeeded else 1


def _announce(world: World, options: SandboxOptions, terminal: Terminal) -> None:
    addresses = world.addresses
    if options.as_json:
        sys.stdout.write(json.dumps(_as_json(world)) + "\n")
        sys.stdout.flush()
        return
    terminal.say(f"Slack      {addresses.slack}")
    terminal.say(f"kubectl    --kubeconfig {world.cluster.kubeconfig}")
    terminal.say(f"Switches   {addresses.control}/control")
    if options.weather:
        terminal.say(f"Weather    {', '.join(options.weather)}")
    if not options.auto_approve:
        terminal.say("Open the page, type  /asm-upgrade start cluster-x  and approve as Ben. Ctrl-C ends the sandbox.")


def _as_json(world: World) -> dict[str, object]:
    addresses = world.addresses
    return {
        "page": addresses.slack,
        "control": f"{addresses.control}/control",
        "kubernetes": addresses.kubernetes,
        "gke": addresses.google,
        "releases": addresses.releases,
        "kubeconfig": str(world.cluster.kubeconfig),
        "state": str(world.folder.root),
        "environment": {**world.settings, "PATH": world.environment()["PATH"]},
    }


async def _switch_to_http(page: SlackPage, world: World) -> None:
    """Give Slack the bot's request URL as soon as the bot answers Slack's challenge there."""
    while True:
        with contextlib.suppress(ActRefused):
            await page.use_http(f"http://127.0.0.1:{world.settings['ASM_UPGRADE_HTTP_PORT']}/slack/events")
            return
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def _keep_house(world: World, orphans: Orphans, *, saving: bool) -> None:
    """Collect ended programs, and write down the cluster now and then, so that even a kill loses little."""
    clock = asyncio.get_running_loop()
    saved = clock.time()
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        orphans.bury(world.bot.pid)
        if saving and clock.time() - saved > SAVING_SECONDS:
            world.save()
            saved = clock.time()


def _stop_on_signals(interrupt: Callable[[], object]) -> asyncio.Event:
    """Return what a signal sets; `interrupt` is called as well, for as long as nobody waits for that."""
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        interrupt()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    return stopped


@contextlib.contextmanager
def _state_folder(options: SandboxOptions) -> Iterator[StateFolder]:
    if options.state is not None:
        with hold_folder(options.state) as held:
            yield held
        return
    with tempfile.TemporaryDirectory(prefix="asm-upgrade-sandbox-", ignore_cleanup_errors=True) as folder:
        yield StateFolder(Path(folder))


async def work_until(works: Iterable[Awaitable[object]], ends: Iterable[Awaitable[object]]) -> None:
    """Run `works` until any of `ends` is done, then cancel what is left and wait for it. Raises what any raised."""
    kept = [asyncio.ensure_future(work) for work in works]
    awaited = [asyncio.ensure_future(end) for end in ends]
    pending = {*kept, *awaited}
    try:
        while not any(end.done() for end in awaited):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
    finally:
        for left in (*kept, *awaited):
            left.cancel()
        await asyncio.gather(*kept, *awaited, return_exceptions=True)
