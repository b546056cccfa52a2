"""What the journal says of upgrades that ended long ago, and of people's orders as they came in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from bot.journal.bodies import FileBody, decode_body
from bot.journal.packs.forms import BadPack
from bot.journal.rows import at_time
from bot.journal.store import Row, Store
from bot.retention.parcels import Contents, Parcel, name_texts

# Questions stand beside their decisions, and the root message is where the thread is.
KEPT_KINDS = "('root', 'gate', 'blocked')"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class PastUpgrade:
    """An upgrade that has ended."""

    id: str
    ended_at: datetime


@dataclass(frozen=True)
class PastDay:
    """What was answered to people, what they were reminded of and what they ordered on one day, UTC."""

    begins: datetime
    messages: Sequence[Row]
    clicks: Sequence[Row]

    def describe(self) -> Contents:
        """The same for a parcel."""
        return Contents(
            {"messages.jsonl": write_parcel_lines(self.messages), "clicks.jsonl": write_parcel_lines(self.clicks)}, {}
        )


class Past:
    """The journal's tables, as far as they are put away. Writing is one transaction a call."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_due(self, before: datetime, most: int) -> list[PastUpgrade]:
        """Upgrades that ended before, of which nothing was put away yet, the first to end first."""
        rows = self._store.read(
            """
            select id, ended_at from upgrades where ended_at < ?
                and not exists (select 1 from put_away where upgrade = upgrades.id) order by ended_at limit ?
            """,
            [before.timestamp(), most],
        )
        return [PastUpgrade(row["id"], at_time(row["ended_at"])) for row in rows]

    def find_put_away(self, upgrade: str) -> PastUpgrade | None:
        """The upgrade, where what was told of it stands in a parcel."""
        rows = self._store.read(
            "select id, ended_at from upgrades where id = ? and exists (select 1 from put_away where upgrade = ?)",
            [upgrade, upgrade],
        )
        return PastUpgrade(rows[0]["id"], at_time(rows[0]["ended_at"])) if rows else None

    def may_be_taken_back(self, upgrade: str) -> bool:
        """Whether its cluster was not upgraded again since, so that a way back needs what was kept of the cluster."""
        rows = self._store.read(
            """
            select 1 from upgrades as later join upgrades as this on later.cluster = this.cluster
            where this.id = ? and later.number > this.number and later.state in ('upgraded', 'returned') limit 1
            """,
            [upgrade],
        )
        return not rows

    def list_neighbours(self, upgrade: str) -> list[str]:
        """Upgrades whose ids begin with this one's and a dash, whose files could be taken for its own."""
        rows = self._store.read("select id from upgrades where id > ? and id < ?", [f"{upgrade}-", f"{upgrade}."])
        return [str(row["id"]) for row in rows]

    def read_told(self, upgrade: str) -> Mapping[str, str]:
        """What goes of the upgrade's messages: a line each, and the texts of its files."""
        rows = self._store.read(
            f"select * from whole_outbox where upgrade = ? and kind not in {KEPT_KINDS} order by seq", [upgrade]
        )
        bodies = [decode_body("file", row["body"]) for row in rows if row["kind"] == "file"]
        files = name_texts((body.name, body.text) for body in bodies if isinstance(body, FileBody) and body.text)
        return {"messages.jsonl": write_parcel_lines(row for row in rows if row["kind"] != "file"), **files}

    def unpack(self, upgrade: str) -> None:
        """Let its rows stand again, so that none is missed. Raises BadPack where they can't."""
        with self._store.change(upgrade):
            self._check_unpacked(upgrade)

    def put_away(self, upgrade: str, parcel: Parcel, now: datetime) -> None:
        """Note the parcel, and remove what it holds of the upgrade's messages. Raises BadPack where that misses any."""
        with self._store.change(upgrade) as db:
            self._check_unpacked(upgrade)
            db.execute(
                "insert into put_away (upgrade, at, file, sha256) values (?, ?, ?, ?)",
                [upgrade, now.timestamp(), str(parcel.path), parcel.sha256],
            )
            db.execute(f"delete from outbox where upgrade = ? and kind not in {KEPT_KINDS}", [upgrade])

    def find_day(self, after: datetime, before: datetime) -> PastDay | None:
        """The first whole day between the two that has answers, reminders or orders, None where none has."""
        since = after.timestamp()
        oldest = self._store.read(
            """
            select min(at) as at from (
                select min(created_at) as at from outbox where kind = 'answer' and created_at >= ?
                union all select min(created_at) from outbox where kind = 'reminder' and created_at >= ?
                union all select min(received_at) from clicks where settled_at is not null and received_at >= ?
            )
            """,
            [since, since, since],
        )
        if oldest[0]["at"] is None:
            return None
        begins = datetime.combine(at_time(oldest[0]["at"]).date(), time(), UTC)
        return self._read_day(begins) if begins + DAY <= before else None

    def remove_day(self, day: PastDay) -> None:
        """Remove what the day's parcel holds."""
        with self._store.transact() as db:
            db.conn.executemany("delete from outbox where seq = ?", [(row["seq"],) for row in day.messages])
            db.conn.executemany("delete from clicks where seq = ?", [(row["seq"],) for row in day.clicks])

    def _check_unpacked(self, upgrade: str) -> None:
        if self._store.read("select 1 from packs where upgrade = ?", [upgrade]):
            raise BadPack(f"what was packed of {upgrade} can't be read, or can't stand in its tables again")

    def _read_day(self, begins: datetime) -> PastDay:
        span = [begins.timestamp(), (begins + DAY).timestamp()]
        answers = self._store.read(
            "select * from outbox where kind = 'answer' and created_at >= ? and created_at < ?", span
        )
        reminders = self._store.read(
            "select * from outbox where kind = 'reminder' and created_at >= ? and created_at < ?", span
        )
        clicks = self._store.read(
            "select * from clicks where settled_at is not null and received_at >= ? and received_at < ?", span
        )
        return PastDay(begins, [*answers, *reminders], clicks)


def write_parcel_lines(rows: Iterable[Row]) -> str:
    """A line of JSON a row."""
    return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)
