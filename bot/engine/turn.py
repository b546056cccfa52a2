"""What one run of a step recorded: its memory and ledger commit with its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.journal.journal import Journal
from steps.contract.ledger import Ledger, LedgerEntry
from steps.contract.notes import Json


@dataclass
class Turn:
    """What one run of a step recorded besides its outcome; commits together with it."""

    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    revised: dict[str, Json] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)


class TurnMemory:
    """The memory of an upgrade as one turn sees it: what it revises commits together with its outcome."""

    def __init__(self, journal: Journal, upgrade: str, turn: Turn) -> None:
        self._journal = journal
        self._upgrade = upgrade
        self._turn = turn

    def remember(self, key: str, value: Json) -> Json:
        """Commit the value at once, unless the key has one."""
        if key in self._turn.revised:
            return self._turn.revised[key]
        return self._journal.remember_json(self._upgrade, key, value)

    def recall(self, key: str) -> Json:
        """The value under the key, or None."""
        if key in self._turn.revised:
            return self._turn.revised[key]
        return self._journal.recall_json(self._upgrade, key)

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
