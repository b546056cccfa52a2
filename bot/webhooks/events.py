"""A row of the audit as a CloudEvent (1.0, structured JSON), signed as standard-webhooks does it. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from bot.journal.audit import (
    Asked,
    AuditEvent,
    Consented,
    Decided,
    Ended,
    Fell,
    GlassBroken,
    Halted,
    name_kind,
    read_event,
)
from bot.journal.chain import SealedRow
from bot.settings.webhooks import Webhook

CONTENT_TYPE = "application/cloudevents+json"
TYPE_PREFIX = "asm-upgrade."
SOURCE = "/asm-upgrade-bot/clusters/"
Headers: TypeAlias = Mapping[str, str]


def write_event(row: SealedRow) -> bytes:
    """The event's JSON, the same bytes whenever it is written. `data.row` is what `verify` reads as a line."""
    cluster = row.upgrade.rpartition("-")[0]
    event = {
        "specversion": "1.0",
        "id": row.seal,
        "source": f"{SOURCE}{cluster}",
        "type": f"{TYPE_PREFIX}{name_kind(row.action)}",
        "subject": row.upgrade,
        "time": datetime.fromtimestamp(row.at, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"cluster": cluster, "text": describe_row(row), "row": asdict(row)},
    }
    return msgspec.json.encode(event)


def sign_event(webhook: Webhook, seal: str, body: bytes, now: datetime) -> Headers:
    """The headers of one delivery; the signature holds for id, time and bytes."""
    at = str(int(now.timestamp()))
    mac = hmac.new(webhook.secret, f"{seal}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": seal,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    return {**headers, "Authorization": webhook.authorization} if webhook.authorization else headers


def describe_row(row: SealedRow) -> str:
    """The row in one sentence; one that can't be read by its action and who did it."""
    try:
        return _describe_event(row, read_event(row.action, row.detail))
    except (ValueError, TypeError):
        return f"{row.upgrade}: {row.action} by {row.actor}"


def _describe_event(row: SealedRow, event: AuditEvent) -> str:
    match event:
        case Asked(said=said):
            return f"{row.upgrade} waits for an approval: {said}"
        case Halted(said=said, remedy=remedy):
            return f"{row.upgrade} is blocked: {said} {remedy}".strip()
        case Fell(workload=workload, pods=pods, reason=reason):
            return f"{row.upgrade}: {pods} pods of {workload} did not get ready again: {reason}"
        case Ended(said=said):
            return f"{row.upgrade}: {said}"
        case Decided(step=step, reason=reason) | GlassBroken(step=step, reason=reason):
            because = f": {reason}" if reason else ""
            return f"{row.upgrade}: {row.action} of {step} by {row.actor}{because}"
        case Consented(step=step, of=of):
            return f"{row.upgrade}: {row.action} of {step} by {row.actor}, {of} are needed"
        case _:
            return f"{row.upgrade}: {row.action} by {row.actor}"
