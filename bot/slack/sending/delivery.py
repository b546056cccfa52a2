"""One message on its way to Slack: which look, whether it may be there already, and what an answer means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import PurePath
from typing import TypeAlias, assert_never

from slack_sdk.errors import SlackObjectFormationError

from bot.clock import Clock
from bot.journal.bodies import AnswerBody, FileBody, Message, MilestoneBody, Reminding
from bot.journal.deliveries import LEFT, UNWRITABLE
from bot.journal.outbox import Outbox
from bot.journal.records import FAREWELL
from bot.slack.api.answers import (
    BAD_BLOCKS,
    BAD_CONTENT,
    GONE,
    LOST_THREAD,
    MALFORMED,
    Answered,
    Refused,
    SlackAnswer,
    TooFast,
    Unclear,
)
from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import Drawing, draw_message
from bot.slack.drawing.text import Pen, clean, cut
from bot.slack.sending.posting import Postbox
from bot.telling.views import UpgradeView

LOOKS_KEPT = 1000
SIMPLER: dict[Look, Look] = {"rich": "plain", "plain": "bare"}
ANSWER_LIFE = timedelta(minutes=30)
ANSWER_ATTEMPTS = 5
REFUSED_SECONDS = 60.0
# So often is tried what Slack refuses for its own sake, and a file that Slack does not answer to.
REFUSALS = 3
FILE_ATTEMPTS = 60
FILE_LIMIT = 2_000_000
UNNAMED = "output.txt"
# So often is looked for a post that was begun in a channel that its upgrade has left.
LOOKS_AT_LEFT = 10
# How the ids of channels begin.
CHANNELS = ("C", "G")


@dataclass(frozen=True)
class Sent:
    """Slack has `revision` under `ts`; a smaller revision than the message's asks for an edit."""

    ts: str
    revision: int


@dataclass(frozen=True)
class Deferred:
    """Try again after this many seconds; an empty `why` is the bot's own pace and isn't recorded.

    `unheard`: Slack judged nothing, so what it said of the channel before still holds.
    """

    seconds: float
    why: str
    too_fast: bool = False
    unheard: bool = False


@dataclass(frozen=True)
class Dropped:
    """It can't be sent, and never will be."""

    why: str


@dataclass(frozen=True)
class Replaced:
    """It can't be sent, and never will be; `body` is posted for it."""

    why: str
    body: MilestoneBody


Result: TypeAlias = Sent | Deferred | Dropped | Replaced
# Its upgrade has left the channel meanwhile: its row is read again.
OVERTAKEN = Deferred(1.0, "")
# It stands in a thread whose root is still to come.
TOO_EARLY = Deferred(1.0, "")


