"""Looks through a journal, or a file that was exported of it, for what was changed since it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec

from bot.journal.audit import Asked, AuditEvent, Consented, Decided, GlassBroken, Halted, Retried, Started, read_event
from bot.journal.bodies import digest_shown
from bot.journal.chain import SHORT, SealedEnd, SealedRow, find_breaks, name_row
from bot.journal.outbox import name_card
from bot.journal.packs.forms import KEYS, BadPack, Columns, PackedTable, read_pack
from bot.journal.packs.views import find_columns
from bot.journal.store import Row, Store, StoredCopy

FIELDS = "upgrade, at, actor, action, detail, before, seal"
# Fewer letters of a head are found by trying.
SHORTEST_HEAD = 12


class BadExport(Exception):
    """A file is no export of an audit; its words are a sentence."""


@dataclass(frozen=True)
class Examination:
    """What was looked through, in a sentence, and what is wrong, a sentence each."""

    looked: str
    faults: tuple[str, ...]


class Chains:
    """Reads the chains of a journal."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._rows = store.read

    def list_rows(self, upgrade: str) -> list[SealedRow]:
        """The audit of an upgrade, in order."""
        rows = self._rows(f"select {FIELDS} from audit where upgrade = ? order by seq", [upgrade])
        return [SealedRow(**row) for row in rows]

    def list_ends(self) -> list[SealedEnd]:
        """The journal's own chain, in order."""
        return [SealedEnd(**row) for row in self._rows("select upgrade, at, head, before, seal from ends order by seq")]

    def list_upgrades(self) -> list[str]:
        """Every upgrade that the audit or the journal's own chain knows, or that there is."""
        rows = self._rows("select upgrade from audit union select id from upgrades union select upgrade from ends")
        return sorted(row["upgrade"] for row in rows)

    def list_decided(self, upgrade: str) -> Mapping[tuple[str, int], Row]:
        """The upgrade's questions that were decided, by step and generation."""
        rows = self._rows("select * from whole_approvals where upgrade = ? and state = 'decided'", [upgrade])
        return {(row["step"], row["generation"]): row for row in rows}

    def find_requester(self, upgrade: str) -> str:
        """Whose upgrade it is by its own row."""
        rows = self._rows("select requester from upgrades where id = ?", [upgrade])
        return str(rows[0]["requester"]) if rows else ""

    def find_card(self, upgrade: str, slot: str) -> str:
        """What the card under this slot says, as it is stored; "" where there is none."""
        rows = self._rows("select body from whole_outbox where upgrade = ? and slot = ?", [upgrade, slot])
        return str(rows[0]["body"]) if rows else ""

    def list_bad_packs(self) -> list[str]:
        """What is wrong with packed rows, a phrase with its upgrade each."""
        # a journal that no bot of this version has opened yet
        if not self._rows("select 1 from sqlite_master where name = 'packs'"):
            return []
        columns = find_columns(lambda sql, given: [tuple(row.values()) for row in self._rows(sql, given)])
        packed = self._rows("select upgrade from packs order by upgrade")
        return [
            f"{row['upgrade']}: {fault}" for row in packed for fault in self._find_pack_faults(row["upgrade"], columns)
        ]

    def _find_pack_faults(self, upgrade: str, columns: Columns) -> list[str]:
        (row,) = self._rows("select kept, told from packs where upgrade = ?", [upgrade])
        try:
            pack = read_pack(row["kept"], columns) | read_pack(row["told"], columns)
        except BadPack as fault:
            return [f"what was packed of it can't be read: {fault}"]
        doubled = [table for table, rows in pack.items() if self._stand(upgrade, table, rows)]
        return [f"rows of {table} stand beside the same ones that are packed" for table in doubled]

    def _stand(self, upgrade: str, table: str, rows: PackedTable) -> bool:
        """Whether any of the packed rows has a place that another one has in its table."""
        if table == "outbox":
            return self._stand_messages(upgrade, rows)
        keys = KEYS[table]
        packed = set(zip(*(rows.columns[rows.names.index(key)] for key in keys), strict=True))
        standing = self._rows(f"select {', '.join(keys)} from {table} where upgrade = ?", [upgrade])
        return any(tuple(row.values()) in packed for row in standing)

    def _stand_messages(self, upgrade: str, rows: PackedTable) -> bool:
        """The same of messages, whose numbers and ids are no other upgrade's either."""
        cells = dict(zip(rows.names, rows.columns, strict=True))
        seqs, ids, slots = (json.dumps(list(map(str, cells.get(name, ())))) for name in ("seq", "id", "slot"))
        found = """
            select 1 from outbox where seq in (select cast(value as integer) from json_each(?))
                or id in (select value from json_each(?))
                or (upgrade = ? and slot <> '' and slot in (select value from json_each(?)))
        """
        return bool(self._rows(found, [seqs, ids, upgrade, slots]))

    def list_ended(self) -> list[str]:
        """The upgrades that have ended, by their own rows."""
        return [row["id"] for row in self._rows("select id from upgrades where ended_at is not null order by id")]


