"""Upgrades with a schedule, ticked as the bot would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.schedule.tables import Reminder
from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Done, Outcome, Waiting
from steps.gates import pass_gate
from tests.unit.bot.workbench import ANA, START, Build, Engine

CHANNEL = "C0MESHOPS1"
LATER = {"date": "2026-12-03", "time": "02:00", "zone": "UTC", "for": "3h"}


def ask(ctx: Context) -> Outcome:
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


def scheduled(build: Build) -> Engine:
    """An upgrade that waits for an approval and is scheduled in two days."""
    engine = build(
        {
            "access/approve": ask,
            "access/bind": lambda _c: Done("bound"),
            "sidecars/restart": lambda _c: Waiting("x", 60),
        }
    )
    engine.add_upgrade(["access/approve", "access/bind", "sidecars/restart"])
    engine.runner.turn()
    engine.click("schedule", ANA, arguments=LATER)
    return engine


def tick_to(engine: Engine, moment: datetime, step: float = 1200) -> None:
    """Tick as the bot would, up to the moment."""
    while engine.clock.time < moment:
        engine.clock.time = min(moment, engine.clock.time + timedelta(seconds=step))
        engine.reminders.tick()
        deliver(engine)


def deliver(engine: Engine) -> None:
    """Slack takes everything."""
    for message in engine.outbox.list_unsent(engine.clock.now() + timedelta(days=1)):
        ts = message.ts or str(engine.clock.now().timestamp())
        engine.outbox.mark_sent(message.id, ts, message.revision, engine.clock.now())


def posted(engine: Engine, channel: str = CHANNEL) -> list[Mapping[str, Any]]:
    """The bodies of the reminders in a channel, in order; those withdrawn before they were posted left out."""
    rows = engine.store.read("select * from outbox where kind = 'reminder' and channel = ? order by seq", [channel])
    return [json.loads(row["body"]) for row in rows if row["ts"] or row["sent_revision"] < row["revision"]]


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=START.tzinfo)


def add_many(engine: Engine, count: int) -> None:
    """Upgrades of so many clusters, each with a reminder that is due now."""
    for number in range(count):
        row = engine.add_upgrade(["access/approve"], f"cluster-{number}")
        due = engine.clock.now()
        engine.schedules.add_reminders([Reminder(0, row.id, "before", due, due + timedelta(hours=1))])
