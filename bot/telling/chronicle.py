"""Turns outcomes into rows of the outbox, inside the transaction that journals them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from bot.journal.journal import Journal
from bot.journal.outbox import KINDS, Outbox, name_reminder
from bot.journal.rows import UpgradeRow, name_end
from steps.contract.cards import Attachment, Card
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.notes.prepare import SOURCE

PodCounts = Mapping[str, int]


class ApproversOf(Protocol):
    """Who may approve on a cluster, for the mentions on a card."""

    def __call__(self, cluster: str) -> Sequence[str]: ...


class Chronicle:
    """What the thread of an upgrade tells. `to_plain` keeps keys stable so that unchanged messages stay unsent."""

    def __init__(self, journal: Journal, outbox: Outbox, approvers_of: ApproversOf) -> None:
        self._journal = journal
        self._outbox = outbox
        self._approvers_of = approvers_of

    def draw_root(self, upgrade: str, now: datetime) -> None:
        """Have the root message drawn again if anything that it shows has changed."""
        row = self._journal.find_upgrade(upgrade)
        if row is None:
            return
        phase = row.step.partition("/")[0]
        steps = [(step.step, step.outcome) for step in self._journal.list_steps(upgrade) if step.outcome != "Waiting"]
        shown = {"state": row.state, "paused_by": row.paused_by, "phase": phase, "generation": row.generation}
        self._outbox.put_message(
            upgrade, "root", "root", row.channel, {**shown, "steps": len(steps), "aborted_by": row.aborted_by}, now
        )

    def tell_sentences(self, row: UpgradeRow, sentences: Sequence[str], now: datetime) -> None:
        """Milestones that a step said besides its outcome."""
        for sentence in sentences:
            self._tell(row, sentence, None, now)

    def tell_done(self, row: UpgradeRow, outcome: Done, now: datetime) -> None:
        """A milestone; at the plan's end the report."""
        told = self._end_progress(row, outcome)
        if row.plan[-1] == row.step:
            self._tell_end(row, outcome, now)
        elif outcome.sentence and not told and not self._is_told_by_card(row):
            self._tell(row, outcome.sentence, outcome.card, now)
        self._attach(row, outcome.attachments, now)

    def tell_waiting(self, row: UpgradeRow, outcome: Waiting, now: datetime) -> None:
        """The phase's one progress message, where there is progress to show."""
        if outcome.progress is None and not outcome.details:
            return
        body = {
            "sentence": outcome.why,
            "phase": _phase(row),
            "progress": asdict(outcome.progress) if outcome.progress else None,
            "details": list(outcome.details),
            "ended": False,
        }
        self._outbox.put_message(row.id, "progress", _progress_slot(row), row.channel, body, now)

    def close_progress(self, row: UpgradeRow) -> None:
        """The step's progress message, if it has one, shows no more movement."""
        self._outbox.amend_message(row.id, _progress_slot(row), {"ended": True})

    def tell_question(
        self, row: UpgradeRow, generation: int, outcome: Ask | Blocked, now: datetime, expires: datetime | None
    ) -> None:
        """A card with what is asked; its buttons follow from the choices."""
        if isinstance(outcome, Ask):
            kind, body = "gate", describe_gate(outcome)
            body["approvers"] = list(self._approvers_of(row.cluster))
        else:
            kind, body = "blocked", {"sentence": outcome.why, "remedy": outcome.remedy}
        body |= {
            "choices": [asdict(choice) for choice in outcome.choices],
            "step": row.step,
            "generation": generation,
            "expires_at": expires.isoformat() if expires else None,
            "closed": "",
        }
        self._outbox.put_message(
            row.id, "gate" if kind == "gate" else "blocked", card_slot(row.step, generation), row.channel, body, now
        )
        if isinstance(outcome, Blocked):
            self._outbox.amend_message(row.id, _progress_slot(row), {"ended": True, "sentence": outcome.why})
            self._attach(row, outcome.attachments, now)

    def close_card(self, row: UpgradeRow, how: str) -> None:
        """The card of the upgrade's current question says how it ended and loses its buttons."""
        self._outbox.amend_message(row.id, card_slot(row.step, row.generation), {"closed": how})
        self._outbox.close_asking(row.id, row.step, row.generation, how)

    def close_reminder(self, seq: int, channel: str, how: str) -> None:
        """A reminder in a channel says what became of it and loses its buttons."""
        self._outbox.amend_message("", name_reminder(seq, channel), {"closed": how})

    def close_reminders(self, row: UpgradeRow, how: str, kinds: Collection[str] = KINDS) -> None:
        """The upgrade's reminders, those of these kinds, are of no use any more."""
        self._outbox.close_reminders(row.id, kinds, how)

    def answer(self, body: Mapping[str, Any], channel: str, now: datetime) -> None:
        """A private answer to one person."""
        self._outbox.add_message("", "answer", channel, body, now)

    def tell(self, row: UpgradeRow, sentence: str, now: datetime) -> None:
        """A milestone about what a person did."""
        self._tell(row, sentence, None, now)

    def attach(self, row: UpgradeRow, attachment: Attachment, now: datetime) -> None:
        """A file in the thread."""
        self._attach(row, [attachment], now)

    def _end_progress(self, row: UpgradeRow, outcome: Done) -> bool:
        """Have the step's progress message tell its outcome; answers whether that takes the place of a milestone.

        A bar stays for the record, and other milestones came after it, so the end is told below them as well.
        """
        body = self._outbox.find_body(row.id, _progress_slot(row))
        if body is None or not outcome.sentence:
            return False
        end = {"ended": True, "sentence": outcome.sentence, "details": []}
        self._outbox.amend_message(row.id, _progress_slot(row), end)
        return body.get("progress") is None and outcome.card is None

    def _is_told_by_card(self, row: UpgradeRow) -> bool:
        """Whether the gate's own card says already who opened it."""
        question = self._journal.find_question(row.id, row.step, row.generation)
        return question is not None and question.kind == "gate" and question.state == "decided"

    def _tell(self, row: UpgradeRow, sentence: str, card: Card | None, now: datetime) -> None:
        body = {"sentence": sentence, "phase": _phase(row), "card": asdict(card) if card else None}
        self._outbox.add_message(row.id, "milestone", row.channel, body, now)

    def _tell_end(self, row: UpgradeRow, outcome: Done, now: datetime) -> None:
        self.close_reminders(row, "the upgrade has ended")
        source = self._journal.recall(row.id, SOURCE)
        counts = self._journal.count_ledger(row.id)
        total = sum(counts.values())
        body = {
            "sentence": outcome.sentence,
            "card": asdict(outcome.card) if outcome.card else None,
            "result": name_end(row),
            "source": source.version if source else "",
            "target": row.release,
            "pods": {"upgraded": counts.get("upgraded", 0), "manual": counts.get("manual", 0), "total": total},
        }
        self._outbox.put_message(row.id, "finished", "finished", row.channel, body, now)

    def _attach(self, row: UpgradeRow, attachments: Sequence[Attachment], now: datetime) -> None:
        for attachment in attachments:
            self._outbox.add_message(row.id, "file", row.channel, asdict(attachment), now)


def _progress_slot(row: UpgradeRow) -> str:
    return f"progress:{row.step}"


def card_slot(step: str, generation: int) -> str:
    """The slot of the card that asks the question of this step and generation."""
    return f"card:{step}:{generation}"


def describe_gate(ask: Ask) -> dict[str, Any]:
    """The body of a gate's card."""
    return {"question": ask.question, "card": asdict(ask.card), "moved": list(ask.moved), "digest": ask.digest}


def _phase(row: UpgradeRow) -> str:
    return row.step.partition("/")[0]
