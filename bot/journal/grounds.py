"""What an upgrade's acts rest on, its row and its notes: a row that was changed, added or removed is noticed.

Each row has a proof, and the upgrade's own says how many notes there are. Whatever was proven stays proven when the bot
writes; what somebody else wrote gets no proof by that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.journal.proofs import Key, prove_rows
from bot.journal.rows import READABLE, UpgradeRow, at_time, encode_json, read_upgrade, to_time
from bot.journal.store import Reads, Row, Store, StoredCopy, fetch_rows
from steps.contract.notes import Json

if TYPE_CHECKING:
    from sqlite_utils import Database

# By step that the upgrade left: the generation of the question whose decision led past it, 0 where none did.
PASSED = "engine/passed"
# In the binding of a question about them: their digest.
JOURNAL = "journal as it stands"
NOTE = "upgrade = ? and key = ?"
# What a person is asked about where it can't be proven; the rest of a row changes with each turn.
MEANT = ("cluster", "requester", "channel", "release", "options", "address", "plan", "step", "aborted_by", "takes_back")
# What says when the upgrade may act; it is believed with the rest. What it is held by is made anew.
TIMES = ("schedules", "extensions")
SHOWN = 5


# When an upgrade may act, as it was judged last: a note that only shows, beside what an act rests on.
SHOWN_TIMES = "schedule/times"


# Two upgrades begin the same step so far apart: a core does the first looks of one in a fifth of it.
SPACING = timedelta(seconds=0.2)


class TimesView:
    """Reading when upgrades may act."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._rows = store.read

    def find_times(self, upgrade: str) -> tuple[datetime | None, datetime | None] | None:
        """From when to when the upgrade may act, None where nothing limits it; the first is None where it may now."""
        noted = self._rows("select value from whole_memory where upgrade = ? and key = ?", [upgrade, SHOWN_TIMES])
        try:  # what only shows keeps nothing else from being shown
            if noted:
                return read_times(json.loads(noted[0]["value"]))
            rows = self._rows("select starts, ends from schedules where upgrade = ?", [upgrade])
            return (at_time(rows[0]["starts"]), to_time(rows[0]["ends"])) if rows else None
        except ValueError:
            return None

    def find_free_moment(self, row: UpgradeRow, wanted: datetime) -> datetime:
        """The first moment from then on at which no other upgrade begins the step that this one stands at.

        Hundreds that are started at once, or wait for one window, would else stay together from step to step, and each
        would wait for all others every time.
        """
        taken = self._rows(
            f"select due from upgrades where due > ? and due {READABLE} and step = ? and id <> ? order by due",
            [(wanted - SPACING).timestamp(), row.step, row.id],
        )
        for due in (at_time(one["due"]) for one in taken):
            if due >= wanted + SPACING:
                break
            wanted = max(wanted, due + SPACING)
        return wanted


def read_times(kept: Json) -> tuple[datetime | None, datetime | None] | None:
    """The note of when an upgrade may act; of another form it says nothing."""
    match kept:
        case [starts, ends]:
            first, last = (to_time(one) if isinstance(one, int | float) else None for one in (starts, ends))
            return first, last
        case _:
            return None


@dataclass(frozen=True)
class Grounds:
    """What an upgrade's next act rests on; `faults` says what of it this bot can't have written, a phrase each.

    `digest` is then the SHA-256 of all that is meant by it.
    """

    row: UpgradeRow
    notes: Mapping[str, Json]
    faults: tuple[str, ...]
    digest: str

    @property
    def passed(self) -> Mapping[str, int]:
        """The decisions by which the upgrade came where it stands, by step."""
        return read_passed(self.notes.get(PASSED))


def read_passed(kept: Json) -> Mapping[str, int]:
    """The note of what was passed; empty if it has another form."""
    pairs = kept.items() if isinstance(kept, Mapping) else ()
    return {step: number for step, number in pairs if isinstance(number, int)}


def insert_upgrade(db: Database, key: Key, values: dict[str, object]) -> None:
    """A new upgrade's row."""
    names = ", ".join(values)
    db.execute(f"insert into upgrades ({names}) values ({', '.join(':' + name for name in values)})", values)
    prove_rows(db, key, "upgrades", "id = ?", [values["id"]])


def update_upgrade(db: Database, key: Key, upgrade: str, values: Mapping[str, object]) -> None:
    """Set columns of an upgrade."""
    proven = is_proven(partial(fetch_rows, db.conn), key, upgrade)
    said = ", ".join(f"{name} = :{name}" for name in values)
    db.execute(f"update upgrades set {said} where id = :upgrade_id", {**values, "upgrade_id": upgrade})
    if proven:
        prove_rows(db, key, "upgrades", "id = ?", [upgrade])


def is_proven(read: Reads, key: Key, upgrade: str) -> bool:
    """Whether an upgrade's row is as the bot wrote it."""
    rows = read("select * from upgrades where id = ?", [upgrade])
    return bool(rows) and key.holds("upgrades", rows[0])


