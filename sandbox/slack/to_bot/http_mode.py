"""HTTP mode: the same payloads as signed POSTs to the bot's request URL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.to_bot.delivery import Ack
from sandbox.slack.to_bot.payloads import VERIFICATION_TOKEN, Payload


class HttpDelivery:
    """Posts payloads to one request URL, signed by the app's signing secret (X-Slack-Signature v0)."""

    def __init__(self, url: str, secret: str, ack_seconds: float) -> None:
        self.url = url
        self._ack_seconds = ack_seconds
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, payload: Payload) -> Ack:
        """Post one payload; the answer's body is the ack."""
        body, kind = encode(payload)
        return await self._post(body, kind, payload.retry_attempt, payload.retry_reason)

    async def verify(self) -> Ack:
        """Send the url_verification that Slack sends when a request URL is set."""
        challenge = hashlib.sha256(self.url.encode()).hexdigest()
        body = json.dumps({"type": "url_verification", "token": VERIFICATION_TOKEN, "challenge": challenge})
        ack = await self._post(body.encode(), "application/json")
        answered = ack.body.get("challenge") if isinstance(ack.body, dict) else ack.body
        if ack.ok and answered != challenge:
            return Ack(error="dispatch_failed", note="the request URL didn't answer with the challenge")
        return ack

    async def close(self) -> None:
        """Close the client session."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: bytes, kind: str, attempt: int = 0, reason: str = "") -> Ack:
        headers = sign(self._secret, body, int(time.time())) | {"Content-Type": kind, "User-Agent": "Slackbot 1.0"}
        if attempt:
            headers |= {
                "X-Slack-Retry-Num": str(attempt),
                "X-Slack-Retry-Reason": reason.replace("timeout", "http_timeout"),
            }
        try:
            async with asyncio.timeout(self._ack_seconds):
                async with self._client().post(self.url, data=body, headers=headers) as answer:
                    return _read_ack(answer.status, answer.content_type, await answer.text())
        except TimeoutError:
            return Ack(error="operation_timeout", note=f"no answer within {self._ack_seconds:g} s")
        except aiohttp.ClientError as error:
            return Ack(error="no_connection", note=f"{self.url}: {error}")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            # aiohttp would open 100 connections and let the rest of a crowd wait, which Slack does not.
            self._session = aiohttp.ClientSession(trust_env=False, connector=aiohttp.TCPConnector(limit=0))
        return self._session


def encode(payload: Payload) -> tuple[bytes, str]:
    """Return a payload's body and content type in HTTP mode."""
    match payload.kind:
        case "slash_commands":
            return urlencode(payload.body).encode(), "application/x-www-form-urlencoded"
        case "interactive":
            return urlencode({"payload": json.dumps(payload.body)}).encode(), "application/x-www-form-urlencoded"
        case "events_api":
            return json.dumps(payload.body).encode(), "application/json"


def sign(secret: str, body: bytes, now: int) -> dict[str, str]:
    """Return Slack's signature headers, version v0, for a body sent at `now` (Unix seconds)."""
    digest = hmac.new(secret.encode(), b"v0:%d:%b" % (now, body), hashlib.sha256).hexdigest()
    return {"X-Slack-Signature": f"v0={digest}", "X-Slack-Request-Timestamp": str(now)}


def _read_ack(status: int, kind: str, text: str) -> Ack:
    if status != 200:
        return Ack(error="dispatch_failed", note=f"the request URL answered {status}: {text[:200]}")
    if not text:
        return Ack()
    body: Any = text
    if kind == "application/json":
        try:
            body = json.loads(text)
        except json.JSONDecodeError:
            return Ack(error="dispatch_failed", note="the answer says JSON and is none")
    return Ack(body=body)
