"""Rows of the audit are CloudEvents that any receiver can read, and prove."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import jsonschema
import pytest

from bot.journal.audit import (
    KIND_OF,
    KINDS,
    Asked,
    AuditEvent,
    Consented,
    Decided,
    Ended,
    Fell,
    GlassBroken,
    Halted,
    Paused,
    describe_event,
    name_event,
    name_kind,
)
from bot.journal.chain import SealedRow, find_breaks, seal_row
from bot.journal.verifying import read_rows
from bot.settings.webhooks import Webhook
from bot.webhooks.events import CONTENT_TYPE, describe_row, sign_event, write_event
from tests.unit.bot.workbench import START

# What the specification asks of the JSON of an event, version 1.0.
CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1},
        "specversion": {"const": "1.0"},
        "type": {"type": "string", "minLength": 1},
        "datacontenttype": {"const": "application/json"},
        "subject": {"type": "string", "minLength": 1},
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "data": {"type": "object"},
    },
    "additionalProperties": False,
}
SECRET = b"s" * 24
WEBHOOK = Webhook("pager", "https://events.example/", SECRET)
EVENTS: list[tuple[AuditEvent, str]] = [
    (Asked("access/approve", 1, "9f", "Bind?"), "cluster-x-7 waits for an approval: Bind?"),
    (Halted("access/bind", 1, "it is forbidden", "Retry."), "cluster-x-7 is blocked: it is forbidden Retry."),
    (
        Fell("sidecars/restart", "shop/Deployment/web", 2, "CrashLoopBackOff"),
        "cluster-x-7: 2 pods of shop/Deployment/web did not get ready again: CrashLoopBackOff",
    ),
    (Ended("upgraded", "upgraded cluster-x"), "cluster-x-7: upgraded cluster-x"),
    (Decided("deny", "access/approve", 1, "9f", "not now"), "cluster-x-7: deny of access/approve by U0BEN: not now"),
    (
        GlassBroken("access/approve", 1, "9f", "down"),
        "cluster-x-7: break-glass of access/approve by U0BEN: down",
    ),
    (
        Consented("approve", "access/approve", 1, "9f", 2),
        "cluster-x-7: consent to approve of access/approve by U0BEN, 2 are needed",
    ),
    (Paused("access/bind", ""), "cluster-x-7: pause by U0BEN"),
]


def build_row(event: AuditEvent, before: str = "") -> SealedRow:
    """The event in the audit of cluster-x-7, by Ben."""
    said = SealedRow("cluster-x-7", 1_790_000_000.25, "U0BEN", name_event(event), describe_event(event))
    return seal_row(said, before)


@pytest.mark.parametrize(("event", "text"), EVENTS)
def test_an_event_is_what_the_specification_asks_for(event: AuditEvent, text: str) -> None:
    """With a sentence for people, and the row itself."""
    row = build_row(event)
    written = json.loads(write_event(row))
    jsonschema.validate(written, CLOUD_EVENT)
    assert written["data"]["text"] == text
    assert (written["id"], written["source"], written["subject"]) == (
        row.seal,
        "/asm-upgrade-bot/clusters/cluster-x",
        "cluster-x-7",
    )
    assert written["type"] == f"asm-upgrade.{name_kind(row.action)}"
    assert datetime.fromisoformat(written["time"]).timestamp() == row.at


def test_what_a_receiver_gathered_can_be_verified() -> None:
    """The rows of the events are the lines of an export."""
    rows: list[SealedRow] = []
    for event, _ in EVENTS:
        rows.append(build_row(event, rows[-1].seal if rows else ""))
    lines = [json.dumps(json.loads(write_event(row))["data"]["row"]) for row in rows]
    assert read_rows("\n".join(lines)) == rows
    assert find_breaks(read_rows("\n".join(lines))) == []


def test_an_event_is_written_the_same_whenever_it_is_sent_again() -> None:
    """With the id by which a receiver knows it already."""
    row = build_row(EVENTS[0][0])
    assert write_event(row) == write_event(row)


def test_a_row_that_can_not_be_read_is_told_all_the_same() -> None:
    """By what it is called and who did it."""
    row = SealedRow("cluster-x-7", 1.0, "U0BEN", "block", "[")
    assert describe_row(row) == "cluster-x-7: block by U0BEN"


def test_every_kind_is_some_actions() -> None:
    """Nobody can ask for a kind that never comes."""
    assert {*KIND_OF.values(), "decided", "consented"} == set(KINDS)


def test_the_signature_holds_for_id_time_and_bytes() -> None:
    """As standard-webhooks has it, so that its libraries check it."""
    body = write_event(build_row(EVENTS[0][0]))
    headers = sign_event(WEBHOOK, "the-id", body, START)
    said = f"the-id.{int(START.timestamp())}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET, said, hashlib.sha256).digest()).decode()
    assert headers == {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": "the-id",
        "webhook-timestamp": str(int(START.timestamp())),
        "webhook-signature": f"v1,{expected}",
    }


def test_a_collector_that_wants_a_token_gets_it() -> None:
    """Beside the signature; neither stands in what is printed of the webhook."""
    collector = Webhook("siem", "https://siem.example/", SECRET, "Splunk 0000-1111")
    assert sign_event(collector, "i", b"", START)["Authorization"] == "Splunk 0000-1111"
    assert "0000-1111" not in repr(collector)
    assert "sss" not in repr(collector)
