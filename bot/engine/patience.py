"""How long a step has waited, and when that is too long."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bot.journal.journal import LONGEST_PAUSE
from bot.journal.rows import UpgradeRow
from steps.contract.step import Ask, Blocked, Done, Outcome, Step, Waiting


def correct_wait(row: UpgradeRow, now: datetime) -> datetime:
    """Since when the step waits; time in which nobody looked (an outage, a clock set forward) is no waiting."""
    if row.waiting_since is None or row.due is None:
        return now
    unseen = now - row.due
    since = row.waiting_since + unseen if unseen > LONGEST_PAUSE else row.waiting_since
    return min(since, now)


def limit_patience(step: Step | None, row: UpgradeRow, outcome: Outcome, now: datetime) -> Outcome:
    """Turn a Waiting that is past its step's patience into Blocked."""
    if not isinstance(outcome, Waiting) or step is None or row.waiting_since is None:
        return outcome
    waited = now - row.waiting_since
    if waited <= step.patience:
        return outcome
    minutes = int(waited.total_seconds() // 60)
    return Blocked(
        f"{step.id} has waited for {minutes} min, longer than its patience: {outcome.why}",
        "Look at what it waits for. Retry waits again from now on; abort ends the upgrade.",
    )


def describe_outcome(outcome: Outcome) -> str:
    """The outcome's own sentence."""
    match outcome:
        case Done(sentence=sentence):
            return sentence
        case Waiting(why=why) | Blocked(why=why):
            return why
        case Ask(question=question):
            return question
        case _:
            assert_never(outcome)