def verify_journal(chains: Chains, head: str = "") -> Examination:
    """Every chain of the journal. `head` is one that was noted elsewhere, whole or its beginning."""
    audits = {upgrade: chains.list_rows(upgrade) for upgrade in chains.list_upgrades()}
    ends = chains.list_ends()
    faults = [f"{upgrade}: {fault}" for upgrade, rows in audits.items() for fault in find_breaks(rows)]
    faults += [f"the journal's own chain: {fault}" for fault in find_breaks(ends)]
    faults += _find_lost_ends(audits, ends, chains.list_ended())
    faults += chains.list_bad_packs()
    for upgrade, rows in audits.items():
        faults += [f"{upgrade}: {fault}" for fault in find_contradictions(chains, upgrade, rows)]
    seals = [row.seal for rows in audits.values() for row in rows] + [end.seal for end in ends]
    faults += _check_head(head, seals)
    count, ended = sum(map(len, audits.values())), len({end.upgrade for end in ends})
    return Examination(f"{count} rows of {len(audits)} upgrades, {ended} of them ended", tuple(faults))


def find_contradictions(chains: Chains, upgrade: str, rows: Sequence[SealedRow]) -> list[str]:
    """Where other tables tell it otherwise than the audit, a sentence each."""
    decided = chains.list_decided(upgrade)
    audited: set[tuple[str, int]] = set()
    found: list[str] = []
    for number, row in enumerate(rows, 1):
        here = f"row {number} ({name_row(row)})"
        event = _read_event(row)
        if isinstance(event, Started) and row.actor != chains.find_requester(upgrade):
            found.append(f"{here}: the upgrade's own row names another requester")
        if isinstance(event, Decided | GlassBroken | Retried):
            audited |= {(event.step, event.generation)}
            found += _compare_decision(here, row, event, decided)
        if isinstance(event, Asked | Halted | Consented | Decided | GlassBroken | Retried) and event.shown:
            card = chains.find_card(upgrade, name_card(event.step, event.generation))
            if card and digest_shown(card) != event.shown:
                found.append(f"{here}: the card of {event.step} in the outbox says something else than was shown")
    # rows of earlier versions don't say which of a step's questions was retried
    unknown = [key for key, one in decided.items() if key not in audited and one["choice"] != "retry"]
    return found + [
        f"{step} ({generation}) is decided, and the audit knows nothing of it" for step, generation in unknown
    ]


def _compare_decision(
    here: str, row: SealedRow, event: Decided | GlassBroken | Retried, decided: Mapping[tuple[str, int], Row]
) -> list[str]:
    if not event.generation:
        return []
    kept = decided.get((event.step, event.generation))
    if kept is None:
        return [f"{here}: the decision of {event.step} is gone from the approvals"]
    choice = event.choice if isinstance(event, Decided) else kept["choice"]
    same = (kept["decided_by"], kept["choice"]) == (row.actor, choice)
    return [] if same else [f"{here}: the approvals have {kept['choice']} by {kept['decided_by']} of {event.step}"]


def _read_event(row: SealedRow) -> AuditEvent | None:
    try:
        return read_event(row.action, row.detail)
    except (ValueError, TypeError):
        return None


def verify_rows(rows: Sequence[SealedRow], head: str = "") -> Examination:
    """The audit of one upgrade, as it was exported."""
    faults = find_breaks(rows)
    if len({row.upgrade for row in rows}) > 1:
        faults.append("it holds rows of several upgrades")
    faults += _check_head(head, [row.seal for row in rows])
    last = f", head {rows[-1].seal}" if rows else ""
    return Examination(f"{len(rows)} rows{last}{_count_later(head, rows)}", tuple(faults))


def write_rows(rows: Sequence[SealedRow]) -> str:
    """The audit as JSON, a row a line: what `verify` reads."""
    return "".join(msgspec.json.encode(asdict(row)).decode() + "\n" for row in rows)


def read_rows(text: str) -> list[SealedRow]:
    """Rows that were exported. Raises BadExport."""
    try:
        return [msgspec.json.decode(line, type=SealedRow) for line in text.splitlines() if line.strip()]
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadExport(f"the file is no export of an audit as JSON lines: {error}") from error


def _find_lost_ends(audits: dict[str, list[SealedRow]], ends: Sequence[SealedEnd], ended: Sequence[str]) -> list[str]:
    found = [
        f"{end.upgrade}: its last rows were removed or replaced, up to the head {end.head[:SHORT]} that it ended with"
        for end in ends
        if end.head and end.head not in {row.seal for row in audits.get(end.upgrade, ())}
    ]
    known = {end.upgrade for end in ends}
    return found + [
        f"{upgrade}: it has ended and is not in the journal's own chain" for upgrade in ended if upgrade not in known
    ]


def _check_head(head: str, seals: Sequence[str]) -> list[str]:
    if not head:
        return []
    if len(head) < SHORTEST_HEAD:
        return [f"the head {head} is too short; give at least {SHORTEST_HEAD} letters of it"]
    known = any(seal.startswith(head.lower()) for seal in seals)
    return [] if known else [f"no row has the head {head}: the row that had it was changed or removed"]


def _count_later(head: str, rows: Sequence[SealedRow]) -> str:
    """How many rows came after the noted head: a card has that of its decision."""
    places = [number for number, row in enumerate(rows, 1) if row.seal.startswith(head.lower())] if head else []
    later = len(rows) - places[0] if places else 0
    return f", {later} of them after {head}" if later else ""
