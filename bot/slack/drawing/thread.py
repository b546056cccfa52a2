"""The replies in an upgrade's thread: milestones, progress, questions, blocked steps, the report, reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    NoticeBody,
    ProgressBody,
    Readable,
    ReminderBody,
    RootBody,
)
from bot.journal.records import Action
from bot.slack.drawing.agenda import draw_agenda
from bot.slack.drawing.buttons import Target, build_choices, build_controls, build_return, build_row
from bot.slack.drawing.cards import (
    Look,
    build_card,
    build_folded_card,
    build_hashes,
    build_lines,
    build_list,
    build_log,
    build_note,
    build_open_card,
    build_sentence,
    build_text,
)
from bot.slack.drawing.notices import draw_notice
from bot.slack.drawing.reminders import draw_reminding
from bot.slack.drawing.text import Pen, escape, write_code
from bot.slack.drawing.words import Words, write_card_code, write_head, write_whole_head
from bot.telling.accounts import list_account
from bot.telling.reports import describe_times
from bot.telling.views import UpgradeView
from steps.contract.cards import APPROVE, Card, Choice, Progress
from steps.contract.wording import begin_sentence, describe_seconds

BAR_WIDTH = 20
# All that fits into one message.
SHOWN_OF_LOG = 60
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
                return [*told, *self._draw_account(), *self._draw_after_end(body)]
            case ReminderBody() | GatheredBody():
                return draw_reminding(body, self.block_id, self.pen)
            case NoticeBody():
                return draw_notice(body, self.pen)
            case AnswerBody():
                return self._draw_answer(body)
            case RootBody() | FileBody():
                return []
            case _:
                assert_never(body)

    def write(self, body: Readable) -> str:
        """The reply in words, for notifications, readers without blocks and the bare look; mrkdwn, escaped."""
        bar = [_write_bar(body.progress, body)] if isinstance(body, ProgressBody) and body.progress else []
        head = [begin_sentence(write_head(body))] if self.look == "bare" else []
        return "\n".join(part for part in (*self._words.write(body), *bar, *head) if part)

    @property
    def _cluster(self) -> str:
        return self.view.cluster if self.view else ""

    @property
    def _words(self) -> Words:
        return Words(self.view, replace(self.pen, whole=True) if self.look == "bare" else self.pen)

    def _draw_told(self, sentence: str, card: Card | None, sign: str = "") -> list[Block]:
        told = build_sentence(sentence, self.pen, sign, self._cluster)
        return [told, *build_card(card, self.pen, self.look, (sentence,))]

    def _draw_account(self) -> list[Block]:
        return build_list("*On record*", list_account(self.view), self.pen) if self.view else []

    def _draw_after_end(self, body: FinishedBody) -> list[Block]:
        head = [build_note(write_whole_head(body.head))] if body.head else []
        back = [build_return(self.view, self.pen)] if self.view and body.returnable else []
        return [*head, *build_row(back, f"{self.block_id}|buttons")]

    def _draw_progress(self, body: ProgressBody) -> list[Block]:
        blocks: list[Block] = [build_text(self._write_progress(body))]
        return [*blocks, build_lines(body.details, self.look)] if body.details else blocks

    def _write_progress(self, body: ProgressBody) -> str:
        sentence = self.pen.write_sentence(begin_sentence(body.sentence, self._cluster))
        bar = _write_bar(body.progress, body) if body.progress else ""
        return "\n".join(part for part in (sentence, bar) if part) or " "

    def _draw_gate(self, body: GateBody) -> list[Block]:
        return [
            build_sentence(body.question, self.pen, "✋ ", self._cluster),
            *build_list("⚠️ *What moved since it was approved*", body.moved, self.pen),
            *self._draw_shown(body),
            *self._draw_ending(body, ("pause", "abort", "rollback")),
            *build_log(body.lines, self.pen),
        ]

    def _draw_shown(self, body: GateBody) -> list[Block]:
        """The card; once the question is decided it is evidence, and folds."""
        said = (body.question, *body.moved)
        if body.closed:
            return build_folded_card("What was shown", body.card, self.pen, self.look, said)
        proposal = build_folded_card("Proposal", leave_out_shown(body.proposal, body.card), self.pen, self.look)
        asked = build_open_card(body.card, self.pen, self.look, body.known, self._draw_clock(body), said)
        return [*asked, *proposal]

    def _draw_blocked(self, body: BlockedBody) -> list[Block]:
        remedy = [build_sentence(body.remedy, self.pen, "*What to do:* ", self._cluster)] if body.remedy else []
        told = build_sentence(body.sentence, self.pen, "⛔ *Blocked:* ", self._cluster)
        hashes = build_hashes((body.sentence, body.remedy), self.look)
        return [told, *remedy, *hashes, *self._draw_ending(body, ("retry", "abort", "rollback"))]

    def _draw_ending(self, body: Asking, controls: Sequence[Action]) -> list[Block]:
        """How a question ended, or its clock and buttons while it is open."""
        if body.closed:
            at = self.pen.write_time(body.closed_at) if body.closed_at else ""
            told = [self.pen.write_sentence(begin_sentence(body.closed)), at, write_head(body)]
            return [build_note(" · ".join(filter(None, told)))]
        code = self._draw_code(body, self.view.id) if self.view else []
        clock = [] if isinstance(body, GateBody) else self._draw_clock(body)
        return [*self._draw_called(body), *clock, *code, *self._draw_buttons(body, controls)]

    def _draw_answer(self, body: AnswerBody) -> list[Block]:
        if body.card:
            return self._draw_copy(body, body.card)
        if body.log:
            return [
                build_sentence(body.text, self.pen),
                *build_log(body.log, replace(self.pen, whole=True), SHOWN_OF_LOG),
            ]
        return draw_agenda(body.agenda, self.pen)

    def _draw_copy(self, body: AnswerBody, card: GateBody) -> list[Block]:
        """A card as one person alone sees it: all that it says, and the buttons of its choices."""
        target = Target(body.upgrade, card.step, card.generation, reason=body.reason, journal=self.pen.journal)
        buttons = build_choices(card.choices, target)
        return [
            build_sentence(body.text, self.pen),
            build_sentence(card.question, self.pen, "✋ "),
            *build_list("⚠️ *What moved since it was approved*", card.moved, self.pen),
            *build_card(card.card, self.pen, self.look, (card.question, *card.moved)),
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
        return [build_note(f"{write_card_code(body)}: {command}")]

    def _draw_called(self, body: Asking) -> list[Block]:
        """Who can act on it."""
        people = self._words.write_people(body.approvers if isinstance(body, GateBody) else body.people)
        return [build_note(f"Asked: {people}")] if people else []

    def _draw_clock(self, body: Asking) -> list[Block]:
        if body.expires_at is None:
            return self._draw_times()
        told = f"Expires {self.pen.write_time(body.expires_at)}; without a decision nothing goes on."
        return [build_note(told), *self._draw_times()]

    def _draw_times(self) -> list[Block]:
        """When the upgrade may act, where it has an appointment."""
        times = self.pen.write_sentence(describe_times(self.view)) if self.view else ""
        return [build_note(times)] if times else []

    def _draw_buttons(self, body: Asking, controls: Sequence[Action]) -> Sequence[Block]:
        """What is legal now: while the upgrade is paused nothing is decided."""
        if self.view is None:
            return []
        choices = () if self.view.paused_by else list_choices(body, self.view)
        taken = {choice.id for choice in choices}
        target = Target(self.view.id, body.step, body.generation, journal=self.pen.journal)
        buttons = build_choices(choices, target)
        legal: list[Action] = [action for action in ("resume", *controls) if action not in taken]
        buttons += build_controls(self.view, legal, self.pen)
        return build_row(buttons, f"{self.block_id}|buttons")


def list_choices(body: Asking, view: UpgradeView) -> Sequence[Choice]:
    """The choices of a card: those of the open question as it would be decided now, and those it was made with else."""
    asked = view.question
    return asked.choices if asked and (asked.step, asked.generation) == (body.step, body.generation) else body.choices


def leave_out_shown(proposal: Card | None, card: Card | None) -> Card | None:
    """The proposal without the facts that a fold of the card beside it has."""
    if proposal is None or card is None:
        return proposal
    shown = {line for detail in card.details for line in detail.lines}
    return replace(proposal, facts=tuple(fact for fact in proposal.facts if f"{fact[0]}: {fact[1]}" not in shown))


def _write_bar(progress: Progress, body: ProgressBody) -> str:
    """The bar, with what the sentence above it doesn't tell already; what has ended has no pace and nothing left."""
    done, total = progress.done, progress.total
    share = min(done, total) / total if total > 0 else 0.0
    filled = int(BAR_WIDTH * share)
    bar = f"`{'█' * filled}{'░' * (BAR_WIDTH - filled)}`"
    if f"{done}/{total}" in body.sentence:
        return f"{bar} {int(100 * share)} %"
    parts = [f"{bar} {done}/{total} {escape(progress.unit)}"]
    if not body.ended and progress.per_minute:
        parts.append(f"{progress.per_minute:.0f}/min")
    if not body.ended and progress.seconds_left is not None and done < total:
        parts.append(f"about {describe_seconds(progress.seconds_left)} left")
    return ", ".join(parts)
