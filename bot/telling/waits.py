"""For how long an upgrade waited for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.journal.rows import Question


def count_waits(questions: Sequence[Question], began: datetime, ended: datetime) -> float:
    """The seconds in which it waited; questions that were open at the same time count once."""
    waited, until = 0.0, began
    for asked_at, answered_at in sorted(find_wait(one, questions, ended) for one in questions):
        waited += max((answered_at - max(asked_at, until)).total_seconds(), 0.0)
        until = max(until, answered_at)
    return waited


def find_wait(question: Question, questions: Sequence[Question], ended: datetime) -> tuple[datetime, datetime]:
    """From when to when the question stood open; one that another took the place of, until that one was there."""
    if question.decided_at:
        return question.asked_at, question.decided_at
    later = [one.asked_at for one in questions if one.generation > question.generation]
    return question.asked_at, min(later, default=ended)
