"""A person's order as it was received, the doors it may come through, and how it is written down and read again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, assert_never

import msgspec
from sqlite_utils import Database

from bot.clicks.orders import (
    READINGS,
    Extend,
    Order,
    ReadHelp,
    Relocate,
    Schedule,
    Snooze,
    Start,
    StartOptions,
    choose_order,
)
from bot.journal.proofs import prove_rows
from bot.journal.records import OPERATOR, Action
from bot.journal.store import OrderedStore, Row, Store
from bot.windows.appointments import Written

Door: TypeAlias = Literal[
    "command", "button", "form", "home", "reminder", "file", "mention", "shortcut", "command line"
]
_BY_BUTTON: frozenset[Action] = frozenset(
    {"approve", "deny", "decide", "pause", "resume", "retry", "abort", "rollback"}
)
_BY_WORDS: frozenset[Action] = _BY_BUTTON | {
    "start",
    "break-glass",
    "schedule",
    "extend",
    "move",
    "windows",
    "calendar",
    "status",
    "history",
    "log",
    "help",
}
# What may be ordered through each door; anything else is refused there.
DOORS: Mapping[Door, frozenset[Action]] = {
    "command": _BY_WORDS,
    # the bot's name in a message, and the line asked for by the shortcut in a message's menu
    "mention": _BY_WORDS,
    "shortcut": _BY_WORDS,
    # whoever typed that they break the glass of a production cluster is given a button
    "button": _BY_BUTTON | {"break-glass"},
    "form": _BY_BUTTON | {"start", "schedule"},
    "home": _BY_BUTTON,
    "reminder": frozenset({"snooze"}),
    # a start whose form had files with it
    "file": frozenset({"start"}),
    "command line": frozenset({"pause", "resume", "abort", "rollback", "move"}),
}


class Click(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's order as received from Slack or the command line, before anything is decided about it.

    `id` makes a redelivery harmless. `answer_to` is Slack's response_url, "" where there is none. `team` is the
    person's own workspace. `journal` is the mark of the bot whose button was pressed, "" where it has none; `thread`
    the ts of the thread that it was said in, "" where it was in none.
    """

    id: str
    user: str
    received_at: datetime
    order: Order
    team: str = ""
    channel: str = ""
    answer_to: str = ""
    door: Door = "command"
    journal: str = ""
    thread: str = ""


@dataclass(frozen=True)
class BadClick:
    """A click that this version of the bot can't read."""

    id: str
    fault: Exception


class ForgedClick(Exception):
    """A row of the journal that has no proof of this bot's."""


class FlatClick(msgspec.Struct, frozen=True):
    """A click as earlier versions wrote it: one shape for all actions."""

    id: str
    action: Action
    user: str
    received_at: datetime
    target: str = ""
    step: str = ""
    generation: int = 0
    choice: str = ""
    reason: str = ""
    team: str = ""
    channel: str = ""
    answer_to: str = ""
    arguments: Mapping[str, object] = {}


class Clicks:
    """The clicks in the journal's file. Each method joins the transaction of its caller or is one of its own."""

    def __init__(self, store: Store | OrderedStore) -> None:
        self._store = store

    def transact(self) -> AbstractContextManager[Database]:
        """One transaction over everything that is written inside."""
        return self._store.transact()

    def add(self, click: Click) -> bool:
        """Commit a click as received; False where its id was seen before."""
        with self._store.transact() as db:
            added = db.execute(
                "insert or ignore into clicks (id, body, received_at) values (?, ?, ?)",
                [click.id, encode_click(click), click.received_at.timestamp()],
            )
            if added.rowcount != 1:
                return False
            prove_rows(db, self._store.key, "clicks", "id = ?", [click.id])
            return True

    def list_unsettled(self) -> list[Click | BadClick]:
        """Clicks that nobody has answered yet, in order of arrival."""
        rows = self._store.read("select id, body, proof from clicks where settled_at is null order by seq")
        return [self._read_click(row) for row in rows]

    def settle(self, click_id: str, answer: str, now: datetime) -> None:
        """Record the answer that a click got."""
        with self._store.transact() as db:
            db.execute("update clicks set settled_at = ?, answer = ? where id = ?", [now.timestamp(), answer, click_id])

    def _read_click(self, row: Row) -> Click | BadClick:
        if not self._store.key.holds("clicks", row):
            return BadClick(row["id"], ForgedClick("this bot did not write the click, or its key was lost since"))
        try:
            return decode_click(row["body"])
        except (msgspec.MsgspecError, ValueError) as fault:
            return BadClick(row["id"], fault)

    def find_answer(self, click_id: str) -> str | None:
        """The answer that a click got, None while it is not settled."""
        rows = self._store.read("select answer from clicks where id = ? and settled_at is not null", [click_id])
        return str(rows[0]["answer"]) if rows else None


def encode_click(click: Click) -> str:
    """A click as the journal keeps it."""
    return msgspec.json.encode(click).decode()


def decode_click(body: str) -> Click:
    """A click as any version of the bot wrote it. Raises msgspec.DecodeError."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if "order" in fields:
        return msgspec.json.decode(body, type=Click)
    return unfold_click(msgspec.json.decode(body, type=FlatClick))


def unfold_click(flat: FlatClick) -> Click:
    """The click that earlier versions wrote flat."""
    door: Door = "command line" if flat.user == OPERATOR else "reminder" if flat.action == "snooze" else "command"
    order = _unfold_order(flat)
    return Click(flat.id, flat.user, flat.received_at, order, flat.team, flat.channel, flat.answer_to, door)


def _unfold_order(flat: FlatClick) -> Order:
    match flat.action:
        case "approve" | "deny" | "decide" | "break-glass" | "retry" | "pause" | "resume" | "abort" | "rollback":
            made = choose_order(flat.action, flat.choice, flat.target, flat.step, flat.generation, flat.reason)
            return made or ReadHelp(flat.target)
        case "start":
            return Start(flat.target, convert_options(flat.arguments))
        case "schedule":
            return Schedule(flat.target, _read_written(flat.arguments), convert_options(flat.arguments))
        case "extend":
            return Extend(flat.target, flat.choice, flat.reason)
        case "snooze":
            place = str(flat.arguments.get("place") or "")
            return Snooze(flat.target, int(str(flat.arguments.get("reminder") or 0)), place, int(flat.choice or 0))
        case "move":
            return Relocate(flat.target, flat.choice)
        case "windows" | "calendar" | "status" | "history" | "log" | "help":
            return READINGS[flat.action](flat.target)
        case _:
            assert_never(flat.action)


def convert_options(arguments: Mapping[str, object]) -> StartOptions:
    """The options of a start among words by name; names that are no option are kept as such."""
    known = {field.encode_name for field in msgspec.structs.fields(StartOptions)} - {"unknown"}
    unknown = tuple(name for name in arguments if name not in known | _WHEN.keys())
    given = {name: value for name, value in arguments.items() if name in known}
    return msgspec.convert({**given, "unknown": unknown}, StartOptions)


_WHEN: Mapping[str, str] = {"date": "date", "time": "time", "zone": "zone", "for": "length"}


def _read_written(arguments: Mapping[str, object]) -> Written:
    return Written(**{field: str(arguments.get(name) or "") for name, field in _WHEN.items()})
