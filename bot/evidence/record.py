"""All that the journal holds of one upgrade, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.journal.audit import Acted, AuditEntry, read_event
from bot.journal.bodies import BlockedBody, GateBody, decode_body, digest_shown
from bot.journal.chain import SealedRow, find_breaks
from bot.journal.journal import JournalView
from bot.journal.outbox import name_card
from bot.journal.rows import Question, StepRow, UpgradeRow, at_time
from bot.journal.store import Store, StoredCopy
from bot.journal.verifying import Chains
from bot.telling import waits
from steps.contract.ledger import LedgerEntry
from steps.notes.prepare import SOURCE


@dataclass(frozen=True)
class AskedQuestion:
    """A question with the card that asked it; `shown` is the SHA-256 of what that card said, "" where it is lost."""

    question: Question
    card: GateBody | BlockedBody | None
    shown: str


@dataclass(frozen=True)
class CallMade:
    """One thing that the bot did to the cluster, and how it ended."""

    at: datetime
    step: str
    did: str
    to: str
    result: str


@dataclass(frozen=True)
class ChangeRecord:
    """What was asked, shown, decided and done in one upgrade. `faults` says where the audit's chain is broken."""

    upgrade: UpgradeRow
    source: str
    way_back: str
    read_at: datetime
    steps: tuple[StepRow, ...]
    questions: tuple[AskedQuestion, ...]
    calls: tuple[CallMade, ...]
    ledger: tuple[LedgerEntry, ...]
    audit: tuple[SealedRow, ...]
    faults: tuple[str, ...]

    @property
    def head(self) -> str:
        """The seal of the audit's last row, "" where there is none."""
        return self.audit[-1].seal if self.audit else ""

    @property
    def ended_at(self) -> datetime:
        """When the upgrade ended; while it is open, when it was read."""
        return self.upgrade.ended_at or self.read_at


def read_record(store: Store | StoredCopy, upgrade: str, now: datetime) -> ChangeRecord:
    """The record of an upgrade as the journal has it now; KeyError where there is no such upgrade."""
    journal, chains = JournalView(store), Chains(store)
    row = journal.find_upgrade(upgrade)
    if row is None:
        raise KeyError(upgrade)
    back = journal.find_return(upgrade)
    audit = chains.list_rows(upgrade)
    return ChangeRecord(
        upgrade=row,
        source=str(journal.recall(upgrade, SOURCE) or ""),
        way_back=f"{back.id} ({back.state})" if back else "",
        read_at=now,
        steps=tuple(journal.list_steps(upgrade)),
        questions=tuple(_find_card(chains, question) for question in journal.list_questions(upgrade)),
        calls=tuple(_list_calls(audit)),
        ledger=journal.read_ledger(upgrade),
        audit=tuple(audit),
        faults=tuple(find_breaks(audit)),
    )


def _find_card(chains: Chains, question: Question) -> AskedQuestion:
    stored = chains.find_card(question.upgrade, name_card(question.step, question.generation))
    body = decode_body("blocked" if question.kind == "blocked" else "gate", stored) if stored else None
    card = body if isinstance(body, GateBody | BlockedBody) else None
    return AskedQuestion(question, card, digest_shown(stored) if card else "")


def _list_calls(audit: list[SealedRow]) -> list[CallMade]:
    entries = [
        AuditEntry(at_time(row.at), row.actor, read_event(row.action, row.detail))
        for row in audit
        if row.action == "act"
    ]
    return [
        CallMade(entry.at, entry.event.step, deed.did, deed.to, deed.result)
        for entry in entries
        if isinstance(entry.event, Acted)
        for deed in entry.event.deeds
    ]


def count_waited(record: ChangeRecord) -> float:
    """The seconds in which the upgrade waited for a person."""
    return waits.count_waits(_list_questions(record), record.upgrade.created_at, record.ended_at)


def find_open_time(record: ChangeRecord, question: Question) -> tuple[datetime, datetime]:
    """From when to when the question stood open."""
    return waits.find_wait(question, _list_questions(record), record.ended_at)


def _list_questions(record: ChangeRecord) -> list[Question]:
    return [asked.question for asked in record.questions]
