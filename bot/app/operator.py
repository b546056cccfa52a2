"""Orders from the command line of the bot's machine, for when Slack is away: pause, resume, abort."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.journal.records import OPERATOR, Action, Click
from bot.journal.rows import encode_json
from bot.journal.store import OrderedStore

WAIT_SECONDS = 12.0
LOOK_SECONDS = 0.2


def give_order(
    path: Path,
    action: Action,
    target: str,
    reason: str,
    pause: Callable[[float], None] = time.sleep,
    wait_seconds: float = WAIT_SECONDS,
) -> str:
    """Put the order into the journal as a click and return the running bot's answer, "" where none came in time.

    A bot that doesn't run takes it up when it starts. Raises StoreBroken.
    """
    click = Click(f"order-{secrets.token_hex(8)}", action, OPERATOR, datetime.now(UTC), target=target, reason=reason)
    store = OrderedStore(path)
    try:
        with store.transact() as db:
            db.execute(
                "insert into clicks (id, body, received_at) values (?, ?, ?)",
                [click.id, encode_json(click), click.received_at.timestamp()],
            )
        for _ in range(int(wait_seconds / LOOK_SECONDS)):
            rows = store.read("select answer from clicks where id = ? and settled_at is not null", [click.id])
            if rows:
                return str(rows[0]["answer"])
            pause(LOOK_SECONDS)
    finally:
        store.close()
    return ""
