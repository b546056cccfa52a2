"""Delivery of payloads to the bot: the ack in three seconds, whatever the mode."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.slack.to_bot.payloads import Payload
from sandbox.slack.workspace.faults import Faults
from sandbox.slack.workspace.inspector import Inspector

# Why an event is delivered again, as Socket Mode's envelopes say it; HTTP mode says http_timeout for the first.
REASONS = {"operation_timeout": "timeout", "no_connection": "connection_failed", "dispatch_failed": "http_error"}
ACK_SECONDS = 3.0  # docs.slack.dev: acknowledge within three seconds


@dataclass(frozen=True)
class Ack:
    """What came back: `error` is empty, no_connection, operation_timeout or dispatch_failed."""

    ms: float = 0.0
    body: Any = None
    error: str = ""
    note: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the bot acknowledged in time."""
        return not self.error


class Delivery(Protocol):
    """A way to the bot."""

    async def deliver(self, payload: Payload) -> Ack:
        """Hand one payload over and wait for its ack."""
        ...


class Courier:
    """Delivers by the mode that is set, with faults, records each exchange, and redelivers events."""

    def __init__(
        self, inspector: Inspector, faults: Faults, delivery: Delivery, retry_seconds: tuple[float, ...]
    ) -> None:
        self._inspector = inspector
        self._faults = faults
        self._retry_seconds = retry_seconds
        self._running: set[asyncio.Task[Any]] = set()
        self.delivery = delivery

    async def deliver(self, payload: Payload) -> Ack:
        """Deliver and return the ack; an Events API payload without an ack comes again later."""
        if self._faults.take(frozenset({"lost_envelope"}), payload.kind):
            ack = Ack(error="no_connection", note="lost on its way to the bot, as a fault asked")
            self._record(payload, ack, "lost_envelope")
            return ack
        if self._faults.take(frozenset({"duplicate"}), payload.kind):
            again = Payload(payload.kind, payload.body, payload.accepts_response, 1, "timeout")
            self.begin(self._deliver_once(again, "duplicate"))
        ack = await self._deliver_once(payload)
        if payload.kind == "events_api" and not ack.ok:
            self.begin(self._redeliver(payload, ack.error))
        return ack

    def begin(self, work: Any) -> None:
        """Run a coroutine besides; `close` cancels it."""
        started = asyncio.ensure_future(work)
        self._running.add(started)
        started.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel redeliveries."""
        for started in list(self._running):
            started.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _redeliver(self, payload: Payload, reason: str) -> None:
        for attempt, pause in enumerate(self._retry_seconds, start=1):
            await asyncio.sleep(pause)
            why = REASONS.get(reason, "unknown_error")
            again = Payload(payload.kind, payload.body, payload.accepts_response, attempt, why)
            if (await self._deliver_once(again)).ok:
                return

    async def _deliver_once(self, payload: Payload, fault: str = "") -> Ack:
        began = time.perf_counter()
        ack = await self.delivery.deliver(payload)
        timed = Ack(round((time.perf_counter() - began) * 1000, 1), ack.body, ack.error, ack.note)
        self._record(payload, timed, fault)
        return timed

    def _record(self, payload: Payload, ack: Ack, fault: str = "") -> None:
        note = " ".join(filter(None, (ack.error, ack.note)))
        self._inspector.add(
            "envelope",
            payload.name,
            ok=ack.ok,
            ms=ack.ms,
            request={"type": payload.kind, "payload": payload.body, "retry_attempt": payload.retry_attempt},
            response=ack.body,
            note=note,
            fault=fault,
        )
