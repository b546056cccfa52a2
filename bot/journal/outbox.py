"""What Slack is to show: rows that commit with the outcome and are sent afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from bot.journal.bodies import (
    Body,
    GateBody,
    Message,
    ReminderKind,
    Reminding,
    WaitingMessage,
    decode_body,
    encode_body,
)
from bot.journal.deliveries import (
    FAILING,
    FOLLOWED,
    GIVEN_UP,
    REFUSING,
    UNWRITABLE,
    WAITING,
    Backlog,
    FailingChannel,
    LeftRoot,
    leave_channel,
    leave_reminders,
    list_failing,
)
from bot.journal.deliveries import Leaving as Leaving
from bot.journal.rows import READABLE, UNREADABLE, at_time
from bot.journal.store import Row, Store, StoredCopy

# Of many messages one whose times can't be read is read without them.
MENDED = (
    f"*, iif(created_at {READABLE}, created_at, 0) as created_at, iif(not_before {READABLE}, not_before, null) "
    "as not_before"
)
TOLD_UNWRITABLE = "unwritable"
AT_SLOT = "upgrade = ? and slot = ? and slot <> ''"
log = structlog.get_logger(__name__)


class PutAway(msgspec.Struct, frozen=True):
    """Where what was told of an upgrade went, once it had ended long ago."""

    at: datetime
    file: str
    sha256: str


class OutboxView:
    """Reading the outbox; serves the bot and the commands that run beside it."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._rows = store.read

    def read_thread(self, upgrade: str) -> tuple[str, str]:
        """Channel and ts of the upgrade's root message; "" while it is not posted."""
        rows = self._rows(
            "select channel, ts from outbox where upgrade = ? and slot = 'root' and slot <> ''", [upgrade]
        )
        return (rows[0]["channel"], rows[0]["ts"]) if rows else ("", "")

    def list_told(self, upgrade: str) -> list[Message]:
        """Every message of the upgrade, posted or not, in the order in which they were made."""
        rows = self._rows(f"select {MENDED} from whole_outbox where upgrade = ? order by seq", [upgrade])
        return list(map(_read_message, rows))

    def find_put_away(self, upgrade: str) -> PutAway | None:
        """Where the upgrade's messages are that the journal has no longer, None while it has them."""
        # a journal that no bot of this version has opened yet
        if not self._rows("select 1 from sqlite_master where name = 'put_away'"):
            return None
        rows = self._rows("select at, file, sha256 from put_away where upgrade = ?", [upgrade])
        return PutAway(at_time(rows[0]["at"]), rows[0]["file"], rows[0]["sha256"]) if rows else None


