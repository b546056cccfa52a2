"""Pause, resume, retry and abort, and the order to take an upgrade back."""

from __future__ import annotations

import re
from datetime import datetime
from typing import assert_never

from bot.clicks.orders import Abort, Control, Pause, Relocate, Resume, Retry, Rollback
from bot.clock import Clock
from bot.journal.journal import LONGEST_WAIT, Journal
from bot.journal.records import ENDED, OPERATOR
from bot.journal.rows import UpgradeRow
from bot.orders.decisions import Decisions
from bot.orders.targets import Refusal, Targets
from bot.orders.timetable import Timetable
from bot.people.rights import list_legal_actions, refuse_person
from bot.returns import Returns
from bot.settings.clusters import Cluster
from bot.telling.phrases import describe_state, list_names, mention
from bot.transitions import Transitions, is_landing
from steps.contract.wording import describe_seconds, name_phase

CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}")
# Proposals, and ways back that were aborted, may stand between an upgrade and the order that takes it back.
LOOKED_AT = 10_000
ADD_RELEASE = "add one to the folder that ASM_UPGRADE_RELEASES names"


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
                return f"Retrying {name_phase(row.step)} of {row.id}."
            case Abort(reason=reason):
                return self._abort(row, by, reason)
            case Relocate(channel=channel):
                return self._move(row, channel, by)
            case _:
                assert_never(order)

    def _abort(self, row: UpgradeRow, by: str, reason: str) -> str:
        self._transitions.abort(row, by, reason)
        if not row.aborted_by:
            self._timetable.attach_calendar(row)
        return f"Aborting {row.id}: nothing more is started, and the thread says what is left behind."

    def _move(self, row: UpgradeRow, channel: str, by: str) -> str:
        if not CHANNEL_ID.fullmatch(channel):
            raise Refusal(f"Name the channel as Slack links it, or by its id: `/asm-upgrade move {row.cluster} #NAME`.")
        if channel == row.channel:
            raise Refusal(f"{row.id} is told in <#{channel}> already.")
        self._transitions.relocate(row, channel, by)
        return (
            f"{row.id} goes on in <#{channel}>, with its root and what is asked anew. If that channel does not take "
            "it, those who can act are told directly; a private one has to invite the bot first."
        )

    def _find_allowed(self, order: Control, by: str) -> UpgradeRow:
        row, cluster = self._targets.find_upgrade(order)
        if by != OPERATOR:
            refused = refuse_person(cluster.policy, order.action, by, row.requester, approving=False)
            if refused:
                raise Refusal(refused)
        legal = list_legal_actions(row.state, bool(row.paused_by), bool(row.aborted_by))
        legal = (*legal, "move") if row.state not in ENDED else legal
        if order.action not in legal:
            possible = f" Possible now: {list_names(legal)}." if legal else ""
            raise Refusal(f"Can't {order.action} {row.id}: {describe_state(row)}.{possible}")
        return row


class Rollbacks:
    """Settles orders to take an upgrade back; each joins the transaction of its caller. Raises Refusal."""

    def __init__(
        self,
        targets: Targets,
        journal: Journal,
        returns: Returns,
        transitions: Transitions,
        clock: Clock,
        timetable: Timetable,
    ) -> None:
        self._targets = targets
        self._journal = journal
        self._returns = returns
        self._transitions = transitions
        self._clock = clock
        self._timetable = timetable

    def roll_back(self, order: Rollback, by: str, received_at: datetime) -> str:
        """Take back the upgrade that was named, or the cluster's last; answers what is told to the person."""
        row, cluster = self._find(order)
        refused = (
            "" if by == OPERATOR else refuse_person(cluster.policy, "rollback", by, row.requester, approving=False)
        )
        refused = refused or self._refuse(row) or self._refuse_late(row, received_at)
        if refused:
            raise Refusal(refused)
        reason = order.reason.strip()
        if not reason:
            raise Refusal(f"Say why: `/asm-upgrade rollback {row.cluster} REASON`. The reason stands in the thread.")
        cover = self._returns.find_cover(row, self._clock.now())
        asks = "It asks only where it would do what nobody foresaw." if cover else "Its gates ask the approvers."
        if row.state in ENDED:
            back = self._transitions.begin_return(row, by, reason)
            return f"{back.id} takes {row.cluster} back to {back.release}. {asks} Its thread is in <#{back.channel}>."
        self._transitions.roll_back(row, by, reason)
        self._timetable.attach_calendar(row)
        return f"Taking back {row.id}: what runs is let end, then the way back begins in a thread of its own. {asks}"

    def _find(self, order: Rollback) -> tuple[UpgradeRow, Cluster]:
        named = self._journal.find_upgrade(order.target) if order.target else None
        cluster = self._targets.find_cluster(named.cluster if named else order.target)
        last = named or next(filter(self._returns.has_written, self._list_upgrades(cluster.key)), None)
        row = last or self._journal.find_open_upgrade(cluster.key)
        if row is None:
            raise Refusal(f"No upgrade of {cluster.key} has changed it, so there is nothing to take back.")
        return row, self._targets.find_cluster_of(row)

    def _list_upgrades(self, cluster: str) -> list[UpgradeRow]:
        return self._journal.list_upgrades(cluster, LOOKED_AT)

    def _refuse_late(self, row: UpgradeRow, received_at: datetime) -> str:
        """Why an order counts no more that lay while no bot ran: who gave it saw another cluster."""
        lay = self._clock.now() - received_at
        if lay <= LONGEST_WAIT:
            return ""
        return (
            f"Your order was received at {received_at:%Y-%m-%d %H:%M} UTC and could be looked at only "
            f"{describe_seconds(lay.total_seconds())} later, so nothing is taken back. See where it stands "
            f"(`/asm-upgrade status {row.cluster}`), then order it again."
        )

    def _refuse(self, row: UpgradeRow) -> str:
        """Why this upgrade can't be taken back, "" where it can."""
        if row.takes_back:
            return f"{row.id} is a way back itself: `/asm-upgrade start {row.cluster}` upgrades again."
        if not self._returns.has_written(row):
            return f"{row.id} has written nothing to the control plane, so there is nothing to take back."
        if is_landing(row):
            return f"{row.id} is being taken back by {mention(row.aborted_by)} already: what runs is let end first."
        if row.aborted_by and row.state not in ENDED:
            return f"{row.id} is being ended by {mention(row.aborted_by)}: order the way back once it has ended."
        busy = self._journal.find_open_upgrade(row.cluster)
        if busy and busy.id != row.id:
            return f"{row.cluster} has the upgrade {busy.id} under way: `/asm-upgrade status {row.cluster}` shows it."
        later = next((one for one in self._list_upgrades(row.cluster) if self._is_later(one, row)), None)
        if later:
            return f"{row.id} is not the last that changed {row.cluster}: {later.id} came after it ({later.state})."
        if not self._returns.knows_source(row):
            source = self._returns.name_source(row)
            return f"The bot has no file for the release {source}, so it knows no way back to it: {ADD_RELEASE}."
        return ""

    def _is_later(self, one: UpgradeRow, row: UpgradeRow) -> bool:
        """Whether it changed the cluster after the upgrade; a way back that was aborted may be ordered again."""
        return one.number > row.number and (one.state == "returned" or self._returns.has_written(one))
