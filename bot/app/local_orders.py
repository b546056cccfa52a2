"""Orders from the command line of the bot's machine, for when Slack is away or a channel is lost."""

from __future__ import annotations

import os
import pwd
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import click
from msgspec.structs import replace

from bot.app.keys import open_key
from bot.clicks.clicks import Click, Clicks
from bot.clicks.orders import Abort, Local, Pause, Relocate, Resume, Rollback
from bot.clock import Clock, SystemClock
from bot.journal.journal import JournalView
from bot.journal.proofs import Key
from bot.journal.records import OPERATOR
from bot.journal.rows import UpgradeRow
from bot.journal.store import OrderedStore, StoredCopy
from bot.likeness import suggest
from bot.settings.environment import read_key_place
from bot.windows.appointments import clean_word
from handlers.typed import bare_name, bare_word

WAIT_SECONDS = 12.0
LOOK_SECONDS = 0.2


def order_here(path: Path, order: Local) -> str:
    """Give an order with the key that the bot of this account has. Raises StoreBroken or ConfigError."""
    return give_order(path, order, open_key(read_key_place()), SystemClock())


def ask_why(question: str, reason: Sequence[str], yes: bool) -> str:
    """What a person at the terminal gives as the reason, once they have said yes, with whose account that was."""
    if not yes:
        click.confirm(question, abort=True)
    return f"{' '.join(reason) or click.prompt('Why?')} {name_account()}"


def name_account() -> str:
    """Who gives an order on the bot's machine, by the machine's own accounts."""
    number = os.getuid()
    try:
        return f"(as {pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"(as user {number})"


def bare_target(order: Local) -> Local:
    """The order with its target, and where it names one its channel, cleaned up as after /asm-upgrade."""
    bare = replace(order, target=bare_name(order.target))
    return replace(bare, channel=bare_word(bare.channel).upper()) if isinstance(bare, Relocate) else bare


def find_unknown(path: Path, target: str) -> str:
    """Why an order can't be about this target, "" where it can. Raises StoreBroken."""
    with closing(StoredCopy(path)) as copy:
        journal = JournalView(copy)
        if _find_row(journal, target):
            return ""
        known = dict.fromkeys(name for row in journal.list_upgrades() for name in (row.cluster, row.id))
    meant = suggest(target, known).replace("`", "")
    told = f"there is no upgrade {clean_word(target)}, and none of a cluster called so.{meant}"
    return f"{told} `asm-upgrade status` lists the open ones"


def is_obeyed(path: Path, order: Local) -> bool:
    """Whether the journal now shows what an answered order asked for. Raises StoreBroken."""
    with closing(StoredCopy(path)) as copy:
        journal = JournalView(copy)
        row = _find_row(journal, order.target)
        return row is not None and _is_so(journal, row, order)


def _is_so(journal: JournalView, row: UpgradeRow, order: Local) -> bool:
    match order:
        case Pause():
            return bool(row.paused_by)
        case Resume():
            return row.ended_at is None and not row.paused_by
        case Abort():
            return bool(row.aborted_by)
        case Rollback():
            return bool(row.takes_back or journal.find_return(row.id))
        case Relocate(channel=channel):
            return row.channel == channel


def _find_row(journal: JournalView, target: str) -> UpgradeRow | None:
    """The upgrade with this id, or the open or else the latest one of this cluster."""
    found = journal.find_upgrade(target) or journal.find_open_upgrade(target)
    return found or next(iter(journal.list_upgrades(target, 1) if target else []), None)


def give_order(
    path: Path,
    order: Local,
    key: Key,
    clock: Clock,
    pause: Callable[[float], None] = time.sleep,
    wait_seconds: float = WAIT_SECONDS,
) -> str:
    """Put the order into the journal as a click and return the running bot's answer, "" where none came in time.

    If no bot runs, the next one takes it up when it starts; a way back only if that is soon. Raises StoreBroken.
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
