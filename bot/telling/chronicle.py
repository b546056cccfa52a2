"""Turns outcomes into rows of the outbox, inside the transaction that journals them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from bot.journal.bodies import (
    REMINDER_KINDS,
    AnswerBody,
    Asking,
    BlockedBody,
    FileBody,
    FinishedBody,
    GateBody,
    Line,
    MilestoneBody,
    PodNumbers,
    ProgressBody,
    ReminderKind,
    RootBody,
    UnreadableBody,
    digest_shown,
    encode_body,
)
from bot.journal.journal import Journal
from bot.journal.outbox import Leaving, Outbox, name_card, name_reminder
from bot.journal.records import FAREWELL, OPERATOR
from bot.journal.rows import UpgradeRow, build_code, name_end
from bot.returns import has_written
from bot.telling.endings import add_line, close_body, close_return, end_progress, leave_body
from bot.telling.folding import GOES_ON, find_phase, is_folded, may_fold, shows_progress, stays_in_journal
from bot.telling.phrases import describe_roughly, mention
from steps.contract.cards import APPROVALS, Attachment, Card
from steps.contract.ledger import count_pods
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.contract.wording import Aside
from steps.notes.prepare import SOURCE

# The slot of the proposal, which is never posted by itself where an upgrade follows.
PROPOSED = "proposal"
# So far back is looked for the upgrade that was asked the same.
UPGRADES_BACK = 6


class ApproversOf(Protocol):
    """Who may approve on a cluster what this person asked for, for the mentions on a card."""

    def __call__(self, cluster: str, requester: str) -> Sequence[str]: ...


class Chronicle:
    """What the thread of an upgrade tells."""

    def __init__(self, journal: Journal, outbox: Outbox, approvers_of: ApproversOf) -> None:
        self._journal = journal
        self._outbox = outbox
        self._approvers_of = approvers_of

    def draw_root(self, upgrade: str, now: datetime) -> None:
        """Have the root message drawn again if anything that it shows has changed."""
        row = self._journal.find_upgrade(upgrade)
        if row is None:
            return
        ended = [step for step in self._journal.list_steps(upgrade) if step.outcome != "Waiting"]
        found = self._journal.find_return(upgrade)
        back = f"{found.id} {found.state}" if found else ""
        body = RootBody(
            row.state,
            row.paused_by,
            find_phase(row),
            row.generation,
            len(ended),
            row.aborted_by,
            back,
            self._list_asked(row),
            describe_roughly(row.sentence) if row.state == "running" else "",
            self._journal.find_times(upgrade) or (),
        )
        self._outbox.put_message(upgrade, "root", row.channel, body, now)

    def tell_sentences(self, row: UpgradeRow, sentences: Sequence[str], now: datetime) -> None:
        """Milestones that a step said besides its outcome."""
        for sentence in sentences:
            if isinstance(sentence, Aside) and may_fold(row):
                self._fold(row, MilestoneBody(str(sentence), find_phase(row)), now)
            else:
                self._tell(row, str(sentence), None, now)

    def tell_done(self, row: UpgradeRow, outcome: Done, now: datetime, head: str = "") -> None:
        """Tell a milestone or, at the end of the plan, the report with the audit's head."""
        told = self._end_progress(row, outcome)
        if row.plan[-1] == row.step:
            self._tell_end(row, outcome, now, head)
        elif outcome.sentence and is_folded(row):
            self._fold(row, MilestoneBody(outcome.sentence, find_phase(row), outcome.card), now)
        elif outcome.sentence and not told and not self._is_told_by_card(row):
            self._tell(row, outcome.sentence, outcome.card, now)
        for file in outcome.attachments:
            put = self._outbox.keep_message if stays_in_journal(row, file.name) else self._outbox.add_message
            put(row.id, row.channel, FileBody(file.name, file.text), now)

    def tell_waiting(self, row: UpgradeRow, outcome: Waiting, now: datetime) -> None:
        """The phase's one progress message, where there is progress to show."""
        if not shows_progress(row) or (outcome.progress is None and not outcome.details):
            return
        body = ProgressBody(outcome.why, find_phase(row), outcome.progress, tuple(outcome.details))
        self._outbox.put_message(row.id, self._name_progress(row), row.channel, body, now)

    def close_progress(self, row: UpgradeRow) -> None:
        """The step's progress message, if it has one, shows no more movement."""
        self._outbox.amend_message(row.id, self._name_progress(row), end_progress)

    def tell_question(
        self, row: UpgradeRow, generation: int, outcome: Ask | Blocked, now: datetime, expires: datetime | None
    ) -> str:
        """A card with what is asked; its buttons follow from the choices. Answers the SHA-256 of what it says."""
        body = self._describe_question(row, generation, outcome, expires)
        self._outbox.put_message(row.id, name_card(row.step, generation), row.channel, body, now)
        if isinstance(outcome, Blocked):
            self._outbox.amend_message(row.id, self._name_progress(row), partial(end_progress, sentence=outcome.why))
            self._attach(row, outcome.attachments, now)
        return digest_shown(encode_body(body))

    def move_thread(self, row: UpgradeRow, channel: str, by: str, now: datetime) -> None:
        """Go on in another channel: the last card and what moves are told anew there, and nothing is asked here."""
        how, here = f"moved to <#{channel}> by {mention(by)}", self.find_root(row.id)
        slots = [self._outbox.find_last_gate(row.id), name_card(row.step, row.generation), self._name_progress(row)]
        found = {slot: body for slot in slots if slot and (body := self._outbox.find_body(row.id, slot))}
        going = {slot: body for slot, body in found.items() if not getattr(body, "ended", False)}
        roots = dict.fromkeys(
            ("root", *(one.slot for one in self._outbox.list_left_roots(row.id))), RootBody(left_for=channel)
        )
        cards = {
            slot: leave_body(body, how, now) for slot, body in going.items() if not isinstance(body, UnreadableBody)
        }
        self._outbox.leave_channel(row.id, Leaving(row.channel, channel, how), {**roots, **cards}, going)
        if row.state == "blocked" and isinstance(found.get(slots[1]), UnreadableBody):
            self._tell_lost_trouble(replace(row, channel=channel), now)
        before = f"; what was told before stands in <#{row.channel}>" if here else ""
        self._tell(replace(row, channel=channel), f"moved here by {mention(by)}{before}", None, now)
        left = f"{how}: what follows is told there"
        if here:
            last = MilestoneBody(left, find_phase(row))
            self._outbox.put_message(row.id, f"{FAREWELL}{here}", row.channel, last, now)
        self.tell_directly(row, left, f"as not everybody may be in <#{channel}>", now, by)

    def _tell_lost_trouble(self, row: UpgradeRow, now: datetime) -> None:
        """The card of what blocks it can't be read; its row has the same words."""
        question = self._journal.find_question(row.id, row.step, row.generation)
        blocked = Blocked(row.sentence, row.remedy, question.choices if question else ())
        self.tell_question(row, row.generation, blocked, now, None)

    def find_root(self, upgrade: str) -> str:
        """The ts of the upgrade's root, "" where Slack has none."""
        return self._outbox.read_thread(upgrade)[1]

    def redraw(self, row: UpgradeRow) -> None:
        """What root and card show beside their own words is other than it was."""
        self._outbox.touch_message(row.id, "root")
        self.redraw_card(row)

    def redraw_card(self, row: UpgradeRow) -> None:
        """The card of the open question has other buttons now."""
        if row.state in ("asking", "blocked"):
            self._outbox.touch_message(row.id, name_card(row.step, row.generation))

    def digest_card(self, row: UpgradeRow) -> str:
        """The SHA-256 of what the card of the upgrade's current question says, "" where there is none to read."""
        body = self._outbox.find_body(row.id, name_card(row.step, row.generation))
        return digest_shown(encode_body(body)) if isinstance(body, Asking) else ""

    def close_card(self, row: UpgradeRow, how: str, now: datetime, head: str = "") -> None:
        """The card of the upgrade's current question says how it ended, with the audit's head, and has no buttons."""
        closed = partial(close_body, how=how, head=head, at=now)
        self._outbox.amend_message(row.id, name_card(row.step, row.generation), closed)
        self._outbox.close_asking(row.id, row.step, row.generation, how)

    def close_return(self, upgrade: str) -> None:
        """The report of an upgrade loses the button of its way back."""
        self._outbox.amend_message(upgrade, "finished", close_return)

    def close_reminder(self, seq: int, channel: str, how: str) -> None:
        """A reminder in a channel says what became of it and loses its buttons."""
        self._outbox.amend_message("", name_reminder(seq, channel), partial(close_body, how=how))

    def close_reminders(self, row: UpgradeRow, how: str, *kinds: ReminderKind) -> None:
        """The upgrade's reminders, those of these kinds or all, are of no use any more."""
        self._outbox.close_reminders(row.id, kinds or REMINDER_KINDS, how)

    def answer(self, body: AnswerBody, now: datetime) -> None:
        """A private answer to one person."""
        self._outbox.add_message("", body.channel, body, now)

    def tell(self, row: UpgradeRow, sentence: str, now: datetime) -> None:
        """A milestone about what a person did."""
        self._tell(row, sentence, None, now)

    def call_everybody(self, row: UpgradeRow, now: datetime) -> None:
        """A milestone that mentions all who may answer, and who started it: a half upgraded cluster waits for them."""
        mentions = " ".join(map(mention, self.list_called(row)))
        self._tell(
            row,
            f"🚨 nobody answered in time, and {row.cluster} stands half upgraded at {find_phase(row)}: "
            f"the question is asked again. {mentions}",
            None,
            now,
        )

    def tell_directly(self, row: UpgradeRow, sentence: str, why: str, now: datetime, but: str = "") -> None:
        """Write to those who are called, `but` one, what they may not see in the upgrade's channel."""
        for user in self.list_called(row):
            if user != but:
                self._outbox.add_message("", user, MilestoneBody(f"{row.id}: {sentence} (told directly, {why})"), now)

    def attach(self, row: UpgradeRow, attachment: Attachment, now: datetime) -> None:
        """A file in the thread."""
        self._attach(row, [attachment], now)

    def _end_progress(self, row: UpgradeRow, outcome: Done) -> bool:
        """Let the step's progress message tell its outcome; answers whether that takes the place of a milestone.

        A bar stays for the record, and other milestones came after it, so the end is told below them as well.
        """
        slot = self._name_progress(row)
        body = self._outbox.find_body(row.id, slot)
        if not isinstance(body, ProgressBody) or not outcome.sentence:
            return False
        ended = partial(end_progress, sentence=outcome.sentence, details=(), barless=row.step in GOES_ON)
        self._outbox.amend_message(row.id, slot, ended)
        return outcome.card is None and (body.progress is None or row.step in GOES_ON)

    def _is_told_by_card(self, row: UpgradeRow) -> bool:
        """Whether the gate's own card says already who opened it."""
        question = self._journal.find_question(row.id, row.step, row.generation)
        return question is not None and question.kind == "gate" and question.state == "decided"

    def note(self, row: UpgradeRow, sentence: str, now: datetime) -> None:
        """What the root or a card shows already: it is on record, and no message tells it."""
        self._outbox.keep_message(row.id, row.channel, MilestoneBody(sentence, find_phase(row)), now)

    def _fold(self, row: UpgradeRow, body: MilestoneBody, now: datetime) -> None:
        """Let the card decided last carry it; before the first one the proposal tells what there is to know."""
        slot = PROPOSED if row.step == "prepare/propose" else ""
        self._outbox.keep_message(row.id, row.channel, body, now, slot)
        if slot := self._outbox.find_last_gate(row.id):
            self._outbox.amend_message(row.id, slot, partial(add_line, line=Line(body.sentence, now)))

    def _name_progress(self, row: UpgradeRow) -> str:
        """The slot of the step's progress message, which may be that of the step before it."""
        own = f"progress:{row.step}"
        before = GOES_ON.get(row.step, "") if may_fold(row) else ""
        return f"progress:{before}" if before and not self._outbox.has_message(row.id, own) else own

    def _tell(self, row: UpgradeRow, sentence: str, card: Card | None, now: datetime) -> None:
        self._outbox.add_message(row.id, row.channel, MilestoneBody(sentence, find_phase(row), card), now)

    def _tell_end(self, row: UpgradeRow, outcome: Done, now: datetime, head: str) -> None:
        self.close_reminders(row, "the upgrade has ended")
        source = self._journal.recall(row.id, SOURCE)
        counts = self._journal.count_ledger(row.id)
        body = FinishedBody(
            sentence=outcome.sentence,
            card=outcome.card,
            result=name_end(row),
            source=str(source or ""),
            target=row.release,
            pods=PodNumbers(counts.get("upgraded", 0), counts.get("manual", 0), count_pods(counts)),
            head=head,
            returnable=has_written(self._journal, row),
        )
        self._outbox.put_message(row.id, "finished", row.channel, body, now)
        if body.result != "proposed":
            self._outbox.add_message(
                row.id, row.channel, FileBody(f"{row.id}-change-record.html", made="change record"), now
            )

    def _find_proposal(self, row: UpgradeRow) -> Card | None:
        """What the upgrade began with, for its first card alone."""
        proposal = None if self._outbox.find_last_gate(row.id) else self._outbox.find_body(row.id, PROPOSED)
        return proposal.card if isinstance(proposal, MilestoneBody) else None

    def _list_asked(self, row: UpgradeRow) -> tuple[str, ...]:
        if row.state == "blocked":
            return self.list_called(row)
        return tuple(self._approvers_of(row.cluster, row.requester)) if row.state == "asking" else ()

    def list_called(self, row: UpgradeRow) -> tuple[str, ...]:
        """Who is called where the upgrade can't go on: who asked for it, and who may approve it."""
        people = (row.requester, *self._approvers_of(row.cluster, row.requester))
        return tuple(user for user in dict.fromkeys(people) if user not in ("", OPERATOR))

    def _attach(self, row: UpgradeRow, attachments: Sequence[Attachment], now: datetime) -> None:
        for attachment in attachments:
            self._outbox.add_message(row.id, row.channel, FileBody(attachment.name, attachment.text), now)

    def _describe_question(
        self, row: UpgradeRow, generation: int, outcome: Ask | Blocked, expires: datetime | None
    ) -> Asking:
        choices = tuple(outcome.choices)
        if isinstance(outcome, Blocked):
            code = build_code(row.id, row.step, generation, "") if choices else ""
            people = self.list_called(row)
            return BlockedBody(
                outcome.why, outcome.remedy, choices, row.step, generation, expires, code=code, people=people
            )
        return GateBody(
            question=outcome.question,
            card=outcome.card,
            moved=tuple(outcome.moved),
            digest=outcome.digest,
            approvers=tuple(self._approvers_of(row.cluster, row.requester)),
            choices=choices,
            step=row.step,
            generation=generation,
            expires_at=expires,
            code=build_code(row.id, row.step, generation, outcome.digest),
            proposal=self._find_proposal(row),
            known=self._list_known(row, outcome.card),
        )

    def _list_known(self, row: UpgradeRow, card: Card) -> tuple[str, ...]:
        """The risks on a card of the upgrade that was approved, or on this gate's of the last upgrade that had one."""
        before = (one.id for one in self._journal.list_upgrades(row.cluster, UPGRADES_BACK) if one.id != row.id)
        last = next(filter(None, (self._list_approved(upgrade, row.step) for upgrade in before)), [])
        cards = [*self._list_approved(row.id), *last]
        shown = {risk for body in cards if body.card for risk in body.card.risks}
        return tuple(risk for risk in card.risks if risk in shown)

    def _list_approved(self, upgrade: str, step: str = "") -> list[GateBody]:
        """The cards that somebody approved: one that nobody decided may never have been seen by anybody."""
        asked = self._journal.list_questions(upgrade)
        approved = {(one.step, one.generation) for one in asked if one.state == "decided" and one.choice in APPROVALS}
        cards = self._outbox.list_cards(upgrade, step)
        return [body for body in cards if (body.step, body.generation) in approved]
