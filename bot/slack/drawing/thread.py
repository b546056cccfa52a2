"""The replies in an upgrade's thread: milestones, progress, questions, blocked steps, the report, reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from slack_sdk.models.blocks import Block

from bot.journal.bodies import (
    AnswerBody,
    Asking,
    BlockedBody,
    FileBody,
    FinishedBody,
    GateBody,
    GatheredBody,
    MilestoneBody,
    ProgressBody,
    Readable,
    ReminderBody,
    Reminding,
    RootBody,
)
from bot.journal.chain import SHORT
from bot.journal.records import Action
from bot.slack.drawing.agenda import draw_agenda
from bot.slack.drawing.buttons import Target, build_choices, build_controls, build_return, build_row
from bot.slack.drawing.cards import (
    Look,
    build_card,
    build_folded_card,
    build_lines,
    build_list,
    build_note,
    build_sentence,
    build_text,
)
from bot.slack.drawing.reminders import draw_gathered, draw_reminder, write_gathered_text, write_reminder_text
from bot.slack.drawing.text import Pen, escape, write_code
from bot.telling.views import UpgradeView
from steps.contract.cards import APPROVE, Card, Progress
from steps.contract.wording import describe_seconds

BAR_WIDTH = 20
MENTIONED = 10
ENDINGS = {"": "✅", "upgraded": "✅", "proposed": "📋", "returned": "✅", "rolled back": "↩️"}


@dataclass(frozen=True)
class Reply:
    """One reply as it is drawn. `view` is its upgrade, None for what belongs to none."""

    view: UpgradeView | None
    look: Look
    block_id: str
    pen: Pen

    def draw(self, body: Readable) -> list[Block]:
        """Its blocks; a kind that has none answers with its sentence alone."""
        match body:
            case MilestoneBody():
                return self._draw_told(body.sentence, body.card)
            case ProgressBody():
                return self._draw_progress(body)
            case GateBody():
                return self._draw_gate(body)
            case BlockedBody():
                return self._draw_blocked(body)
            case FinishedBody():
                told = self._draw_told(body.sentence, body.card, f"{ENDINGS.get(body.result, '🛑')} ")
                return [*told, *self._draw_after_end(body)]
            case ReminderBody():
                return draw_reminder(body, self.block_id, self.pen)
            case GatheredBody():
                return draw_gathered(body, self.pen)
            case AnswerBody():
                return self._draw_copy(body, body.card) if body.card else draw_agenda(body.agenda, self.pen)
            case RootBody() | FileBody():
                return []
            case _:
                assert_never(body)

    def write(self, body: Readable) -> str:
        """The reply in words, for notifications, readers without blocks and the bare look; mrkdwn, escaped."""
        parts = self._write_parts(body)
        if isinstance(body, Asking | Reminding):
            parts.append(self.pen.write_sentence(body.closed))
        if self.look == "bare":
            parts.append(_write_head(body))
        return "\n".join(part for part in parts if part)

    def _write_parts(self, body: Readable) -> list[str]:
        write = self.pen.write_sentence
        match body:
            case ProgressBody():
                return [self._write_progress(body)]
            case GateBody():
                return [f"{self._write_approvers(body)}{write(body.question)}", _write_code(body)]
            case BlockedBody():
                return [f"Blocked: {write(body.sentence)}", write(body.remedy), _write_code(body)]
            case MilestoneBody() | FinishedBody():
                return [write(body.sentence)]
            case ReminderBody():
                return [write_reminder_text(body, self.pen)]
            case GatheredBody():
                return [write_gathered_text(body, self.pen)]
            case AnswerBody():
                copied = [write(body.card.question), _write_code(body.card)] if body.card else []
                return [write(body.text), *copied]
            case RootBody() | FileBody():
                return []
            case _:
                assert_never(body)

    def _draw_told(self, sentence: str, card: Card | None, sign: str = "") -> list[Block]:
        return [build_sentence(sentence, self.pen, sign), *build_card(card, self.pen, self.look)]

    def _draw_after_end(self, body: FinishedBody) -> list[Block]:
        head = [build_note(_write_whole_head(body.head))] if body.head else []
        back = [build_return(self.view)] if self.view and body.returnable else []
        return [*head, *build_row(back, f"{self.block_id}|buttons")]

    def _draw_progress(self, body: ProgressBody) -> list[Block]:
        blocks: list[Block] = [build_text(self._write_progress(body))]
        return [*blocks, build_lines(body.details, self.look)] if body.details else blocks

    def _write_progress(self, body: ProgressBody) -> str:
        sentence = self.pen.write_sentence(body.sentence)
        if body.progress is None:
            return sentence or " "
        bar = _write_bar(body.progress, body.sentence, moves=not body.ended)
        return f"{sentence}\n{bar}" if sentence else bar

    def _draw_gate(self, body: GateBody) -> list[Block]:
        asked = "" if body.closed else self._write_approvers(body)
        return [
            build_sentence(body.question, self.pen, f"✋ {asked}"),
            *build_list("⚠️ *What moved since it was approved*", body.moved, self.pen),
            *self._draw_shown(body),
            *self._draw_ending(body, ("pause", "abort", "rollback")),
        ]

    def _draw_shown(self, body: GateBody) -> list[Block]:
        """The card; once the question is decided it is evidence, and folds."""
        if body.closed:
            return build_folded_card("What was shown", body.card, self.pen, self.look)
        return build_card(body.card, self.pen, self.look)

    def _draw_blocked(self, body: BlockedBody) -> list[Block]:
        remedy = [build_sentence(body.remedy, self.pen, "*What to do:* ")] if body.remedy else []
        told = build_sentence(body.sentence, self.pen, "⛔ *Blocked:* ")
        return [told, *remedy, *self._draw_ending(body, ("retry", "abort", "rollback"))]

    def _draw_ending(self, body: Asking, controls: Sequence[Action]) -> list[Block]:
        """How a question ended, or its clock and buttons while it is open."""
        if body.closed:
            told = [self.pen.write_sentence(body.closed), _write_head(body)]
            return [build_note(" · ".join(filter(None, told)))]
        code = self._draw_code(body, self.view.id) if self.view else []
        return [*self._draw_clock(body), *code, *self._draw_buttons(body, controls)]

    def _draw_copy(self, body: AnswerBody, card: GateBody) -> list[Block]:
        """A card as one person alone sees it: all that it says, and the buttons of its choices."""
        buttons = build_choices(card.choices, Target(body.upgrade, card.step, card.generation, reason=body.reason))
        return [
            build_sentence(body.text, self.pen),
            build_sentence(card.question, self.pen, "✋ "),
            *build_list("⚠️ *What moved since it was approved*", card.moved, self.pen),
            *build_card(card.card, self.pen, self.look),
            *self._draw_clock(card),
            *self._draw_code(card, body.upgrade),
            *build_row(buttons, f"{self.block_id}|buttons"),
        ]

    def _draw_code(self, body: Asking, upgrade: str) -> list[Block]:
        """The card's code, with the command that takes it."""
        if not body.code:
            return []
        gate = any(choice.id == APPROVE.id for choice in body.choices)
        verb, choice = ("approve", "") if gate else ("decide", " CHOICE")
        command = write_code(f"/asm-upgrade {verb} {upgrade} {body.code}{choice}")
        return [build_note(f"{_write_code(body)}: {command}")]

    def _draw_clock(self, body: Asking) -> list[Block]:
        if body.expires_at is None:
            return []
        return [build_note(f"Expires {self.pen.write_time(body.expires_at)}; without a decision nothing goes on.")]

    def _draw_buttons(self, body: Asking, controls: Sequence[Action]) -> Sequence[Block]:
        if self.view is None:
            return []
        taken = {choice.id for choice in body.choices}
        buttons = build_choices(body.choices, Target(self.view.id, body.step, body.generation))
        buttons += build_controls(self.view, [action for action in controls if action not in taken])
        return build_row(buttons, f"{self.block_id}|buttons")

    def _write_approvers(self, body: GateBody) -> str:
        people = [self.pen.write_person(user) for user in body.approvers[:MENTIONED]]
        return " ".join(people) + " " if people else ""


