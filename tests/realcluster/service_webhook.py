"""The injector where its Service stands: on a control plane whose Services have addresses of loopback."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from aiohttp import web

from sandbox.attached.injector import SYSTEM, InjectingWebhook
from sandbox.cluster.server.injection import CONFIG_NAME

PORT = 443


@dataclass
class ServiceWebhook(InjectingWebhook):
    """Serves /inject wherever the Service istio-sidecar-injector stands."""

    context: ssl.SSLContext | None = None
    down: bool = False
    _address: str = ""
    _runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Follow the Service as well."""
        await asyncio.gather(super().run(), self._follow_service())

    async def switch(self, down: bool) -> None:
        """Stop answering, or answer again."""
        self.down = down
        await self._listen()

    async def _follow_service(self) -> None:
        async for found in self.api.follow(f"{SYSTEM}/services"):
            if found["metadata"]["name"] == CONFIG_NAME and found["spec"]["clusterIP"] != self._address:
                self._address = found["spec"]["clusterIP"]
                await self._listen()

    async def _listen(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.down or not self._address:
            return
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/inject", self.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, PORT, ssl_context=self.context).start()
