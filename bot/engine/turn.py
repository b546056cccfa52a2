"""One turn of a step: what it recorded, which commits with its outcome, and how long it has waited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
import structlog

from bot.journal.audit import Deed
from bot.journal.journal import Journal
from bot.journal.rows import LONGEST_PAUSE, UpgradeRow, encode_json
from steps.contract.errors import NotGranted
from steps.contract.ledger import Ledger, LedgerEntry
from steps.contract.notes import Json
from steps.contract.step import Ask, Blocked, Done, Outcome, Step, Waiting
from steps.contract.wording import describe_seconds, name_phase

log = structlog.get_logger(__name__)


# Google's own "7 minutes or longer" (cloud.google.com/iam/docs/access-change-propagation).
GRANT_TAKES = timedelta(minutes=10)
# Seconds; most of what passes has passed by then.
SHORTEST_PAUSE = 2.0


@dataclass
class Turn:
    """What one run of a step recorded besides its outcome; commits together with it."""

    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    revised: dict[str, Json] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)


class TurnMemory:
    """The memory of an upgrade as one turn sees it: what it revises commits together with its outcome.

    `notes` are those that were proven when the turn began; the journal's file is not read again.
    """

    def __init__(self, journal: Journal, upgrade: str, turn: Turn, notes: Mapping[str, Json]) -> None:
        self._journal = journal
        self._upgrade = upgrade
        self._turn = turn
        self._notes = dict(notes)

    def remember(self, key: str, value: Json) -> Json:
        """Commit the value at once, unless the key has one."""
        if self._turn.revised.get(key) is not None:
            return self._turn.revised[key]
        if key in self._turn.revised:
            self.note_at_once(key, self._turn.revised.pop(key))
        if self._notes.get(key) is None:
            self.note_at_once(key, value)
        return self._notes[key]

    def note_at_once(self, key: str, value: Json) -> None:
        """Commit the value now, whatever the key had."""
        self._journal.revise_json(self._upgrade, key, value)
        self._turn.revised.pop(key, None)
        # as it is read again after a restart
        self._notes[key] = msgspec.json.decode(encode_json(value))

    def recall(self, key: str) -> Json:
        """The value under the key, or None."""
        if key in self._turn.revised:
            return self._turn.revised[key]
        return self._notes.get(key)

    def revise(self, key: str, value: Json) -> None:
        """Replace the value; it commits with the turn's outcome."""
        self._turn.revised[key] = value


class TurnLedger(Ledger):
    """The ledger as one turn sees it: the journal's entries with the turn's own on top."""

    def __init__(self, journal: Journal, upgrade: str, turn: Turn) -> None:
        self._journal = journal
        self._upgrade = upgrade
        self._turn = turn

    def read_entries(self) -> tuple[LedgerEntry, ...]:
        """All entries, ordered by namespace and pod."""
        entries = {entry.uid: entry for entry in self._journal.read_ledger(self._upgrade)} | self._turn.entries
        return tuple(sorted(entries.values(), key=lambda entry: (entry.namespace, entry.pod)))

    def record_entries(self, entries: Iterable[LedgerEntry]) -> None:
        """Add or replace entries; they commit with the turn's outcome."""
        self._turn.entries.update({entry.uid: entry for entry in entries})


def correct_wait(row: UpgradeRow, now: datetime) -> datetime:
    """Since when the step waits; time in which nobody looked (an outage, a clock set forward) doesn't count."""
    if row.waiting_since is None or row.due is None:
        return now
    unseen = now - row.due
    since = row.waiting_since + unseen if unseen > LONGEST_PAUSE else row.waiting_since
    return min(since, now)


def limit_patience(step: Step | None, row: UpgradeRow, outcome: Outcome, now: datetime) -> Outcome:
    """Turn a Waiting that is past its step's patience into Blocked."""
    if not isinstance(outcome, Waiting) or outcome.queued or step is None or row.waiting_since is None:
        return outcome
    waited = now - row.waiting_since
    if waited <= step.patience:
        return outcome
    return Blocked(
        f"{name_phase(step.id)} has waited for {describe_seconds(waited.total_seconds())}, longer than its patience: "
        f"{outcome.why}",
        "Look at what it waits for. Retry waits again from now on; abort ends the upgrade.",
    )


def grow_pause(row: UpgradeRow, now: datetime, longest: float) -> float:
    """Seconds until a call that may go through later is tried again: half as long as it was tried for already."""
    waited = (now - row.waiting_since).total_seconds() if row.waiting_since else 0.0
    return min(max(waited / 2, SHORTEST_PAUSE), longest)


def judge_missing(fault: NotGranted, retried_at: datetime | None, now: datetime) -> Waiting | Blocked:
    """What comes of a missing right: whoever pressed Retry has just granted it, so it is looked for for a while."""
    since = now - retried_at if retried_at else GRANT_TAKES
    if not timedelta(0) <= since < GRANT_TAKES:
        return Blocked(fault.why, fault.remedy)
    sentence = f"{fault.why}; what was just granted may count only minutes later, and is looked for until then"
    return Waiting(sentence, min(max(since.total_seconds() / 2, 5.0), 60.0))


def describe_outcome(outcome: Outcome) -> str:
    """The outcome's own sentence."""
    match outcome:
        case Done(sentence=sentence):
            return sentence
        case Waiting(why=why) | Blocked(why=why):
            return why
        case Ask(question=question):
            return question
        case _:
            assert_never(outcome)


class StepLog:
    """Logs what steps answer, once: one that waits answers the same at every look."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, str, str]] = {}

    @contextmanager
    def name_upgrade(self, row: UpgradeRow) -> Iterator[None]:
        """While it lasts, every line logged on this thread, by libraries too, names the upgrade and its cluster."""
        with structlog.contextvars.bound_contextvars(upgrade=row.id, cluster=row.cluster):
            yield

    def note_outcome(self, row: UpgradeRow, outcome: Outcome) -> None:
        """Log what the step answered, unless it is what it answered before."""
        said = row.step, type(outcome).__name__, describe_outcome(outcome)
        if self._said.get(row.id) == said:
            return
        self._said[row.id] = said
        if isinstance(outcome, Done) and row.step == row.plan[-1]:
            del self._said[row.id]
        log.info("step", upgrade=row.id, cluster=row.cluster, step=said[0], outcome=said[1], why=said[2])
