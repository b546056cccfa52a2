"""The Slack stand-in's page as a program uses it: each act is the same HTTP call that the page makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

Json = dict[str, Any]

CALL_SECONDS = 15.0
WAIT_SECONDS = 25.0
KINDS = "message,message_changed,ephemeral,views,connection,mode"


class ActRefused(Exception):
    """The stand-in did not carry an act out; the text says why."""


@dataclass(frozen=True)
class SlackPage:
    """One Slack stand-in at `url`."""

    session: aiohttp.ClientSession
    url: str

    async def state(self) -> Json:
        """Return everything that is on the page now, with the number of the last event as `seq`."""
        return await self._get("/ui/state", {}, CALL_SECONDS)

    async def events(self, after: int) -> AsyncIterator[Json]:
        """Yield what happens after event number `after`, as it happens. Ends when the stand-in ends."""
        while True:
            try:
                query = {"after": str(after), "timeout": str(WAIT_SECONDS), "kinds": KINDS}
                answer = await self._get("/ui/wait", query, WAIT_SECONDS + CALL_SECONDS)
            except aiohttp.ClientError:
                return
            for event in answer["events"]:
                after = int(event["seq"])
                yield event

    async def run_command(self, user: str, channel: str, text: str) -> Json:
        """Type a slash command. Raises ActRefused."""
        return await self._post("/ui/command", {"user": user, "channel": channel, "text": text})

    async def click(self, user: str, channel: str, ts: str, button: Json) -> Json:
        """Click a button of a message. Raises ActRefused."""
        body = {"user": user, "channel": channel, "ts": ts, "action_id": button["action_id"]}
        if "value" in button:
            body["value"] = button["value"]
        return await self._post("/ui/click", body)

    async def submit_view(self, user: str, view_id: str, values: Json) -> Json:
        """Submit an open modal. Raises ActRefused."""
        return await self._post("/ui/view-submit", {"user": user, "view_id": view_id, "values": values})

    async def use_http(self, url: str) -> Json:
        """Have payloads sent as signed requests to the bot's request URL. Raises ActRefused until it answers."""
        return await self._post("/ui/mode", {"mode": "http", "url": url})

    async def _get(self, path: str, query: dict[str, str], seconds: float) -> Json:
        limit = aiohttp.ClientTimeout(total=seconds)
        async with self.session.get(self.url + path, params=query, timeout=limit) as response:
            answer: Json = await response.json()
            return answer

    async def _post(self, path: str, body: Json) -> Json:
        limit = aiohttp.ClientTimeout(total=CALL_SECONDS)
        async with self.session.post(self.url + path, json=body, timeout=limit) as response:
            answer: Json = await response.json()
        if not answer.get("ok"):
            raise ActRefused(str(answer.get("notice") or answer.get("error") or f"HTTP {response.status}"))
        return answer
