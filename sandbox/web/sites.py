"""Sites of the sandbox: one aiohttp application each, on loopback, in an event loop or in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl as tls
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 1.0
SETTLING_SECONDS = 0.02
THREAD_SECONDS = 15.0
T = TypeVar("T")


@dataclass(frozen=True)
class OpenSite:
    """A site that answers on `url`; `close()` ends it within about a second."""

    url: str
    port: int
    runner: web.AppRunner = field(repr=False)
    listener: socket.socket = field(repr=False)

    async def close(self) -> None:
        """End the site and run the application's shutdown and cleanup hooks."""
        # A listener closed between accept() and the connection's first step leaves that connection open for ever
        # (asyncio.base_events.Server._attach), so accepting ends first.
        asyncio.get_running_loop().remove_reader(self.listener)
        await asyncio.sleep(SETTLING_SECONDS)
        server = self.runner.server
        transports = [one.transport for one in server.connections if one.transport] if server else []
        await self.runner.cleanup()
        # A TLS connection would otherwise wait for its peer's goodbye, longer than the loop lives.
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)


@dataclass(frozen=True)
class RunningSite:
    """A site that answers on `url` from a thread of its own; `stop()` ends both."""

    url: str
    port: int
    stop: Callable[[], None] = field(repr=False)
    loop: asyncio.AbstractEventLoop = field(repr=False)

    def ask(self, find: Callable[[], T]) -> T:
        """What is found in the site's own thread, where nothing changes meanwhile. Raises what that raises."""

        async def answer() -> T:
            return find()

        return asyncio.run_coroutine_threadsafe(answer(), self.loop).result(THREAD_SECONDS)


async def open_site(
    app: web.Application, *, port: int = 0, ssl: tls.SSLContext | None = None, host: str = LOOPBACK
) -> OpenSite:
    """Serve an application, on loopback unless a person named another address; port 0 takes a free one.

    Raises OSError when the port is taken, or when the address is none of this machine's.
    """
    listener = socket.create_server((host, port))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=ssl).start()
    bound = int(listener.getsockname()[1])
    return OpenSite(f"{'https' if ssl else 'http'}://{host}:{bound}", bound, runner, listener)


def serve_in_thread(app: web.Application, ssl: tls.SSLContext | None = None, port: int = 0) -> RunningSite:
    """Serve an application on loopback from a new thread. Raises what opening the site raises."""
    opened: Future[OpenSite] = Future()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(
        target=_serve, args=(loop, app, ssl, port, opened, ended), name="sandbox-site", daemon=True
    )
    thread.start()
    site = opened.result(THREAD_SECONDS)

    def stop() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(ended.set)
            thread.join(THREAD_SECONDS)

    return RunningSite(site.url, site.port, stop, loop)


def _serve(
    loop: asyncio.AbstractEventLoop,
    app: web.Application,
    ssl: tls.SSLContext | None,
    port: int,
    opened: Future[OpenSite],
    ended: asyncio.Event,
) -> None:
    async def serve() -> None:
        try:
            site = await open_site(app, port=port, ssl=ssl)
        except OSError as error:
            opened.set_exception(error)
            return
        opened.set_result(site)
        await ended.wait()
        await site.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serve())