def _write_code(body: Asking) -> str:
    return f"Code {write_code(body.code)}" if body.code and not body.closed else ""


def _write_head(body: Readable) -> str:
    """The beginning of the audit's head after a decision, and the whole of it at the end: the file has to agree."""
    match body:
        case GateBody(head=head) | BlockedBody(head=head) if head:
            return f"record {write_code(head[:SHORT])}"
        case FinishedBody(head=head) if head:
            return _write_whole_head(head)
        case _:
            return ""


def _write_whole_head(head: str) -> str:
    command = write_code(f"asm-upgrade verify --journal --head {head[:SHORT]}")
    return f"The record ends with {write_code(head)}: {command}"


def _write_bar(progress: Progress, told: str, *, moves: bool) -> str:
    """The bar, with what the sentence above it doesn't tell already; what has ended has no pace and nothing left."""
    done, total = progress.done, progress.total
    share = min(done, total) / total if total > 0 else 0.0
    filled = int(BAR_WIDTH * share)
    bar = f"`{'█' * filled}{'░' * (BAR_WIDTH - filled)}`"
    if f"{done}/{total}" in told:
        return f"{bar} {int(100 * share)} %"
    parts = [f"{bar} {done}/{total} {escape(progress.unit)}"]
    if moves and progress.per_minute:
        parts.append(f"{progress.per_minute:.0f}/min")
    if moves and progress.seconds_left is not None and done < total:
        parts.append(f"about {describe_seconds(progress.seconds_left)} left")
    return ", ".join(parts)
