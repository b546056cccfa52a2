"""Appointments, extensions, holds and reminders in the journal's file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.journal.bodies import ReminderKind
from bot.journal.grounds import SHOWN_TIMES, write_note
from bot.journal.proofs import prove_rows
from bot.journal.rows import READABLE, UNREADABLE, at_time, encode_json, to_seconds, to_time
from bot.journal.store import Row, Store, StoredCopy
from bot.windows.appointments import Appointment, write_wall

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Hold:
    """What keeps an upgrade from acting; `until` None means until a person does something."""

    why: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Edition:
    """How often an appointment was moved or extended, and when that was last."""

    sequence: int
    at: datetime


@dataclass(frozen=True)
class Wall:
    """The local time that an appointment was written as, and the one that people were last shown; who wrote it."""

    written: str
    shown: str
    by: str


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


class SchedulesView:
    """Reading the tables of downtime; serves the bot and the commands that run beside it."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._rows = store.read
        # who reads beside the bot has no key, and decides nothing
        self._key = store.key if isinstance(store, Store) else None

    def find_appointment(self, upgrade: str) -> Appointment | None:
        """The upgrade's appointment."""
        rows = self._read_proven("schedules", "upgrade = ?", upgrade)
        return Appointment(at_time(rows[0]["starts"]), to_time(rows[0]["ends"]), rows[0]["zone"]) if rows else None

    def find_edition(self, upgrade: str) -> Edition:
        """Which edition of its appointment stands. KeyError where it has none."""
        rows = self._rows(
            """
            select revision + count(e.seq) as sequence, max(s.at, coalesce(max(e.at), 0)) as at
            from schedules s left join extensions e on e.upgrade = s.upgrade where s.upgrade = ? group by s.upgrade
            """,
            [upgrade],
        )
        if not rows:
            raise KeyError(upgrade)
        return Edition(rows[0]["sequence"], at_time(rows[0]["at"]))

    def list_scheduled(self, since: datetime) -> list[str]:
        """The upgrades, ended ones too, whose appointment is not over by then."""
        rows = self._rows(
            """
            select upgrade from schedules s where max(starts, coalesce(ends, 0),
                coalesce((select max(until) from extensions e where e.upgrade = s.upgrade), 0)) > ? order by upgrade
            """,
            [since.timestamp()],
        )
        return [row["upgrade"] for row in rows]

    def find_extension(self, upgrade: str) -> datetime | None:
        """Until when the latest extension lets the upgrade act."""
        rows = self._read_proven("extensions", "upgrade = ? order by seq desc", upgrade)
        return at_time(rows[0]["until"]) if rows else None

    def find_wall(self, upgrade: str) -> Wall:
        """The local time of the upgrade's appointment as it was written. KeyError where it has none."""
        rows = self._rows('select written, shown, "by" from schedules where upgrade = ?', [upgrade])
        if not rows:
            raise KeyError(upgrade)
        return Wall(rows[0]["written"], rows[0]["shown"], rows[0]["by"])

    def find_hold(self, upgrade: str) -> Hold | None:
        """What holds the upgrade."""
        rows = self._read_proven("holds", "upgrade = ?", upgrade)
        return Hold(rows[0]["why"], at_time(rows[0]["since"]), to_time(rows[0]["until"])) if rows else None

    def _read_proven(self, table: str, where: str, upgrade: str) -> list[Row]:
        """The rows that the bot wrote; one of somebody else's is none."""
        rows = self._rows(f"select * from {table} where {where}", [upgrade])
        return [row for row in rows if self._key is None or self._key.holds(table, row)]


