"""A message in words, for notifications and readers without blocks: the cluster and what is asked first, people last.

What a telephone shows of it is about eighty characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from msgspec.structs import replace

from bot.journal.bodies import (
    AnswerBody,
    Asking,
    BlockedBody,
    FileBody,
    FinishedBody,
    GateBody,
    GatheredBody,
    MilestoneBody,
    NoticeBody,
    ProgressBody,
    Readable,
    ReminderBody,
    Reminding,
    RootBody,
)
from bot.journal.chain import SHORT
from bot.journal.records import OPERATOR
from bot.slack.drawing.notices import write_notice
from bot.slack.drawing.reminders import write_gathered_text, write_reminder_text
from bot.slack.drawing.text import Pen, escape, write_code
from bot.telling.views import UpgradeView
from steps.contract.wording import begin_sentence

MENTIONED = 10
# How a sentence names its cluster where that stands in front of it already, and what may follow it.
NAMING = ("of", "on", "for")
MARKS = ",.:;?"


@dataclass(frozen=True)
class Words:
    """Writes a message as text; mrkdwn, escaped. `view` is its upgrade, None for what belongs to none."""

    view: UpgradeView | None
    pen: Pen

    def write(self, body: Readable) -> list[str]:
        """The lines of a message; a kind that has no words answers with none."""
        ended = [self._begin(body.closed)] if isinstance(body, Asking | Reminding) else []
        return [line for line in (*self._write_told(body), *ended, self._write_called(body)) if line]

    def write_people(self, people: Sequence[str]) -> str:
        """Mentions of as many people as a message calls."""
        return " ".join(self.pen.write_person(user) for user in people[:MENTIONED])

    def _write_told(self, body: Readable) -> list[str]:
        write = self.pen.write_sentence
        match body:
            case GateBody():
                return [self._put_cluster_first(body.question), write_card_code(body)]
            case BlockedBody():
                return [
                    self._put_cluster_first(f"blocked: {body.sentence}"),
                    self._begin(body.remedy),
                    write_card_code(body),
                ]
            case ProgressBody() | MilestoneBody() | FinishedBody():
                return [self._put_cluster_first(body.sentence)]
            case ReminderBody():
                return [write_reminder_text(replace(body, text=put_first(body.cluster, body.text)), self.pen)]
            case GatheredBody():
                return [write_gathered_text(body, self.pen)]
            case NoticeBody():
                return write_notice(body, self.pen)
            case AnswerBody():
                copied = [self._begin(body.card.question), write_card_code(body.card)] if body.card else []
                logged = (write(f"{line.at:%H:%M} UTC {begin_sentence(line.text)}") for line in body.log)
                return [write(body.text), *copied, *logged, self._write_threads(body)]
            case RootBody() | FileBody():
                return []
            case _:
                assert_never(body)

    def _write_threads(self, body: AnswerBody) -> str:
        links = [self.pen.write_link(place.channel, place.ts, escape(place.upgrade)) for place in body.threads]
        return f"Threads: {', '.join(filter(None, links))}" if any(links) else ""

    def _begin(self, sentence: str) -> str:
        """A line of its own, unlike one that stands behind its cluster."""
        return self.pen.write_sentence(begin_sentence(sentence, self.view.cluster if self.view else ""))

    def _put_cluster_first(self, sentence: str) -> str:
        if self.view is None or not sentence:
            return self._begin(sentence)
        return self.pen.write_sentence(put_first(self.view.cluster, sentence))

    def _write_called(self, body: Readable) -> str:
        """Who is called by it, and nobody any more once it is answered."""
        match body:
            case GateBody(closed=""):
                return self.write_people(body.approvers)
            case BlockedBody(closed=""):
                return self.write_people(body.people)
            case FinishedBody() if self.view and self.view.requester not in ("", OPERATOR):
                return self.write_people([self.view.requester])
            case _:
                return ""


def put_first(cluster: str, sentence: str) -> str:
    """The sentence behind its cluster, which it doesn't name again; `cluster-x: replace the control plane?`."""
    words = sentence.split(" ")
    if not cluster or words[0].rstrip(MARKS) == cluster:
        return sentence
    told = " ".join(_leave_out(cluster, words))
    return f"{cluster}: {told[:1].lower() + told[1:] if told[1:2].islower() else told}"


def _leave_out(cluster: str, words: list[str]) -> list[str]:
    """The words without `of cluster-x`, or without the name right after the verb; any other naming stays."""
    place = next((place for place, word in enumerate(words) if word.rstrip(MARKS) == cluster), 0)
    before = place - 2 if words[place - 1] in NAMING else 0 if words[0] != "Is" and place == 1 else -1
    if place == 0 or before < 0:
        return words
    return [*words[:before], words[before] + words[place].removeprefix(cluster), *words[place + 1 :]]


def write_card_code(body: Asking) -> str:
    """The code of a card that is open, "" for any other."""
    return f"Code {write_code(body.code)}" if body.code and not body.closed else ""


def write_head(body: Readable) -> str:
    """The beginning of the audit's head after a decision, and the whole of it at the end: the file has to agree."""
    match body:
        case GateBody(head=head) | BlockedBody(head=head) if head:
            return f"record {write_code(head[:SHORT])}"
        case FinishedBody(head=head) if head:
            return write_whole_head(head)
        case _:
            return ""


def write_whole_head(head: str) -> str:
    """The audit's head at the end of an upgrade, with the command that holds the journal to it."""
    command = write_code(f"asm-upgrade verify --journal --head {head[:SHORT]}")
    return f"The record ends with {write_code(head)}: {command}"
