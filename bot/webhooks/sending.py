"""Sends one webhook what the audit has for it: in order, at least once, with growing pauses, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.deliveries import Deliveries, Delivery
from bot.journal.store import StoreBroken
from bot.settings.webhooks import Webhook
from bot.webhooks.events import Headers, sign_event, write_event
from steps.contract.errors import StepError, TryAgain

# Seconds; the last one is repeated.
PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
LONGEST_TRYING = timedelta(hours=24)
BATCH = 20
log = structlog.get_logger(__name__)


class WebhookSender:
    """One webhook, on a thread of its own. `post` raises TryAgain or GiveUp where an event was not taken."""

    def __init__(
        self, webhook: Webhook, deliveries: Deliveries, post: Callable[[str, Headers, bytes], None], clock: Clock
    ) -> None:
        self._webhook = webhook
        self._deliveries = deliveries
        self._post = post
        self._clock = clock
        deliveries.begin(webhook.name)

    def turn(self) -> float | None:
        """Send what is due; answers in how many seconds something else may be, None where nothing waits."""
        name = self._webhook.name
        self._deliveries.take_up(name, self._webhook.kinds, self._clock.now())
        for delivery in self._deliveries.list_due(name, self._clock.now(), BATCH):
            if not self._deliver(delivery):
                break
        due = self._deliveries.find_next_due(name)
        return None if due is None else max(0.0, (due - self._clock.now()).total_seconds())

    def _deliver(self, delivery: Delivery) -> bool:
        """Whether the others may be tried now."""
        try:
            body = write_event(delivery.row)
            self._post(self._webhook.url, sign_event(self._webhook, delivery.row.seal, body, self._clock.now()), body)
        except StoreBroken:
            raise
        except StepError as fault:
            self._put_off(delivery, str(fault))
            return not isinstance(fault, TryAgain)
        except Exception as fault:
            incident = note_incident("webhook_failed", fault, webhook=self._webhook.name)
            self._put_off(delivery, f"a fault of the bot itself (incident {incident})")
            return True
        self._deliveries.mark_delivered(delivery)
        return True

    def _put_off(self, delivery: Delivery, why: str) -> None:
        now = self._clock.now()
        if now - delivery.created_at >= LONGEST_TRYING:
            log.error("webhook_event_given_up", webhook=self._webhook.name, upgrade=delivery.row.upgrade, why=why)
            self._deliveries.give_up(delivery, why)
            return
        self._deliveries.defer(delivery, choose_next(delivery.attempts, now), why)


def choose_next(attempts: int, now: datetime) -> datetime:
    """When to try again after this many earlier attempts."""
    return now + timedelta(seconds=PAUSES[min(attempts, len(PAUSES) - 1)])
