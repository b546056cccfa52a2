"""Pause, resume, retry and abort."""

from __future__ import annotations

from typing import assert_never

from bot.clicks.orders import Abort, Control, Pause, Resume, Retry
from bot.journal.records import OPERATOR
from bot.journal.rows import UpgradeRow
from bot.orders.decisions import Decisions
from bot.orders.targets import Refusal, Targets
from bot.orders.timetable import Timetable
from bot.people.rights import list_legal_actions, refuse_person
from bot.telling.phrases import describe_state, list_names
from bot.transitions import Transitions


class Controls:
    """Settles them; each joins the transaction of its caller. Raises Refusal."""

    def __init__(self, targets: Targets, transitions: Transitions, decisions: Decisions, timetable: Timetable) -> None:
        self._targets = targets
        self._transitions = transitions
        self._decisions = decisions
        self._timetable = timetable

    def control(self, order: Control, by: str) -> str:
        """Do what was ordered; answers what is told to the person."""
        row = self._find_allowed(order, by)
        match order:
            case Pause(reason=reason):
                self._transitions.pause(row, by, reason)
                return f"Paused {row.id}. `/asm-upgrade resume {row.cluster}` goes on."
            case Resume(reason=reason):
                self._transitions.resume(row, by, reason)
                return f"Resumed {row.id}."
            case Retry(reason=reason):
                self._transitions.retry(row, self._decisions.find_question(order, row), by, reason)
                return f"Retrying {row.step} of {row.id}."
            case Abort(reason=reason):
                return self._abort(row, by, reason)
            case _:
                assert_never(order)

    def _abort(self, row: UpgradeRow, by: str, reason: str) -> str:
        self._transitions.abort(row, by, reason)
        if not row.aborted_by:
            self._timetable.attach_calendar(row)
        return f"Aborting {row.id}: nothing more is started, and the thread says what is left behind."

    def _find_allowed(self, order: Control, by: str) -> UpgradeRow:
        row, cluster = self._targets.find_upgrade(order)
        if by != OPERATOR:
            refused = refuse_person(cluster.policy, order.action, by, row.requester, approving=False)
            if refused:
                raise Refusal(refused)
        legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
        if order.action not in legal:
            possible = f" Possible now: {list_names(legal)}." if legal else ""
            raise Refusal(f"Can't {order.action} {row.id}: {describe_state(row)}.{possible}")
        return row