class Outbox(OutboxView):
    """The outbox table. Writing joins the transaction of the caller."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.backlog = Backlog(store)

    def add_message(self, upgrade: str, channel: str, body: Body, now: datetime) -> None:
        """A message that is posted once."""
        self._insert(upgrade, "", channel, body, now)

    def keep_message(self, upgrade: str, channel: str, body: Body, now: datetime, slot: str = "") -> None:
        """What is on record and is never posted: another message tells it."""
        self._insert(upgrade, slot, channel, body, now, sent=1)

    def find_last_gate(self, upgrade: str) -> str:
        """The slot of the upgrade's latest card of a gate, "" where it has none."""
        rows = self._store.read(
            "select slot from whole_outbox where upgrade = ? and kind = 'gate' and slot <> '' "
            "order by seq desc limit 1",
            [upgrade],
        )
        return str(rows[0]["slot"]) if rows else ""

    def list_cards(self, upgrade: str, step: str = "") -> list[GateBody]:
        """The cards of the upgrade's gates, or of one gate, in the order in which they were made."""
        rows = self._store.read(
            "select kind, body from whole_outbox where upgrade = ? and slot <> '' and kind = 'gate' order by seq",
            [upgrade],
        )
        found = [decode_body(row["kind"], row["body"]) for row in rows]
        return [body for body in found if isinstance(body, GateBody) and step in ("", body.step)]

    def put_message(self, upgrade: str, slot: str, channel: str, body: Body, now: datetime) -> None:
        """A message that is posted once and edited afterwards; an unchanged body changes nothing."""
        with self._store.transact():
            if not self.has_message(upgrade, slot):
                self._insert(upgrade, slot, channel, body, now)
            elif self.find_body(upgrade, slot) != body:
                self._change(upgrade, slot, body)

    def amend_message(self, upgrade: str, slot: str, change: Callable[[Body], Body]) -> None:
        """Change the body of an editable message, where there is such a message."""
        with self._store.transact():
            known = self.find_body(upgrade, slot)
            if known is not None and (changed := change(known)) != known:
                self._change(upgrade, slot, changed)

    def leave_channel(self, upgrade: str, channels: Leaving, left: Mapping[str, Body], going: Collection[str]) -> None:
        """The upgrade goes on in another channel; `left` is what the messages under these slots say from now on."""
        with self._store.change(upgrade) as db:
            leave_reminders(db, upgrade, channels)
            leave_channel(db, upgrade, channels.new, {slot: encode_body(body) for slot, body in left.items()}, going)

    def list_left_roots(self, upgrade: str) -> list[LeftRoot]:
        """The roots that the upgrade left behind, the last one first."""
        rows = self._store.read(
            "select slot, channel, ts from outbox where upgrade = ? and kind = 'root' and slot <> 'root' "
            "order by ts desc",
            [upgrade],
        )
        return [LeftRoot(row["slot"], row["channel"], row["ts"]) for row in rows]

    def touch_message(self, upgrade: str, slot: str) -> None:
        """Have a message drawn again whose body stands elsewhere in the journal."""
        with self._store.change(upgrade) as db:
            db.execute(f"update outbox set revision = revision + 1 where {AT_SLOT}", [upgrade, slot])

    def find_body(self, upgrade: str, slot: str) -> Body | None:
        """What the editable message under this slot tells, None where there is none or it can't be read."""
        rows = self._store.read(f"select kind, body from whole_outbox where {AT_SLOT}", [upgrade, slot])
        try:
            return decode_body(rows[0]["kind"], rows[0]["body"]) if rows else None
        except UNREADABLE:
            return None

    def has_message(self, upgrade: str, slot: str) -> bool:
        """Whether there is an editable message under this slot."""
        return bool(self._store.read(f"select 1 from whole_outbox where {AT_SLOT}", [upgrade, slot]))

    def was_posted(self, upgrade: str, slot: str, begun: bool) -> bool:
        """Whether Slack has the message under this slot; with `begun` also whether posting it was begun."""
        rows = self._store.read(
            f"select 1 from whole_outbox where {AT_SLOT} and (ts <> '' or (? and attempts > 0))",
            [upgrade, slot, begun],
        )
        return bool(rows)

    def has_private_copy(self, upgrade: str, user: str, step: str, generation: int) -> bool:
        """Whether Slack took a copy of this question's card for this person alone."""
        rows = self._store.read(
            """
            select 1 from outbox where kind = 'answer' and ts <> '' and created_at >= (
                    select asked_at from whole_approvals where upgrade = ? and step = ? and generation = ?)
                and case when json_valid(body) then (json_extract(body, '$.upgrade'), json_extract(body, '$.user'),
                    json_extract(body, '$.card.step'), json_extract(body, '$.card.generation')) = (?, ?, ?, ?) end
            limit 1
            """,
            [upgrade, step, generation, upgrade, user, step, generation],
        )
        return bool(rows)

    def rewrite_message(self, message_id: str, body: Reminding) -> None:
        """Another body for a reminder that isn't posted yet."""
        text = encode_body(body)
        with self._store.transact() as db:
            db.execute(
                "update outbox set body = ?, revision = revision + 1 where id = ? and body <> ?",
                [text, message_id, text],
            )

    def close_reminders(self, upgrade: str, kinds: Collection[ReminderKind], how: str) -> None:
        """The upgrade's posted reminders of these kinds say what became of it and lose their buttons."""
        one_of = "json_extract(body, '$.kind') in (select value from json_each(?))"
        self._close(upgrade, how, one_of, [json.dumps(list(kinds))])

    def close_asking(self, upgrade: str, step: str, generation: int, how: str) -> None:
        """The reminders that are about this question's answer say how it ended and lose their buttons."""
        asking = """(json_extract(body, '$.step'), json_extract(body, '$.generation')) = (?, ?)
            and (json_array_length(body, '$.choices') > 0 or json_extract(body, '$.kind') = 'approval'
                or exists (select 1 from json_each(body, '$.controls') where value = 'retry'))"""
        self._close(upgrade, how, asking, [step, generation])

    def close_followed(self, seqs: Iterable[int], channel: str, how: str) -> None:
        """These reminders in a channel say what followed them and lose their buttons."""
        slots = json.dumps([name_reminder(seq, channel) for seq in seqs])
        with self._store.transact() as db:
            db.execute(
                """
                update outbox set body = json_set(body, '$.closed', ?), revision = revision + 1
                where upgrade = '' and slot <> '' and slot in (select value from json_each(?))
                    and case when json_valid(body) then json_extract(body, '$.closed') end = ''
                """,
                [how, slots],
            )

    def _close(self, upgrade: str, how: str, condition: str, parameters: Sequence[str | int]) -> None:
        with self._store.transact() as db:
            db.execute(
                f"""
                update outbox set body = json_set(body, '$.closed', ?), revision = revision + 1
                where kind = 'reminder' and case when json_valid(body) then json_extract(body, '$.upgrade') = ?
                    and json_extract(body, '$.closed') = '' and {condition} end
                """,
                [how, upgrade, *parameters],
            )

    def list_unsent_reminders(self) -> list[Message]:
        """The reminders that Slack has not got."""
        rows = self._store.read(
            f"select {MENDED} from outbox where revision > sent_revision and kind = 'reminder' and ts = '' order by seq"
        )
        return list(map(_read_message, rows))

    def list_unsent(self, now: datetime) -> list[Message]:
        """Messages with something Slack has not got, and whose time has come, in the order in which they were made."""
        return [message for one in self.list_waiting(now) if (message := self.find_message(one.id))]

    def list_waiting(self, now: datetime) -> list[WaitingMessage]:
        """The same without what they tell."""
        rows = self._store.read_values(
            f"select {WAITING} from outbox where revision > sent_revision "
            f"and (coalesce(not_before, 0) <= ? or not_before not {READABLE}) order by seq",
            [now.timestamp()],
        )
        return list(map(WaitingMessage._make, rows))

    def find_message(self, message_id: str) -> Message | None:
        """The message as it is now. One that can't be read is given up, so that the others are sent."""
        rows = self._store.read("select * from outbox where id = ?", [message_id])
        return self._read_or_give_up(rows[0]) if rows else None

    def find_next_due(self, now: datetime) -> datetime | None:
        """When the next deferred message may be tried, None where none is deferred."""
        rows = self._store.read(
            "select min(not_before) as at from outbox where revision > sent_revision and not_before > ?",
            [now.timestamp()],
        )
        return at_time(rows[0]["at"]) if rows and rows[0]["at"] is not None else None

    def mark_posting(self, message_id: str) -> bool:
        """Commit that a post is about to be tried, so that after a crash Slack is asked before it is posted again.

        False where it may not be: meanwhile its upgrade has left the channel.
        """
        with self._store.transact() as db:
            db.execute("update outbox set attempts = attempts + 1 where id = ?", [message_id])
        return bool(self._store.read(f"select 1 from outbox where id = ? and {FOLLOWED}", [message_id]))

    def mark_sent(self, message_id: str, ts: str, revision: int, now: datetime) -> None:
        """Slack has this revision under this ts."""
        with self._store.transact() as db:
            db.execute(
                "update outbox set ts = ?, sent_revision = ?, not_before = null, trouble = '' where id = ?",
                [ts, revision, message_id],
            )

    def defer_message(self, message_id: str, until: datetime, why: str, *, unheard: bool = False) -> None:
        """Try again later. Where Slack was `unheard`, a channel that took nothing still takes nothing."""
        with self._store.transact() as db:
            db.execute(
                f"update outbox set not_before = ?, trouble = case when ? and {REFUSING} then trouble else ? end "
                "where id = ?",
                [until.timestamp(), unheard, why, message_id],
            )

    def drop_message(self, message_id: str, why: str) -> None:
        """Never try again; the reason stays in the row."""
        with self._store.transact() as db:
            db.execute("update outbox set sent_revision = revision, trouble = ? where id = ?", [why, message_id])

    def replace_message(self, message: WaitingMessage, why: str, body: Body, now: datetime) -> None:
        """Never try this message again, which stays in its row, and post another one for it."""
        with self._store.transact():
            self.drop_message(message.id, why)
            self.add_message(message.upgrade, message.channel, body, now)

    def list_unwritable(self) -> list[FailingChannel]:
        """The channels that take nothing, with each upgrade that has something to say there."""
        return list_failing(self._store.read)

    def list_notices(self) -> list[Message]:
        """What people were told directly of channels that take nothing and is not over, in order."""
        rows = self._store.read(
            f"select {MENDED} from outbox where upgrade = '' and slot <> '' and slot >= ? and slot < ? order by seq",
            [f"{TOLD_UNWRITABLE}:", f"{TOLD_UNWRITABLE};"],
        )
        return list(map(_read_message, rows))

    def release_slots(self, messages: Iterable[str]) -> None:
        """These messages are edited no more; what is put under their slots is told anew."""
        with self._store.transact() as db:
            db.execute(
                "update outbox set slot = '' where id in (select value from json_each(?))",
                [json.dumps(list(messages))],
            )

    def find_refusal(self, upgrade: str, slot: str) -> str:
        """Why its channel does not take the message under this slot, or what it waits behind; "" where it may."""
        # Only the first of a thread is tried: whatever is refused of the upgrade holds back what Slack has not got.
        rows = self._store.read(
            f"""
            select trouble from outbox where upgrade = ? and {FAILING}
                and not exists (select 1 from outbox where upgrade = ? and slot = ? and slot <> '' and ts <> '') limit 1
            """,
            [upgrade, upgrade, slot],
        )
        return str(rows[0]["trouble"]).removeprefix(UNWRITABLE) if rows else ""

    def count_given_up(self) -> int:
        """How many messages Slack will never get, or not in their last form."""
        return int(self._store.read(f"select count(*) as n from outbox where {GIVEN_UP}")[0]["n"])

    def _read_or_give_up(self, row: Row) -> Message | None:
        try:
            return _read_message(row)
        except UNREADABLE as fault:
            log.error("slack message unreadable", message=row["id"], upgrade=row["upgrade"], why=str(fault))
            self.drop_message(row["id"], f"its row can't be read: {fault}")
            return None

    def _insert(self, upgrade: str, slot: str, channel: str, body: Body, now: datetime, sent: int = 0) -> None:
        known = [uuid.uuid4().hex, upgrade, body.message_kind, slot, channel]
        with self._store.change(upgrade) as db:
            db.execute(
                """
                insert into outbox (id, upgrade, kind, slot, channel, body, created_at, sent_revision)
                values (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [*known, encode_body(body), now.timestamp(), sent],
            )

    def _change(self, upgrade: str, slot: str, body: Body) -> None:
        with self._store.change(upgrade) as db:
            db.execute(
                """
                update outbox set kind = ?, body = ?, revision = revision + 1
                where upgrade = ? and slot = ? and slot <> ''
                """,
                [body.message_kind, encode_body(body), upgrade, slot],
            )


def _read_message(row: Row) -> Message:
    return Message(
        id=row["id"],
        upgrade=row["upgrade"],
        slot=row["slot"],
        channel=row["channel"],
        body=decode_body(row["kind"], row["body"]),
        created_at=at_time(row["created_at"]),
        revision=row["revision"],
        sent_revision=row["sent_revision"],
        ts=row["ts"],
        attempts=row["attempts"],
        not_before=None if row["not_before"] is None else at_time(row["not_before"]),
    )


def name_reminder(seq: int, channel: str) -> str:
    """The outbox slot of a reminder in a channel."""
    return f"reminder:{seq}:{channel}"


def name_notice(channel: str, user: str, first: str) -> str:
    """The outbox slot of what a person is told of a channel that takes nothing, of this upgrade first."""
    return f"{TOLD_UNWRITABLE}:{channel}:{user}:{first}"


def name_card(step: str, generation: int) -> str:
    """The outbox slot of the card that asks the question of this step and generation."""
    return f"card:{step}:{generation}"