class Schedules(SchedulesView):
    """The tables of downtime. Writing joins the transaction of the caller."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store

    def set_appointment(self, upgrade: str, appointment: Appointment, by: str, now: datetime) -> None:
        """The upgrade's appointment, in place of an earlier one."""
        with self._store.transact() as db:
            db.execute(
                """
                insert into schedules (upgrade, starts, ends, zone, "by", at, written, shown)
                values (:upgrade, :starts, :ends, :zone, :by, :at, :wall, :wall)
                on conflict (upgrade) do update set starts = excluded.starts, ends = excluded.ends,
                    zone = excluded.zone, "by" = excluded."by", at = excluded.at, revision = revision + 1,
                    written = excluded.written, shown = excluded.shown
                """,
                {"upgrade": upgrade, "by": by, "at": now.timestamp(), "zone": appointment.zone}
                | {"starts": appointment.starts.timestamp(), "ends": to_seconds(appointment.ends)}
                | {"wall": write_wall(appointment.starts, appointment.zone)},
            )
            prove_rows(db, self._store.key, "schedules", "upgrade = ?", [upgrade])

    def note_shown(self, upgrade: str, wall: str) -> None:
        """People know which local time the appointment is now; one of an earlier version is taken as written so."""
        with self._store.transact() as db:
            db.execute(
                "update schedules set shown = ?, written = iif(written = '', ?, written) where upgrade = ?",
                [wall, wall, upgrade],
            )

    def note_times(self, upgrade: str, opens: datetime | None, ends: datetime | None) -> None:
        """Keep from when to when it may act, for whoever is shown it; None where it may now, or nothing ends it."""
        with self._store.change(upgrade) as db:
            write_note(db, self._store.key, upgrade, SHOWN_TIMES, encode_json([to_seconds(opens), to_seconds(ends)]))

    def add_extension(self, upgrade: str, until: datetime, by: str, reason: str, now: datetime) -> None:
        """Let the upgrade act until then."""
        with self._store.transact() as db:
            added = db.execute(
                'insert into extensions (upgrade, until, "by", reason, at) values (?, ?, ?, ?, ?)',
                [upgrade, until.timestamp(), by, reason, now.timestamp()],
            )
            prove_rows(db, self._store.key, "extensions", "seq = ?", [added.lastrowid])

    def put_hold(self, upgrade: str, step: str, why: str, until: datetime | None, now: datetime) -> bool:
        """Record what holds the upgrade; False where that stands there already."""
        known = self.find_hold(upgrade)
        if known and (known.why, known.until) == (why, until):
            return False
        with self._store.transact() as db:
            db.execute(
                "insert or replace into holds (upgrade, why, since, until) values (?, ?, ?, ?)",
                [upgrade, why, now.timestamp(), to_seconds(until)],
            )
            prove_rows(db, self._store.key, "holds", "upgrade = ?", [upgrade])
            db.execute("insert or ignore into held_steps values (?, ?)", [upgrade, step])
        return True

    def end_hold(self, upgrade: str) -> None:
        """Record that nothing holds the upgrade any more."""
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

    def list_due_upgrades(self, now: datetime, limit: int) -> list[str]:
        """The upgrades that have a reminder whose time has come, the longest overdue first."""
        rows = self._store.read(
            """
            select upgrade from reminders where state = 'waiting' and due <= ?
            group by +upgrade order by min(due), upgrade limit ?
            """,
            [now.timestamp(), limit],
        )
        return [row["upgrade"] for row in rows]

    def list_due(self, now: datetime, upgrades: Collection[str]) -> list[Reminder]:
        """The reminders of these upgrades whose time has come, oldest first."""
        rows = self._store.read(
            """
            select * from reminders where state = 'waiting' and due <= ?
            and upgrade in (select value from json_each(?)) order by due, seq
            """,
            [now.timestamp(), encode_json(list(upgrades))],
        )
        return _read_reminders(rows)

    def read_reminders(self, seqs: Iterable[int]) -> list[Reminder]:
        """The reminders with these numbers."""
        rows = self._store.read(
            "select * from reminders where seq in (select value from json_each(?)) order by due, seq",
            [encode_json(list(seqs))],
        )
        return _read_reminders(rows)

    def find_reminder(self, seq: int) -> Reminder | None:
        """The reminder with this number."""
        rows = self._store.read("select * from reminders where seq = ?", [seq])
        return _read_reminder(rows[0]) if rows else None

    def list_reminders(self, upgrade: str) -> list[Reminder]:
        """All reminders of an upgrade, by their time."""
        rows = self._store.read("select * from reminders where upgrade = ? order by due, seq", [upgrade])
        return _read_reminders(rows)

    def void_unreadable(self, now: datetime) -> None:
        """Those whose time has come, and whose times can't be read, are of no use: nobody could be told when."""
        with self._store.transact() as db:
            db.execute(
                "update reminders set state = 'void', settled_at = ? where state = 'waiting' and due <= ? "
                f"and (due not {READABLE} or moment not {READABLE})",
                [now.timestamp(), now.timestamp()],
            )

    def void_due(self, upgrade: str, now: datetime) -> None:
        """Those of an upgrade whose time has come are of no use, whether or not they can be read."""
        with self._store.transact() as db:
            db.execute(
                "update reminders set state = 'void', settled_at = ? "
                "where state = 'waiting' and due <= ? and upgrade = ?",
                [now.timestamp(), now.timestamp(), upgrade],
            )

    def settle_reminders(self, seqs: Iterable[int], state: str, now: datetime) -> None:
        """They were posted, missed or are of no use any more."""
        with self._store.transact() as db:
            db.execute(
                "update reminders set state = ?, settled_at = ? where seq in (select value from json_each(?))",
                [state, now.timestamp(), encode_json(list(seqs))],
            )

    def count_posted(self, since: datetime, now: datetime) -> dict[str, int]:
        """How many reminders each channel was given since then; those from before a clock was set back don't count."""
        rows = self._store.read(
            """
            select channel, count(*) as n from outbox
            where kind = 'reminder' and created_at > ? and created_at <= ? group by channel
            """,
            [since.timestamp(), now.timestamp()],
        )
        return {row["channel"]: row["n"] for row in rows}


def _read_reminders(rows: Iterable[Row]) -> list[Reminder]:
    """The reminders that can be read; one that can't keeps no other from being told."""
    found = []
    for row in rows:
        try:
            found.append(_read_reminder(row))
        except UNREADABLE as fault:
            log.error("reminder unreadable", reminder=row["seq"], upgrade=row["upgrade"], why=str(fault))
    return found


def _read_reminder(row: Row) -> Reminder:
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
