"""A bot of forty lines: acknowledges whatever comes and posts what it is told to."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from sandbox.slack.workspace.cast import MAIN_CHANNEL, Cast

Json = dict[str, Any]

APP = Cast().app
SECONDS = aiohttp.ClientTimeout(total=60)


class FakeBot:
    """Connects by Socket Mode; `received` gets each envelope, `answer` is what the next acks carry."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.received: asyncio.Queue[Json] = asyncio.Queue()

    async def serve(self) -> None:
        """Acknowledge envelopes until cancelled."""
        opened = await self.call("apps.connections.open", {}, APP.app_token)
        async with self._session.ws_connect(opened["url"]) as socket:
            async for message in socket:
                envelope = message.json()
                if "envelope_id" in envelope:
                    await socket.send_json({"envelope_id": envelope["envelope_id"]})
                    await self.received.put(envelope["payload"])

    async def post(self, kind: str, text: str, buttons: list[Json] | None = None, **told: object) -> Json:
        """Post a message of the bot in the main channel."""
        payload = {"outbox_id": text, "upgrade": "cluster-x-1", "kind": kind, **told}
        blocks = [{"type": "actions", "elements": buttons}] if buttons else []
        body = {"channel": MAIN_CHANNEL, "text": text, "blocks": blocks}
        metadata = {"event_type": "asm_upgrade_message", "event_payload": payload}
        return await self.call("chat.postMessage", {**body, "metadata": metadata})

    async def call(self, method: str, body: Json, token: str = APP.bot_token) -> Json:
        """Call the Web API. Raises AssertionError with Slack's error."""
        headers = {"Authorization": f"Bearer {token}"}
        request = self._session.post(f"{self._url}/api/{method}", json=body, headers=headers, timeout=SECONDS)
        async with request as response:
            answer: Json = await response.json()
        assert answer["ok"], answer
        return answer
