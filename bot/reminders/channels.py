"""Tells people directly where a channel takes none of their upgrades' messages: nobody else would notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.clock import Clock
from bot.journal.bodies import Body, MilestoneBody, NoticeBody, Unheard
from bot.journal.deliveries import FailingChannel
from bot.journal.journal import Journal
from bot.journal.outbox import Outbox, name_notice
from bot.journal.rows import UpgradeRow
from bot.telling.chronicle import Chronicle
from bot.telling.endings import add_unheard, leave_out_heard

# For so long what is new is added to the message that is there, which calls nobody a second time.
GATHERED = timedelta(hours=1)


@dataclass(frozen=True)
class Silence:
    """A channel that takes nothing, and the open upgrades of which it has something to hear, for one person."""

    channel: str
    user: str
    why: str
    upgrades: Sequence[Unheard]


class ChannelWatch:
    """`tick` writes to who asked for upgrades and to their approvers: one message a channel, whatever its upgrades.

    Each upgrade is told of once for each time that its channel fails.
    """

    def __init__(self, journal: Journal, outbox: Outbox, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._outbox = outbox
        self._chronicle = chronicle
        self._clock = clock

    def tick(self) -> None:
        """Tell of each channel that fails; what works again is told as over, and may be told of anew."""
        failing = [(one, row) for one in self._outbox.list_unwritable() if (row := self._find_open(one.upgrade))]
        with self._journal.transact():
            # whoever is called: nobody may be known for a while, and the channel is as it was
            self._end({(one.channel, one.upgrade) for one, _ in failing})
            for silence in self._list_silences(failing):
                self._tell(silence, self._clock.now())

    def _find_open(self, upgrade: str) -> UpgradeRow | None:
        row = self._journal.find_upgrade(upgrade)
        return row if row and row.ended_at is None else None

    def _list_silences(self, failing: Sequence[tuple[FailingChannel, UpgradeRow]]) -> list[Silence]:
        found: dict[tuple[str, str], list[Unheard]] = {}
        whys: dict[str, str] = {}
        for one, row in failing:
            whys.setdefault(one.channel, one.why)
            unheard = Unheard(row.id, row.cluster, self._outbox.read_thread(row.id)[1])
            for user in self._chronicle.list_called(row):
                found.setdefault((one.channel, user), []).append(unheard)
        return [Silence(channel, user, whys[channel], told) for (channel, user), told in found.items()]

    def _end(self, failing: set[tuple[str, str]]) -> None:
        """Leave out of what was told which upgrades are heard again, or have ended."""
        over = []
        for notice in self._outbox.list_notices():
            # an earlier version told of one upgrade in each
            channel, upgrade = notice.slot.split(":")[1:3]
            if isinstance(notice.body, MilestoneBody):
                over += [notice.id] if (channel, upgrade) not in failing else []
                continue
            left = partial(leave_out_heard, failing=failing)
            heard = left(notice.body) != notice.body and not _list_told(left(notice.body))
            over += [notice.id] if heard else []
            if heard and not notice.ts:
                self._outbox.drop_message(notice.id, "")
            else:
                self._outbox.amend_message("", notice.slot, left)
        if over:
            self._outbox.release_slots(over)

    def _tell(self, silence: Silence, now: datetime) -> None:
        notices = [one for one in self._outbox.list_notices() if one.channel == silence.user]
        here = [one for one in notices if one.slot.split(":")[1] == silence.channel]
        known = {upgrade for one in here for upgrade in (*_list_told(one.body), one.slot.split(":")[2])}
        new = tuple(one for one in silence.upgrades if one.upgrade not in known)
        if not new:
            return
        young = [one for one in here if isinstance(one.body, NoticeBody) and now - one.created_at < GATHERED]
        if young:
            self._outbox.amend_message("", young[-1].slot, partial(add_unheard, new=new))
            return
        slot = name_notice(silence.channel, silence.user, new[0].upgrade)
        self._outbox.put_message("", slot, silence.user, NoticeBody(silence.channel, silence.why, new), now)


def _list_told(body: Body) -> Mapping[str, Unheard]:
    return {one.upgrade: one for one in body.upgrades} if isinstance(body, NoticeBody) else {}
