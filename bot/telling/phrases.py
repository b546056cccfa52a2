"""Small pieces of the sentences that people are answered with."""

from __future__ import annotations

from collections.abc import Iterable

from bot.journal.records import ENDED, OPERATOR
from bot.journal.rows import UpgradeRow


def describe_state(row: UpgradeRow) -> str:
    """Where an upgrade stands, as the second half of a sentence."""
    if row.state in ENDED:
        return f"it is {row.state}"
    if row.paused_by:
        return f"it is paused by {mention(row.paused_by)}"
    words = {"running": "it is running", "asking": "it waits for an approval", "blocked": "it is blocked"}
    return f"{words[row.state]} at {row.step}"


def name_done(choice: str) -> str:
    """The past of a choice: approve becomes approved."""
    words = {"approve": "approved", "deny": "denied", "retry": "retried", "skip": "skipped"}
    return words.get(choice, f"{choice}ed" if not choice.endswith("e") else f"{choice}d")


def mention(user: str) -> str:
    """A person in a sentence, or the command line of the bot's machine."""
    return "the command line" if user == OPERATOR else f"<@{user}>"


def list_names(names: Iterable[str]) -> str:
    """Names with commas between them, or none."""
    return ", ".join(names) or "none"
