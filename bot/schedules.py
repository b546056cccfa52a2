"""Appointments, extensions, holds and reminders in the journal's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.appointments import Appointment
from bot.rows import at_time, to_seconds, to_time
from bot.store import Store

ReminderKind: TypeAlias = Literal["before", "starts", "ends", "approval"]


@dataclass(frozen=True)
class Hold:
    """What keeps an upgrade from acting; `until` None means until a person does something."""

    why: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Reminder:
    """One reminder. `moment` is when what it tells of happens; `channel` "" means the channel and the approvers."""

    seq: int
    upgrade: str
    kind: ReminderKind
    due: datetime
    moment: datetime | None
    step: str = ""
    generation: int = 0
    channel: str = ""
    state: str = "waiting"


class Schedules:
    """The tables of downtime. Writing joins the transaction of the caller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set_appointment(self, upgrade: str, appointment: Appointment, by: str, now: datetime) -> None:
        """The upgrade's appointment, in place of an earlier one."""
        with self._store.transact() as db:
            db.execute(
                'insert or replace into schedules (upgrade, starts, ends, zone, "by", at) values (?, ?, ?, ?, ?, ?)',
                [
                    upgrade,
                    appointment.starts.timestamp(),
                    to_seconds(appointment.ends),
                    appointment.zone,
                    by,
                    now.timestamp(),
                ],
            )

    def find_appointment(self, upgrade: str) -> Appointment | None:
        """The upgrade's appointment."""
        rows = self._store.read("select starts, ends, zone from schedules where upgrade = ?", [upgrade])
        return Appointment(at_time(rows[0]["starts"]), to_time(rows[0]["ends"]), rows[0]["zone"]) if rows else None

    def add_extension(self, upgrade: str, until: datetime, by: str, reason: str, now: datetime) -> None:
        """Let the upgrade act until then."""
        with self._store.transact() as db:
            db.execute(
                'insert into extensions (upgrade, until, "by", reason, at) values (?, ?, ?, ?, ?)',
                [upgrade, until.timestamp(), by, reason, now.timestamp()],
            )

    def find_extension(self, upgrade: str) -> datetime | None:
        """Until when the latest extension lets the upgrade act."""
        rows = self._store.read("select until from extensions where upgrade = ? order by seq desc limit 1", [upgrade])
        return at_time(rows[0]["until"]) if rows else None

    def put_hold(self, upgrade: str, step: str, why: str, until: datetime | None, now: datetime) -> bool:
        """Record what holds the upgrade; False where that stands there already."""
        known = self.find_hold(upgrade)
        if known and (known.why, known.until) == (why, until):
            return False
        with self._store.transact() as db:
            db.execute(
                "insert or replace into holds values (?, ?, ?, ?)",
                [upgrade, why, now.timestamp(), to_seconds(until)],
            )
            db.execute("insert or ignore into held_steps values (?, ?)", [upgrade, step])
        return True

    def find_hold(self, upgrade: str) -> Hold | None:
        """What holds the upgrade."""
        rows = self._store.read("select * from holds where upgrade = ?", [upgrade])
        return Hold(rows[0]["why"], at_time(rows[0]["since"]), to_time(rows[0]["until"])) if rows else None

    def end_hold(self, upgrade: str) -> None:
        """Nothing holds the upgrade any more."""
        with self._store.transact() as db:
            db.execute("delete from holds where upgrade = ?", [upgrade])

    def list_held(self) -> list[str]:
        """The upgrades that are held."""
        return [row["upgrade"] for row in self._store.read("select upgrade from holds")]

    def add_reminders(self, reminders: Iterable[Reminder]) -> None:
        """Add reminders; one that is there already is left as it is."""
        with self._store.transact() as db:
            for one in reminders:
                db.execute(
                    """
                    insert or ignore into reminders (upgrade, kind, due, moment, step, generation, channel)
                    values (?, ?, ?, ?, ?, ?, ?)
                    """,
                    [
                        one.upgrade,
                        one.kind,
                        one.due.timestamp(),
                        to_seconds(one.moment),
                        one.step,
                        one.generation,
                        one.channel,
                    ],
                )

    def drop_reminders(self, upgrade: str, kinds: Iterable[ReminderKind]) -> None:
        """Forget those of these kinds that still wait."""
        with self._store.transact() as db:
            for kind in kinds:
                db.execute(
                    "delete from reminders where upgrade = ? and kind = ? and state = 'waiting'", [upgrade, kind]
                )

    def has_reminder(self, upgrade: str, kind: ReminderKind, moment: datetime) -> bool:
        """Whether a reminder of this kind for this moment was ever made."""
        rows = self._store.read(
            "select 1 from reminders where upgrade = ? and kind = ? and moment = ? limit 1",
            [upgrade, kind, moment.timestamp()],
        )
        return bool(rows)

    def list_due(self, now: datetime, limit: int = 500) -> list[Reminder]:
        """Reminders whose time has come, the oldest first."""
        rows = self._store.read(
            "select * from reminders where state = 'waiting' and due <= ? order by due, seq limit ?",
            [now.timestamp(), limit],
        )
        return [_read_reminder(row) for row in rows]

    def find_reminder(self, seq: int) -> Reminder | None:
        """The reminder with this number."""
        rows = self._store.read("select * from reminders where seq = ?", [seq])
        return _read_reminder(rows[0]) if rows else None

    def list_reminders(self, upgrade: str) -> list[Reminder]:
        """All reminders of an upgrade, by their time."""
        rows = self._store.read("select * from reminders where upgrade = ? order by due, seq", [upgrade])
        return [_read_reminder(row) for row in rows]

    def settle_reminders(self, seqs: Iterable[int], state: str, now: datetime) -> None:
        """They were posted, missed or are of no use any more."""
        with self._store.transact() as db:
            for seq in seqs:
                db.execute(
                    "update reminders set state = ?, settled_at = ? where seq = ?", [state, now.timestamp(), seq]
                )

    def count_posted(self, since: datetime) -> dict[str, int]:
        """How many reminders each channel was given since then."""
        rows = self._store.read(
            "select channel, count(*) as n from outbox where kind = 'reminder' and created_at > ? group by channel",
            [since.timestamp()],
        )
        return {row["channel"]: row["n"] for row in rows}


def _read_reminder(row: Mapping[str, Any]) -> Reminder:
    return Reminder(
        seq=row["seq"],
        upgrade=row["upgrade"],
        kind=row["kind"],
        due=at_time(row["due"]),
        moment=to_time(row["moment"]),
        step=row["step"],
        generation=row["generation"],
        channel=row["channel"],
        state=row["state"],
    )
