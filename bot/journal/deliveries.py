"""What webhooks are still to be told of the audit: a row an event and webhook, until it is delivered or given up."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from bot.journal.audit import Kind, name_kind
from bot.journal.bodies import WaitingMessage
from bot.journal.chain import SealedRow
from bot.journal.records import FAREWELL
from bot.journal.rows import READABLE, at_time, to_seconds
from bot.journal.store import Reads, Store
from steps.contract.wording import count_things

# How the slots begin of messages that stand in a channel that their upgrade has left. They are never posted anew.
LEFT = "left:"
# What becomes of those is nobody's trouble.
FOLLOWED = f"slot not like '{LEFT}%'"
GIVEN_UP = f"trouble <> '' and sent_revision = revision and {FOLLOWED}"
# How the trouble of a message begins that its channel does not take, whatever it says.
UNWRITABLE = "the channel takes nothing: "
REFUSING = f"trouble >= '{UNWRITABLE}' and trouble < '{UNWRITABLE}~'"
DEFERRED = f"trouble <> '' and sent_revision < revision and not ({REFUSING})"
FAILING = f"trouble <> '' and sent_revision < revision and {REFUSING} and {FOLLOWED}"
# A post that was begun and of which nothing is known may stand in Slack, or do so in a moment.
MAY_STAND = "(ts <> '' or attempts > 0 and revision > sent_revision)"
OF_UPGRADE = "kind = 'reminder' and case when json_valid(body) then json_extract(body, '$.upgrade') end = ?"
# Under a new id it is another message: what comes yet of a post that was begun is none of it.
UNSENT_ANEW = (
    "id = lower(hex(randomblob(16))), attempts = 0, not_before = null, trouble = '', sent_revision = 0, channel = ?"
)
# The columns of a WaitingMessage.
WAITING = f"id, upgrade, kind, channel, revision, ts, iif(not_before {READABLE}, not_before, null), slot"
# What waits for Slack; an index has each of these, and roots come before what stands in their threads.
TO_ANSWER = "revision > sent_revision and kind = 'answer'"
TO_EDIT = "revision > sent_revision and ts <> '' and kind <> 'answer'"
TO_POST = "revision > sent_revision and ts = '' and kind <> 'answer'"
PAGE = 40
# Taken from the audit at once; and how many may wait for one webhook.
BATCH = 500
MOST_WAITING = 10_000
# After so many attempts it is told that a webhook takes nothing.
PATIENCE = 3


@dataclass(frozen=True)
class Delivery:
    """One row of the audit on its way to one webhook."""

    seq: int
    attempts: int
    created_at: datetime
    row: SealedRow


class Backlog:
    """What Slack has not got, without what it tells. No look goes through all of it: little is sent at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_answers(self) -> list[WaitingMessage]:
        """Private answers, in the order in which they were made."""
        rows = self._store.read_values(f"select {WAITING} from outbox where {TO_ANSWER} order by seq")
        return list(map(WaitingMessage._make, rows))

    def list_edits(self) -> list[WaitingMessage]:
        """What Slack has in an earlier form: an upgrade's root and card at most."""
        rows = self._store.read_values(f"select {WAITING} from outbox where {TO_EDIT} order by seq")
        return list(map(WaitingMessage._make, rows))

    def has_edits(self) -> bool:
        """Whether Slack has anything in an earlier form."""
        return bool(self._store.read_values(f"select 1 from outbox where {TO_EDIT} limit 1"))

    def list_channels(self) -> list[str]:
        """The channels into which something waits to be posted, each found by one step in the index."""
        rows = self._store.read_values(
            f"""
            with recursive ends(channel) as (
                select min(channel) from outbox where {TO_POST}
                union all
                select (select min(channel) from outbox where {TO_POST} and channel > ends.channel)
                from ends where ends.channel is not null)
            select channel from ends where channel is not null
            """
        )
        return [channel for (channel,) in rows]

    def walk_posts(self, channel: str, held: Collection[str]) -> Iterator[WaitingMessage]:
        """What waits to be posted into a channel, roots first, else as it was made; read a page at a time.

        Threads that are `held` when a page is read are left out, but for their roots. A root that comes to wait while
        the walk goes on may lie behind it, and what stands in its thread before it.
        """
        last: tuple[object, ...] = (-1, -1)
        while rows := self._store.read_values(
            f"select {WAITING}, kind <> 'root', seq from outbox where {TO_POST} and channel = ? "
            "and (kind <> 'root', seq) > (?, ?) "
            "and (kind = 'root' or upgrade not in (select value from json_each(?))) "
            f"order by kind <> 'root', seq limit {PAGE}",
            [channel, *last, json.dumps(list(held))],
        ):
            yield from (WaitingMessage._make(row[:-2]) for row in rows)
            last = rows[-1][-2:]

    def awaits_root(self, upgrade: str) -> bool:
        """Whether the upgrade's thread is yet to begin: its root waits to be posted, wherever that is."""
        sql = f"select 1 from outbox where upgrade = ? and slot = 'root' and slot <> '' and {TO_POST}"
        return bool(self._store.read_values(sql, [upgrade]))


