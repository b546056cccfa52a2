"""Carries the outbox to Slack: one thread per upgrade, in order, each message once, edits within their budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_never

import structlog

from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.bodies import WaitingMessage
from bot.journal.deliveries import LEFT
from bot.journal.outbox import Outbox
from bot.journal.records import FAREWELL
from bot.journal.store import StoreBroken
from bot.slack.api.pacing import Budget, Quota
from bot.slack.sending.delivery import TOO_EARLY, Deferred, Dropped, Replaced, Result, Sender, Sent

# Slack allows 50 chat.update a minute and one chat.postMessage a second and channel, with short bursts.
EDITS_A_MINUTE = 46
EDIT_BURST = 3
POSTS_A_MINUTE = 55
POST_BURST = 4
# However many wait after Slack was out of reach.
REMINDERS_A_MINUTE = 30
EDIT_SPACING = timedelta(seconds=2)
EDITS_KEPT = 1000
LONGEST_PAUSE = timedelta(minutes=10)
# What came of a message that can't be read any more.
GIVEN_UP = Deferred(0.0, "")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Announcer:
    """Has the sender send what is due. One thread calls `turn`; nothing here sleeps."""

    def __init__(self, outbox: Outbox, sender: Sender, clock: Clock) -> None:
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._edits = Budget(EDITS_A_MINUTE, EDIT_BURST)
        self._posts: dict[str, Budget] = {}
        self._reminders: dict[str, Quota] = {}
        self._edited_at: dict[str, datetime] = {}
        self._log = structlog.get_logger(__name__)

    def link_into(self, workspace: str) -> None:
        """What is drawn from now on links to messages at this address of the workspace."""
        self._sender.link_into(workspace)

    def turn(self) -> float | None:
        """Send what is due; seconds until the next is due, None when nothing waits."""
        waits = [*self._send_answers(), *self._send_posts(), *self._send_edits()]
        return min(waits, default=None)

    def _send_answers(self) -> list[float]:
        messages = self._outbox.backlog.list_answers()
        return [wait for message in messages if (wait := self._attempt(message, self._answer))]

    def _send_posts(self) -> list[float]:
        """Posts of each channel: behind one that has to wait, the rest of its thread waits too."""
        held: set[str] = set()
        return [wait for channel in self._outbox.backlog.list_channels() for wait in self._send_into(channel, held)]

    def _send_into(self, channel: str, held: set[str]) -> Iterator[float]:
        """Posts in creation order, roots first; nothing waits for a file, which Slack may take late or never.

        Once the channel's pace is used up, what else waits for it is not looked at: a long backlog costs little.
        """
        if pace := self._find_pace(channel, self._clock.now()):
            yield pace
            return
        for message in self._outbox.backlog.walk_posts(channel, held):
            passed = message.upgrade in held and message.kind != "root"
            wait = 0.0 if passed else self._attempt(message, self._post)
            if not wait:
                continue
            yield wait
            held |= {message.upgrade} if message.upgrade and may_hold(message) else set()
            if self._find_pace(channel, self._clock.now()):
                return

    def _find_pace(self, channel: str, now: datetime) -> float:
        return self._posts.setdefault(channel, Budget(POSTS_A_MINUTE, POST_BURST)).seconds_until_free(now)

    def _answer(self, waiting: WaitingMessage) -> Result:
        message = self._outbox.find_message(waiting.id)
        return self._sender.answer(message) if message else GIVEN_UP

    def _post(self, waiting: WaitingMessage) -> Result:
        budget = self._posts.setdefault(waiting.channel, Budget(POSTS_A_MINUTE, POST_BURST))
        quota = self._reminders.setdefault(waiting.channel, Quota(REMINDERS_A_MINUTE))
        now, reminds = self._clock.now(), waiting.kind == "reminder"
        if wait := max(budget.seconds_until_free(now), quota.seconds_until_free(now) if reminds else 0.0):
            return Deferred(wait, "")
        message = self._outbox.find_message(waiting.id)
        if message is None:
            return GIVEN_UP
        if self._sender.is_early(message):
            return TOO_EARLY
        budget.take(now)
        if reminds:
            quota.take(now)
        result = self._sender.post(message)
        if isinstance(result, Deferred) and result.too_fast:
            budget.hold(now, result.seconds)
        return result

    def _send_edits(self) -> Iterator[float]:
        """Edits, the one whose last edit is longest ago first, until their pace is used up."""
        backlog, now = self._outbox.backlog, self._clock.now()
        pace = self._edits.seconds_until_free(now)
        messages = [] if pace else backlog.list_edits()
        for message in sorted(messages, key=lambda message: self._edited_at.get(message.id, LONG_AGO)):
            if pace := self._edits.seconds_until_free(now):
                break
            if wait := self._attempt(message, self._edit):
                yield wait
        if pace and backlog.has_edits():
            yield pace

    def _edit(self, waiting: WaitingMessage) -> Result:
        now = self._clock.now()
        since = now - self._edited_at.get(waiting.id, LONG_AGO)
        # A negative one tells that the clock was set back.
        spacing = (EDIT_SPACING - since).total_seconds() if since >= timedelta(0) else 0.0
        if (wait := max(spacing, self._edits.seconds_until_free(now))) > 0:
            return Deferred(wait, "")
        message = self._outbox.find_message(waiting.id)
        if message is None:
            return GIVEN_UP
        self._edits.take(now)
        self._note_edit(message.id, now)
        result = self._sender.edit(message)
        if isinstance(result, Deferred) and result.too_fast:
            self._edits.hold(now, result.seconds)
        return result

    def _note_edit(self, message: str, now: datetime) -> None:
        """The edits of long ago are forgotten: no message waits for its turn behind so many others."""
        self._edited_at.pop(message, None)
        self._edited_at[message] = now
        if len(self._edited_at) > EDITS_KEPT:
            del self._edited_at[next(iter(self._edited_at))]

    def _send(self, message: WaitingMessage, send: Callable[[WaitingMessage], Result]) -> Result:
        """Send one message; one that the bot itself fails at is given up, and the others go on."""
        try:
            return send(message)
        except StoreBroken:
            raise
        except Exception as fault:
            incident = note_incident("message_failed", fault, message=message.id, upgrade=message.upgrade)
            return Dropped(f"a fault of the bot itself (incident {incident})")

    def _attempt(self, message: WaitingMessage, send: Callable[[WaitingMessage], Result]) -> float:
        """Send one message if its time has come and record what came of it; seconds to wait, 0 when it is done."""
        # What is put off for longer than any pause was put off before the clock was set back.
        if message.not_before is not None:
            pause = datetime.fromtimestamp(message.not_before, UTC) - self._clock.now()
            if timedelta(0) < pause <= LONGEST_PAUSE:
                return pause.total_seconds()
        result = self._send(message, send)
        match result:
            case Sent(ts, revision):
                self._outbox.mark_sent(message.id, ts, revision, self._clock.now())
                return 0.0 if revision >= message.revision else EDIT_SPACING.total_seconds()
            case Deferred(seconds, why, unheard=unheard):
                if why:
                    self._log.warning("slack message deferred", message=message.id, upgrade=message.upgrade, why=why)
                    until = self._clock.now() + min(timedelta(seconds=seconds), LONGEST_PAUSE)
                    self._outbox.defer_message(message.id, until, why, unheard=unheard)
                return seconds
            case Dropped(why):
                self._log.error("slack message dropped", message=message.id, upgrade=message.upgrade, why=why)
                self._outbox.drop_message(message.id, why)
                return 0.0
            case Replaced(why, body):
                self._log.error("slack file left out", message=message.id, upgrade=message.upgrade, why=why)
                self._outbox.replace_message(message, why, body, self._clock.now())
                return EDIT_SPACING.total_seconds()
            case _:
                assert_never(result)


def may_hold(message: WaitingMessage) -> bool:
    """Whether the rest of its thread waits for it: not for a file, nor for what an earlier channel still gets."""
    return message.kind != "file" and not message.slot.startswith((LEFT, FAREWELL))
