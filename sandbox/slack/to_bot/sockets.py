"""Socket Mode: tickets, connections, envelopes; each payload goes to one random connection."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from sandbox.slack.to_bot.delivery import Ack
from sandbox.slack.to_bot.payloads import Payload
from sandbox.slack.values.shapes import Json, parse_json_object
from sandbox.slack.values.stamps import make_secret
from sandbox.slack.workspace.cast import Cast
from sandbox.slack.workspace.feed import Feed
from sandbox.slack.workspace.inspector import Inspector

MOST_CONNECTIONS = 10
PING_SECONDS = 20.0
REFRESH_TENTHS = 300


class Sockets:
    """The open connections of the app."""

    def __init__(self, cast: Cast, inspector: Inspector, feed: Feed, ack_seconds: float) -> None:
        self._cast = cast
        self._ack_seconds = ack_seconds
        self._inspector = inspector
        self._feed = feed
        self._tickets: set[str] = set()
        self._open: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._leaving: set[web.WebSocketResponse] = set()
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    @property
    def count(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    def issue_ticket(self) -> str:
        """Return a ticket for one connection, as apps.connections.open does."""
        ticket = make_secret()
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer the WebSocket at the address that apps.connections.open gave."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="The ticket is unknown or used; ask apps.connections.open for another.")
        if self.count >= MOST_CONNECTIONS:
            raise web.HTTPForbidden(text=f"An app may hold {MOST_CONNECTIONS} connections.")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        if request.transport is None:
            return socket
        self._open[socket] = request.transport
        self._tell("connected")
        try:
            await socket.send_json(self._hello())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
        finally:
            self._forget(socket)
        return socket

    async def deliver(self, payload: Payload) -> Ack:
        """Send one envelope to one random connection and wait for its ack."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": envelope_id,
            "type": payload.kind,
            "payload": payload.body,
            "accepts_response_payload": payload.accepts_response,
        }
        if payload.kind == "events_api":
            envelope |= {"retry_attempt": payload.retry_attempt, "retry_reason": payload.retry_reason}
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            if not await self._send(envelope):
                return Ack(error="no_connection", note="no bot is connected by Socket Mode")
            return Ack(body=await asyncio.wait_for(answer, self._ack_seconds))
        except TimeoutError:
            return Ack(error="operation_timeout", note=f"no ack within {self._ack_seconds:g} s")
        finally:
            self._waiting.pop(envelope_id, None)

    async def refresh(self) -> None:
        """Ask the connections, one after the other, to reconnect, and close each, as Slack does now and then."""
        for socket in list(self._open):
            await self._refresh_one(socket)

    async def _refresh_one(self, socket: web.WebSocketResponse) -> None:
        standing = self.count
        if socket.closed:
            return
        self._leaving.add(socket)
        await socket.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "sandbox"}})
        await _wait_for(lambda: socket not in self._open)
        await self._close_all([socket], WSCloseCode.OK)
        await _wait_for(lambda: self.count >= standing)

    async def drop(self) -> None:
        """Cut every connection without a closing word."""
        for socket, transport in list(self._open.items()):
            transport.abort()
            self._forget(socket)

    async def close(self) -> None:
        """Close every connection for good."""
        await self._close_all(list(self._open), WSCloseCode.GOING_AWAY)

    async def _close_all(self, sockets: list[web.WebSocketResponse], code: WSCloseCode) -> None:
        async def end(socket: web.WebSocketResponse) -> None:
            try:
                await asyncio.wait_for(socket.close(code=code), 1.0)
            except (TimeoutError, ConnectionError):
                return

        await asyncio.gather(*(end(socket) for socket in sockets))

    async def _send(self, envelope: Json) -> bool:
        candidates = [socket for socket in self._open if not socket.closed]
        random.shuffle(candidates)
        # One that was told to leave is the last to be sent anything.
        candidates.sort(key=self._leaving.__contains__)
        for socket in candidates:
            try:
                await socket.send_str(json.dumps(envelope, ensure_ascii=False))
            except ConnectionError:
                continue
            return True
        return False

    def _forget(self, socket: web.WebSocketResponse) -> None:
        self._leaving.discard(socket)
        if self._open.pop(socket, None) is not None:
            self._tell("disconnected")

    def _receive(self, text: str) -> None:
        try:
            message = parse_json_object(text)
        except ValueError as error:
            self._inspector.add("socket", "unreadable message", ok=False, request=text, note=str(error))
            return
        answer = self._waiting.get(str(message.get("envelope_id")))
        if answer is None or answer.done():
            self._inspector.add("socket", "late or unknown ack", ok=False, request=message, note="no envelope waits")
            return
        answer.set_result(message.get("payload"))

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._cast.app.id},
        }

    def _tell(self, what: str) -> None:
        self._inspector.add("socket", what, ok=True, note=f"{self.count} open")
        self._feed.publish("connection", count=self.count)


async def _wait_for(reached: Callable[[], bool]) -> None:
    for _ in range(REFRESH_TENTHS):
        if reached():
            return
        await asyncio.sleep(0.1)