def write_note(db: Database, key: Key, upgrade: str, name: str, text: str) -> None:
    """Set a note; a new one is counted, so that one which is removed is missed."""
    if db.execute(f"update memory set value = ? where {NOTE}", [text, upgrade, name]).rowcount == 0:
        db.execute("insert into memory (upgrade, key, value) values (?, ?, ?)", [upgrade, name, text])
        ((count,),) = db.execute("select notes from upgrades where id = ?", [upgrade]).fetchall()
        update_upgrade(db, key, upgrade, {"notes": count + 1})
    prove_rows(db, key, "memory", NOTE, [upgrade, name])


class GroundsReader:
    """Reads what upgrades stand on, and believes what a person approved of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_proven(self, upgrade: str) -> bool:
        """Whether the upgrade's row is as the bot wrote it."""
        return is_proven(self._store.read, self._store.key, upgrade)

    def read(self, upgrade: str) -> Grounds:
        """What stands there now. KeyError where there is no such upgrade."""
        with self._store.read_together():  # a note that another thread writes is counted in the upgrade's row
            return self._read(upgrade)

    def _read(self, upgrade: str) -> Grounds:
        key, read = self._store.key, self._store.read
        rows = read("select * from upgrades where id = ?", [upgrade])
        if not rows:
            raise KeyError(upgrade)
        kept = read("select * from whole_memory where upgrade = ? order by key", [upgrade])
        notes = {row["key"]: _read_value(row["value"]) for row in kept}
        row, passed = read_upgrade(rows[0]), read_passed(notes.get(PASSED))
        faults = (
            *(() if key.holds("upgrades", rows[0]) else ("the upgrade's own row",)),
            *_find_note_faults(key, kept, rows[0]["notes"]),
            *_find_passed_faults(row, passed, self._list_proven(upgrade, passed)),
            *self._find_pack_faults(upgrade),
        )
        return Grounds(row, notes, faults, self._digest(rows[0], notes) if faults else "")

    def _find_pack_faults(self, upgrade: str) -> tuple[str, ...]:
        """What is written to the upgrade from then on stands beside what can't be read."""
        rows = self._store.read(
            "select packed_fault(upgrade, kept, told) as why from packs where upgrade = ?", [upgrade]
        )
        return ("what was packed of it, which can't be read",) if rows and rows[0]["why"] else ()

    def doubt(self, upgrade: str) -> None:
        """Take the proofs of its notes away: they were taken over from what this bot can't have written."""
        with self._store.change(upgrade) as db:
            db.execute("update memory set proof = '' where upgrade = ?", [upgrade])

    def believe(self, upgrade: str, digest: str) -> bool:
        """Prove what stands there, after a person approved just that; False where it is something else by now."""
        key = self._store.key
        with self._store.change(upgrade) as db:
            grounds = self.read(upgrade)
            if grounds.digest != digest:
                return False
            db.execute("update upgrades set notes = ? where id = ?", [len(grounds.notes), upgrade])
            prove_rows(db, key, "upgrades", "id = ?", [upgrade])
            for table in ("memory", *TIMES):
                prove_rows(db, key, table, "upgrade = ?", [upgrade])
            # what led here is believed with it; what follows is on record again
            write_note(db, key, upgrade, PASSED, "{}")
            return True

    def _digest(self, row: Row, notes: Mapping[str, Json]) -> str:
        times = [list(self._store.read(f"select * from {table} where upgrade = ?", [row["id"]])) for table in TIMES]
        meant = sorted((key, value) for key, value in notes.items() if key != SHOWN_TIMES)
        said = json.dumps([*(row[name] for name in MEANT), *meant, times], default=repr)
        return hashlib.sha256(said.encode()).hexdigest()

    def _list_proven(self, upgrade: str, passed: Mapping[str, int]) -> set[tuple[str, int]]:
        """The decisions that the upgrade was let past by, as far as they hold."""
        asked = [generation for generation in passed.values() if generation]
        rows = self._store.read(
            "select * from whole_approvals where upgrade = ? and state = 'decided' "
            "and generation in (select value from json_each(?))",
            [upgrade, encode_json(asked)],
        )
        return {(row["step"], row["generation"]) for row in rows if self._store.key.holds("approvals", row)}


def _read_value(text: object) -> Json:
    try:
        value: Json = json.loads(str(text))
    except (ValueError, RecursionError):
        return None
    return value


def _find_note_faults(key: Key, kept: Sequence[Row], count: object) -> tuple[str, ...]:
    forged = [str(row["key"]) for row in kept if not key.holds("memory", row)]
    faults = (f"the notes {_name(forged)}",) if forged else ()
    gone = count - len(kept) if isinstance(count, int) else 0
    if gone:
        faults = (*faults, f"{gone} notes that are gone" if gone > 0 else f"{-gone} notes too many")
    return faults


def _find_passed_faults(row: UpgradeRow, passed: Mapping[str, int], proven: set[tuple[str, int]]) -> tuple[str, ...]:
    """Decisions that led past a step and are gone or changed, and steps that nothing led past."""
    lost = [step for step, generation in passed.items() if generation and (step, generation) not in proven]
    before = row.plan[: row.plan.index(row.step)] if row.step in row.plan and not row.aborted_by else ()
    first = next((place for place, step in enumerate(before) if step in passed), len(before))
    skipped = [step for step in before[first:] if step not in passed]
    faults = (f"the decisions about {_name(lost)}",) if lost else ()
    return (*faults, f"the way past {_name(skipped)}") if skipped else faults


def _name(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:SHOWN]) + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "")
