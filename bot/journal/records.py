"""States of an upgrade and actions of people, as the journal keeps them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

UpgradeState: TypeAlias = Literal[
    "running", "asking", "blocked", "upgraded", "proposed", "aborted", "rolled back", "returned"
]
ENDED: frozenset[UpgradeState] = frozenset({"upgraded", "proposed", "aborted", "rolled back", "returned"})
Action: TypeAlias = Literal[
    "start",
    "approve",
    "deny",
    "pause",
    "resume",
    "retry",
    "abort",
    "rollback",
    "status",
    "history",
    "log",
    "help",
    "decide",
    "break-glass",
    "schedule",
    "extend",
    "snooze",
    "windows",
    "calendar",
    "move",
]
# Who gives orders on the command line of the bot's machine; no Slack id can look like it.
OPERATOR = "command-line"
# How the slot of the last line begins in a thread that an upgrade has left; the ts of its root follows.
FAREWELL = "farewell:"
# Who acts where nobody ordered it just then: the bot itself, in the audit.
BOT = "bot"


class MessagePlace(Struct, frozen=True, array_like=True):
    """A message in Slack; `thread` is the ts of its thread, "" where it is in none."""

    channel: str
    ts: str
    thread: str = ""


class StoreBroken(Exception):
    """The journal could not be read or written; nothing may be acted on any more."""


class JournalDamaged(StoreBroken):
    """The file holds no journal, or one that can't be read completely."""


def mark_journal(journal_id: str) -> str:
    """What a button says of the journal that it belongs to."""
    return journal_id[:8]
