"""Orders from the command line of the bot's machine, for when Slack is away: pause, resume, abort, rollback."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from bot.app.keys import open_key
from bot.clicks.clicks import Click, Clicks
from bot.clicks.orders import Abort, Pause, Resume, Rollback
from bot.clock import Clock, SystemClock
from bot.journal.proofs import Key
from bot.journal.records import OPERATOR
from bot.journal.store import OrderedStore
from bot.settings.environment import read_key_place

WAIT_SECONDS = 12.0
LOOK_SECONDS = 0.2


def order_here(path: Path, order: Pause | Resume | Abort | Rollback) -> str:
    """Give an order with the key that the bot of this account has. Raises StoreBroken or ConfigError."""
    return give_order(path, order, open_key(read_key_place()), SystemClock())


def give_order(
    path: Path,
    order: Pause | Resume | Abort | Rollback,
    key: Key,
    clock: Clock,
    pause: Callable[[float], None] = time.sleep,
    wait_seconds: float = WAIT_SECONDS,
) -> str:
    """Put the order into the journal as a click and return the running bot's answer, "" where none came in time.

    A bot that doesn't run takes it up when it starts; a way back only where that is soon. Raises StoreBroken.
    """
    click = Click(f"order-{secrets.token_hex(8)}", OPERATOR, clock.now(), order, door="command line")
    store = OrderedStore(path, key)
    clicks = Clicks(store)
    try:
        clicks.add(click)
        for _ in range(int(wait_seconds / LOOK_SECONDS)):
            answer = clicks.find_answer(click.id)
            if answer is not None:
                return answer
            pause(LOOK_SECONDS)
    finally:
        store.close()
    return ""
