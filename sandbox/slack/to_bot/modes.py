"""Socket Mode or HTTP mode, and the faults that act on the way to the bot."""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.slack.to_bot.delivery import Courier
from sandbox.slack.to_bot.http_mode import HttpDelivery
from sandbox.slack.to_bot.sockets import Sockets
from sandbox.slack.values.shapes import ActFault, Json
from sandbox.slack.workspace.faults import Fault
from sandbox.slack.workspace.workspace import Workspace


class Modes:
    """Chooses how payloads travel."""

    def __init__(self, workspace: Workspace, courier: Courier, sockets: Sockets, ack_seconds: float) -> None:
        self._ack_seconds = ack_seconds
        self._workspace = workspace
        self._courier = courier
        self._sockets = sockets
        self._http: HttpDelivery | None = None

    async def switch(self, mode: str, url: str) -> Json:
        """Set the mode; an HTTP request URL is verified by a challenge, as Slack does. Raises ActFault."""
        if mode == "socket":
            await self.close()
            self._courier.delivery = self._sockets
        elif mode == "http":
            await self._switch_to_http(url)
        else:
            raise ActFault(f"there is no mode {mode!r}; there are socket and http")
        self._workspace.feed.publish("mode", bot=self.shown())
        return {"ok": True, **self.shown()}

    async def apply_fault(self, fault: Fault) -> None:
        """Do at once what a fault does to connections; count those that act on coming payloads."""
        match fault.kind:
            case "disconnect":
                self._courier.begin(self._sockets.refresh())
            case "drop":
                await self._sockets.drop()
            case _:
                return

    def shown(self) -> Json:
        """Return the mode and the count of connections for the page."""
        mode = "http" if self._http else "socket"
        return {"mode": mode, "url": self._http.url if self._http else "", "connections": self._sockets.count}

    async def close(self) -> None:
        """Close the HTTP client if there is one."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _switch_to_http(self, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ActFault("mode http needs url, the bot's request URL (http://127.0.0.1:3000/slack/events)")
        delivery = HttpDelivery(url, self._workspace.cast.app.signing_secret, self._ack_seconds)
        ack = await delivery.verify()
        self._workspace.inspector.add("http", "url_verification", ok=ack.ok, response=ack.body, note=ack.note)
        if not ack.ok:
            await delivery.close()
            raise ActFault(f"the request URL was not verified: {ack.note or ack.error}")
        await self.close()
        self._http = self._courier.delivery = delivery