class Sender:
    """Posts, edits and answers. Remembers the look that Slack accepts of a message and the posts that it refused.

    `views` gives an upgrade as it is now, `write_record` the change record of one.
    """

    def __init__(
        self,
        outbox: Outbox,
        views: Callable[[str], UpgradeView],
        postbox: Postbox,
        clock: Clock,
        pen: Pen,
        write_record: Callable[[str], str],
    ) -> None:
        self._outbox = outbox
        self._views = views
        self._postbox = postbox
        self._clock = clock
        self._pen = pen
        self._write_record = write_record
        self._looks: dict[str, Look] = {}
        self._surely_absent: set[str] = set()

    def link_into(self, workspace: str) -> None:
        """What is drawn from now on links to messages at this address of the workspace."""
        self._pen = replace(self._pen, workspace=workspace)

    def is_early(self, message: Message) -> bool:
        """Whether a post would not be made yet: it stands in a thread whose root is to come."""
        return not message.slot.startswith(LEFT) and self._find_place(message) is None

    def post(self, message: Message) -> Result:
        """Post a message, unless an earlier attempt got through."""
        if message.slot.startswith(LEFT):
            return self._look_for_left(message)
        place = self._find_conversation(message)
        if not isinstance(place, tuple):
            return place
        channel, thread = place
        if message.attempts > 0 and message.id not in self._surely_absent:
            found = self._find(message, channel, thread)
            if not isinstance(found, str):
                return self._sort_failure(message, found)
            if found:
                # What stands there may be an older revision: an editable message is drawn again.
                newest = message.revision == 1 and not message.slot
                return Sent(found, message.revision if newest else message.revision - 1)
        if not self._outbox.mark_posting(message.id):
            return OVERTAKEN
        self._surely_absent.discard(message.id)
        if isinstance(message.body, FileBody):
            return self._upload(message, message.body, channel, thread)
        answer = self._draw_and_send(message, lambda drawing: self._postbox.post(channel, thread, drawing))
        if isinstance(answer, Refused) and answer.code in LOST_THREAD:
            answer = self._draw_and_send(message, lambda drawing: self._postbox.post(channel, "", drawing))
        if isinstance(answer, Answered):
            return Sent(str(answer.fields.get("ts") or ""), message.revision)
        return self._sort_failure(message, answer)

    def edit(self, message: Message) -> Result:
        """Edit a message; where it can't be edited any more, post it afresh."""
        room = self._postbox.find_room(message.channel)
        if not isinstance(room, str):
            return self._sort_failure(message, room)
        answer = self._draw_and_send(message, lambda drawing: self._postbox.edit(room, message.ts, drawing))
        if isinstance(answer, Refused) and self._is_left(message, answer):
            # it stands where nobody follows the upgrade any more; what could not be changed there holds nothing up
            return Sent(message.ts, message.revision)
        if isinstance(answer, Refused) and answer.code in GONE:
            return self._post_afresh(message)
        if isinstance(answer, Answered):
            return Sent(message.ts, message.revision)
        return self._sort_failure(message, answer)

    def answer(self, message: Message) -> Result:
        """Answer one person privately; a late answer is of no use."""
        if self._clock.now() - message.created_at > ANSWER_LIFE:
            return Dropped("the private answer is older than 30 minutes")
        if message.attempts >= ANSWER_ATTEMPTS:
            return Dropped(f"the private answer could not be delivered in {ANSWER_ATTEMPTS} attempts")
        self._outbox.mark_posting(message.id)
        answer = self._answer(message, "plain")
        if isinstance(answer, Refused) and answer.code in BAD_BLOCKS | BAD_CONTENT:
            answer = self._answer(message, "bare")
        if isinstance(answer, Answered):
            return Sent("answered", message.revision)
        if isinstance(answer, Refused):
            return Dropped(answer.why)
        return self._sort_failure(message, answer)

    def _answer(self, message: Message, look: Look) -> SlackAnswer:
        to = message.body if isinstance(message.body, AnswerBody) else AnswerBody()
        drawing = draw_message(message, None, look, self._pen)
        return self._postbox.answer(to.response_url, to.user, to.channel or message.channel, drawing, to.thread)

    def _post_afresh(self, message: Message) -> Result:
        place = self._find_place(message)
        if place is None:
            return TOO_EARLY
        channel, thread = place
        if message.attempts > 1 and message.id not in self._surely_absent:
            found = self._find(message, channel, thread)
            if not isinstance(found, str):
                return self._sort_failure(message, found)
            if found > message.ts:
                return Sent(found, message.revision - 1)
        if not self._outbox.mark_posting(message.id):
            return OVERTAKEN
        self._surely_absent.discard(message.id)
        answer = self._draw_and_send(message, lambda drawing: self._postbox.post(channel, thread, drawing))
        if isinstance(answer, Answered):
            return Sent(str(answer.fields.get("ts") or ""), message.revision)
        return self._sort_failure(message, answer)

    def _upload(self, message: Message, file: FileBody, channel: str, thread: str) -> Result:
        told = self._write_record(message.upgrade) if file.made == "change record" else file.text
        text = cut(clean(told), FILE_LIMIT) or "(empty)"
        answer = self._postbox.upload(channel, thread, name_file(message.id, file), file.name or UNNAMED, text)
        if isinstance(answer, Answered):
            files = answer.fields.get("files") or [{}]
            return Sent(str(files[0].get("id") or "uploaded"), message.revision)
        return self._sort_failure(message, answer)

    def _find_conversation(self, message: Message) -> tuple[str, str] | Result:
        """Where a message is posted: the conversation and the thread in it; else what comes of it instead."""
        place = self._find_place(message)
        if place is None:
            return TOO_EARLY
        channel, thread = place
        room = self._postbox.find_room(channel)
        return (room, thread) if isinstance(room, str) else self._sort_roomless(message, room)

    def _find_place(self, message: Message) -> tuple[str, str] | None:
        """Channel and thread, None while the thread's root is to come.

        Where no root will ever come it is the channel itself: there never was one, or Slack takes none.
        """
        if message.kind == "root" or not message.upgrade:
            return message.channel, ""
        if message.slot.startswith(FAREWELL):
            return message.channel, message.slot.removeprefix(FAREWELL)
        channel, thread = self._outbox.read_thread(message.upgrade)
        if not thread and self._outbox.backlog.awaits_root(message.upgrade):
            return None
        return channel or message.channel, thread

    def _look_for_left(self, message: Message) -> Result:
        """A post was begun when its upgrade left the channel: what came of it is edited, and else it is over."""
        self._outbox.mark_posting(message.id)
        roots = [] if message.kind == "root" else self._outbox.list_left_roots(message.upgrade)
        thread = next((one.ts for one in roots if one.channel == message.channel), "")
        found = self._find(message, message.channel, thread)
        if isinstance(found, TooFast | Unclear) and message.attempts < LOOKS_AT_LEFT:
            return self._sort_failure(message, found)
        return Sent(found, message.revision - 1) if isinstance(found, str) and found else Sent("", message.revision)

    def _is_left(self, message: Message, answer: Refused) -> bool:
        """Whether it stands where its upgrade is told no more, or in a channel that takes nothing."""
        if message.slot.startswith(LEFT):
            return True
        if not (isinstance(message.body, Reminding) or answer.concerns_channel):
            return False
        upgrade = message.upgrade or (message.body.upgrade if isinstance(message.body, Reminding) else "")
        followed = self._outbox.read_thread(upgrade)[0] if upgrade else ""
        return message.channel.startswith(CHANNELS) and followed not in ("", message.channel)

    def _find(self, message: Message, channel: str, thread: str) -> str | SlackAnswer:
        if isinstance(message.body, FileBody):
            name = name_file(message.id, message.body)
            found = self._postbox.find_file(channel, thread, name, message.created_at)
        else:
            found = self._postbox.find_message(channel, thread, message.id, message.created_at)
        if isinstance(found, Refused) and found.code in LOST_THREAD:
            return ""
        return found

    def _draw_and_send(self, message: Message, send: Callable[[Drawing], SlackAnswer]) -> SlackAnswer:
        """Send the best look that Slack accepts; a plainer one that was needed is remembered for this message alone."""
        look: Look | None = self._looks.get(message.id, "rich")
        answer: SlackAnswer = MALFORMED
        while look is not None:
            answer = self._send_look(message, look, send)
            if not isinstance(answer, Refused) or answer.code not in BAD_BLOCKS | BAD_CONTENT:
                if look == "plain" and isinstance(answer, Answered):
                    self._remember_plain(message.id)
                return answer
            look = SIMPLER.get(look)
        return answer

    def _remember_plain(self, message: str) -> None:
        """Edits of this message begin with the plain look; what was remembered long ago is forgotten."""
        self._looks[message] = "plain"
        while len(self._looks) > LOOKS_KEPT:
            del self._looks[next(iter(self._looks))]

    def _send_look(self, message: Message, look: Look, send: Callable[[Drawing], SlackAnswer]) -> SlackAnswer:
        view = self._views(message.upgrade) if message.upgrade else None
        try:
            drawing = draw_message(message, view, look, self._pen)
        except SlackObjectFormationError:
            return MALFORMED
        return send(drawing)

    def _sort_roomless(self, message: Message, answer: SlackAnswer) -> Result:
        """What comes of a message to a person whose conversation can't be opened."""
        if isinstance(answer, Refused):
            # it counts as tried: a person who is gone is not asked for over and over
            self._outbox.mark_posting(message.id)
        return self._sort_failure(message, answer)

    def _sort_failure(self, message: Message, answer: SlackAnswer) -> Result:
        match answer:
            case Refused() if message.slot.startswith(FAREWELL):
                # nobody follows it there any more: what the old channel does not take holds nothing up
                return Sent(message.ts or "untaken", message.revision)
            case TooFast(seconds):
                self._surely_absent.add(message.id)
                return Deferred(seconds, "Slack asked to slow down", too_fast=True, unheard=True)
            case Refused(code) if code in BAD_BLOCKS | BAD_CONTENT:
                return Dropped(answer.why)
            case Refused() if not answer.concerns_all and message.attempts + 1 >= REFUSALS:
                return give_up(message, answer.why)
            case Refused():
                self._surely_absent.add(message.id)
                told = UNWRITABLE if answer.concerns_channel else ""
                return Deferred(REFUSED_SECONDS, f"{told}{answer.why}")
            case Unclear(why) if isinstance(message.body, FileBody) and message.attempts + 1 >= FILE_ATTEMPTS:
                return give_up(message, f"Slack does not answer clearly: {why}")
            case Unclear(why):
                pause = min(60.0, 2.0 ** min(message.attempts + 1, 6))
                return Deferred(pause, f"Slack did not answer clearly: {why}", unheard=True)
            case Answered():
                return Deferred(REFUSED_SECONDS, "Slack's answer held no message")
            case _:
                assert_never(answer)


def give_up(message: Message, why: str) -> Dropped | Replaced:
    """Drop a message for good; a file has a sentence in its place."""
    if not isinstance(message.body, FileBody):
        return Dropped(why)
    name = message.body.name or UNNAMED
    return Replaced(why, MilestoneBody(f"The file {name} can't be put here, and is left out. {why}."))


def name_file(message_id: str, file: FileBody) -> str:
    """The uploaded file's name; it carries the outbox id, because files have no metadata."""
    name = PurePath(file.name or UNNAMED)
    return f"{name.stem}.{message_id}{name.suffix or '.txt'}"