class Deliveries:
    """The tables `webhooks` and `deliveries`; one thread a webhook."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take_up(self, webhook: str, kinds: Collection[Kind], now: datetime) -> None:
        """Add what came into the audit since the last time; a webhook that is new is told from now on."""
        if not self._store.read("select 1 from audit where seq > ?", [self._find_seen(webhook)]):
            return
        with self._store.transact() as db:
            seen = self._find_seen(webhook)
            rows = db.execute("select seq, action from audit where seq > ? order by seq limit ?", [seen, BATCH])
            found = rows.fetchall()
            db.execute("update webhooks set seen = ? where name = ?", [found[-1][0], webhook])
            db.conn.executemany(
                "insert or ignore into deliveries (webhook, entry, created_at) values (?, ?, ?)",
                [(webhook, seq, now.timestamp()) for seq, action in found if name_kind(action) in kinds],
            )
            self._drop_oldest(webhook)

    def begin(self, webhook: str) -> None:
        """Start a new webhook where the audit ends now."""
        with self._store.transact() as db:
            db.execute(
                "insert or ignore into webhooks (name, seen) values (?, (select coalesce(max(seq), 0) from audit))",
                [webhook],
            )

    def list_due(self, webhook: str, now: datetime, limit: int) -> list[Delivery]:
        """What is to be tried now, in the order in which it happened."""
        rows = self._store.read(
            """
            select deliveries.seq as number, deliveries.attempts, deliveries.created_at,
                audit.upgrade, audit.at, audit.actor, audit.action, audit.detail, audit.before, audit.seal
            from deliveries join audit on audit.seq = deliveries.entry
            where webhook = ? and state = 'waiting' and coalesce(not_before, 0) <= ? order by deliveries.seq limit ?
            """,
            [webhook, now.timestamp(), limit],
        )
        fields = ("upgrade", "at", "actor", "action", "detail", "before", "seal")
        return [
            Delivery(
                row["number"],
                row["attempts"],
                at_time(row["created_at"]),
                SealedRow(**{name: row[name] for name in fields}),
            )
            for row in rows
        ]

    def find_next_due(self, webhook: str) -> datetime | None:
        """When the next delivery may be tried, None where none waits."""
        rows = self._store.read(
            "select min(coalesce(not_before, 0)) as at from deliveries where webhook = ? and state = 'waiting'",
            [webhook],
        )
        return None if rows[0]["at"] is None else at_time(rows[0]["at"])

    def mark_delivered(self, delivery: Delivery) -> None:
        """It arrived; nothing is left to do."""
        with self._store.transact() as db:
            db.execute("delete from deliveries where seq = ?", [delivery.seq])

    def defer(self, delivery: Delivery, until: datetime, why: str) -> None:
        """Try again later."""
        with self._store.transact() as db:
            db.execute(
                "update deliveries set attempts = attempts + 1, not_before = ?, trouble = ? where seq = ?",
                [to_seconds(until), why, delivery.seq],
            )

    def give_up(self, delivery: Delivery, why: str) -> None:
        """Never try again; the reason stays in the row."""
        with self._store.transact() as db:
            db.execute(
                "update deliveries set attempts = attempts + 1, state = 'given up', trouble = ? where seq = ?",
                [why, delivery.seq],
            )

    def _find_seen(self, webhook: str) -> int:
        rows = self._store.read("select seen from webhooks where name = ?", [webhook])
        return int(rows[0]["seen"])

    def _drop_oldest(self, webhook: str) -> None:
        with self._store.transact() as db:
            db.execute(
                """
                update deliveries set state = 'given up', trouble = 'too many others came while it waited'
                where webhook = :webhook and state = 'waiting' and seq not in (
                    select seq from deliveries where webhook = :webhook and state = 'waiting'
                    order by seq desc limit :most
                )
                """,
                {"webhook": webhook, "most": MOST_WAITING},
            )


def _tell_messages(read: Reads, which: str, what: str) -> list[str]:
    (row,) = read(f"select count(*) as n, max(seq) as last from outbox where {which}", ())
    if not row["n"]:
        return []
    why = read("select trouble from outbox where seq = ?", [row["last"]])[0]["trouble"]
    return [f"{count_things(row['n'], 'message')} to Slack {what} {why}"]


@dataclass(frozen=True)
class FailingChannel:
    """A channel that takes nothing of an upgrade, and why; `upgrade` is "" where that is of none."""

    channel: str
    upgrade: str
    why: str


def list_failing(read: Reads) -> list[FailingChannel]:
    """The channels that take nothing, with each upgrade that has something to say there."""
    rows = read(
        f"select channel, upgrade, max(trouble) as trouble from outbox where {FAILING} group by +channel, +upgrade "
        "order by +channel, +upgrade",
        (),
    )
    return [
        FailingChannel(row["channel"], row["upgrade"], str(row["trouble"]).removeprefix(UNWRITABLE)) for row in rows
    ]


def describe_failing(read: Reads) -> list[str]:
    """The same for people, a sentence each channel."""
    by_channel = {one.channel: one.why for one in list_failing(read)}
    return [
        f"nothing can be posted in {f'<#{channel}>' if channel.startswith(('C', 'G')) else channel}: {why}"
        for channel, why in by_channel.items()
    ]


def list_troubles(read: Reads) -> list[str]:
    """What Slack or a webhook will never get, or does not get for a while already, a sentence each."""
    found = [
        *describe_failing(read),
        *_tell_messages(read, GIVEN_UP, "given up, the last one as"),
        *_tell_messages(read, DEFERRED, "tried again in a while:"),
    ]
    # a journal that no bot of this version has opened yet
    if not read("select 1 from sqlite_master where name = 'deliveries'", ()):
        return found
    rows = read(
        """
        select webhook, state, count(*) as n, max(seq) as last from deliveries
        where (state = 'given up' or attempts > 0) and (state = 'given up' or attempts >= ?)
        group by +webhook, state order by +webhook, state
        """,
        [PATIENCE],
    )
    for row in rows:
        why = read("select trouble from deliveries where seq = ?", [row["last"]])[0]["trouble"]
        ended = "given up" if row["state"] == "given up" else "tried again and again"
        found.append(f"{count_things(row['n'], 'event')} for the webhook {row['webhook']} {ended}: {why}")
    return found


@dataclass(frozen=True)
class Leaving:
    """From which channel an upgrade goes to which, and what its reminders say of it that stand in the old one."""

    old: str
    new: str
    how: str


@dataclass(frozen=True)
class LeftRoot:
    """A root that stands in a channel that its upgrade has left; `ts` is "" where nobody knows whether it does."""

    slot: str
    channel: str
    ts: str


def leave_channel(db: Database, upgrade: str, new: str, left: Mapping[str, str], going: Collection[str]) -> None:
    """What may stand in Slack under these slots stays there, with the body that is `left`; the `going` are told anew.

    What moved and has ended stays as well. All that Slack has not got, or would not take there, goes along.
    """
    slots = json.dumps([*left, *going])
    found = db.execute(
        "select id, slot, body from outbox where upgrade = ? and "
        f"(slot in (select value from json_each(?)) or slot like 'progress:%') and slot <> '' and {MAY_STAND}",
        [upgrade, slots],
    )
    for row_id, slot, body in found.fetchall():
        _leave(db, row_id, left.get(slot, body))
        if slot in going:
            _repeat(db, row_id, slot, body, new)
    db.execute(
        f"update outbox set {UNSENT_ANEW} where upgrade = ? and ts = '' and {FOLLOWED} "
        "and (revision > sent_revision or slot <> '' and trouble <> '') and slot not like ?",
        [new, upgrade, f"{FAREWELL}%"],
    )
    # what stands elsewhere of the upgrade and waits for an edit waits for no pause
    db.execute(
        "update outbox set not_before = null, trouble = '' where revision > sent_revision and upgrade = ?", [upgrade]
    )


def leave_reminders(db: Database, upgrade: str, channels: Leaving) -> None:
    """The upgrade's reminders in a channel say what became of them; those that Slack has not got go to the new one."""
    old, new = channels.old, channels.new
    unsent = f"{OF_UPGRADE} and channel = ? and ts = '' and revision > sent_revision"
    begun = db.execute(f"select id, slot, body from outbox where {unsent} and attempts > 0", [upgrade, old])
    for row_id, slot, body in begun.fetchall():
        _leave(db, row_id, body)
        _repeat(db, row_id, slot.replace(f":{old}", f":{new}"), body, new)
    db.execute(
        f"update or ignore outbox set {UNSENT_ANEW}, slot = replace(slot, ?, ?) where {unsent} and {FOLLOWED}",
        [new, f":{old}", f":{new}", upgrade, old],
    )
    db.execute(
        f"update outbox set body = json_set(body, '$.closed', ?), revision = revision + 1, slot = '{LEFT}' || id "
        f"where {OF_UPGRADE} and channel = ? and {MAY_STAND} "
        "and case when json_valid(body) then json_extract(body, '$.closed') end = ''",
        [channels.how, upgrade, old],
    )


def _leave(db: Database, row_id: str, body: str) -> None:
    db.execute(
        f"update outbox set slot = '{LEFT}' || id, attempts = 1, not_before = null, trouble = '', "
        "revision = revision + (body <> :body), body = :body where id = :id",
        {"id": row_id, "body": body},
    )


def _repeat(db: Database, row_id: str, slot: str, body: str, channel: str) -> None:
    """The same message once more, in another channel."""
    db.execute(
        "insert or ignore into outbox (id, upgrade, kind, slot, channel, body, created_at) "
        "select lower(hex(randomblob(16))), upgrade, kind, ?, ?, ?, created_at from outbox where id = ?",
        [slot, channel, body, row_id],
    )
