"""The journal: every upgrade, its steps, questions, memory and ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import TypeVar, Unpack

from sqlite_utils import Database

from bot.journal.audit import AuditEntry, AuditEvent, describe_event, name_event
from bot.journal.chain import SealedEnd, SealedRow, insert_end, seal_end, seal_row
from bot.journal.deliveries import describe_failing, list_troubles
from bot.journal.grounds import GroundsReader, TimesView, insert_upgrade, update_upgrade, write_note
from bot.journal.proofs import prove_rows
from bot.journal.rows import (
    DUE,
    ENCODED,
    LONGEST_PAUSE,
    MOVED,
    NEXT_DUE,
    PLAIN,
    TIMES,
    UNHEARD,
    Question,
    StepRow,
    UpgradeChanges,
    UpgradeRow,
    encode_column,
    encode_json,
    read_entry,
    read_first_upgrade,
    read_question,
    read_step,
    read_upgrade,
    to_seconds,
    to_time,
)
from bot.journal.store import Row, Store
from steps.contract.cards import APPROVE, APPROVE_HEALTHY, THROUGH
from steps.contract.ledger import EntryState, LedgerEntry
from steps.contract.notes import Json, Note
from steps.contract.step import Ask, Blocked, Decision

T = TypeVar("T")
# A decision that waited for longer than this is refused: much may have changed since the person read the card.
LONGEST_WAIT = timedelta(minutes=10)
LONGEST_LOOK = timedelta(seconds=60)
RETURNS = "select * from upgrades where takes_back = ? and takes_back <> '' order by number desc"
KEYED = "upgrade = ? and step = ? and generation = ?"
# As the index of open upgrades says it; SQLite uses that for no other words.
OPEN = "state in ('running', 'asking', 'blocked')"
BY_POD = "order by namespace, pod, uid"
_LEDGER = ", ".join(f'"{field.name}"' for field in fields(LedgerEntry))
_LEDGER_VALUES = ", ".join(f":{field.name}" for field in fields(LedgerEntry))


class JournalView(TimesView):
    """Reading the journal; serves the bot and the commands that run beside it."""

    def read_id(self) -> str:
        """The id that tells this journal from every other one, even if a bot starts afresh."""
        return str(self._rows("select id from identity")[0]["id"])

    def find_upgrade(self, upgrade: str) -> UpgradeRow | None:
        """The upgrade with this id."""
        return read_first_upgrade(self._rows("select * from upgrades where id = ?", [upgrade]))

    def find_open_upgrade(self, cluster: str) -> UpgradeRow | None:
        """The cluster's upgrade that is neither finished nor aborted."""
        return read_first_upgrade(self._rows(f"select * from upgrades where cluster = ? and {OPEN}", [cluster]))

    def list_upgrades(self, cluster: str = "", limit: int = 50) -> list[UpgradeRow]:
        """Upgrades of a cluster, or of all, newest first."""
        every = "select * from upgrades order by created_at desc, number desc limit ?"
        own = "select * from upgrades where cluster = ? order by created_at desc, number desc limit ?"
        rows = self._rows(own, [cluster, limit]) if cluster else self._rows(every, [limit])
        return [read_upgrade(row) for row in rows]

    def find_return(self, upgrade: str) -> UpgradeRow | None:
        """The latest way back of an upgrade."""
        return read_first_upgrade(self._rows(RETURNS, [upgrade]))

    def list_open_upgrades(self) -> list[UpgradeRow]:
        """All upgrades that are neither finished nor aborted, oldest first."""
        rows = self._rows(f"select * from upgrades where {OPEN} order by +created_at")
        return [read_upgrade(row) for row in rows]

    def list_due(self, now: datetime) -> list[str]:
        """The upgrades that may have something to do now, the longest waiting first; whoever runs them reads them."""
        given: dict[str, object] = {"now": now.timestamp(), "set_back": (now + LONGEST_PAUSE).timestamp()}
        rows = self._rows(f"select id from upgrades where {DUE} order by due", given)
        return [str(row["id"]) for row in rows]

    def find_next_due(self) -> datetime | None:
        """When the next upgrade has something to do, None when all wait for a person."""
        return to_time(self._rows(NEXT_DUE)[0]["due"])

    def list_steps(self, upgrade: str) -> list[StepRow]:
        """The steps that the upgrade began, in order."""
        rows = self._rows("select * from whole_steps where upgrade = ? order by place", [upgrade])
        return list(map(read_step, rows))

    def find_question(self, upgrade: str, step: str, generation: int) -> Question | None:
        """The question under this key, whatever became of it."""
        rows = self._rows(f"select * from whole_approvals where {KEYED}", [upgrade, step, generation])
        return read_question(rows[0]) if rows else None

    def find_open_question(self, upgrade: str) -> Question | None:
        """What the upgrade asks right now."""
        rows = self._rows(
            "select * from approvals where upgrade = ? and state = 'open' order by generation desc", [upgrade]
        )
        return read_question(rows[0]) if rows else None

    def list_questions(self, upgrade: str) -> list[Question]:
        """All questions that the upgrade ever asked, in order."""
        rows = self._rows("select * from whole_approvals where upgrade = ? order by generation", [upgrade])
        return [read_question(row) for row in rows]

    def has_waiting_decision(self, until: datetime, now: datetime) -> bool:
        """Whether somebody's decision came in time, a moment ago, and nobody has looked at it yet."""
        rows = self._rows(
            """
            select 1 from clicks where settled_at is null and received_at between ? and ?
                and json_extract(body, '$.order.action') in ('approve', 'decide', 'break-glass') limit 1
            """,
            [(now - LONGEST_WAIT).timestamp(), until.timestamp()],
        )
        return bool(rows)

    def recall(self, upgrade: str, note: Note[T]) -> T | None:
        """The value of one of the upgrade's notes, None where none is kept."""
        kept = self.recall_json(upgrade, note.key)
        return None if kept is None else note.read(kept)

    def recall_json(self, upgrade: str, key: str) -> Json:
        """One value that the upgrade remembers, as it is stored."""
        rows = self._rows("select value from whole_memory where upgrade = ? and key = ?", [upgrade, key])
        kept: Json = json.loads(rows[0]["value"]) if rows else None
        return kept

    def read_ledger(self, upgrade: str) -> tuple[LedgerEntry, ...]:
        """The upgrade's ledger, ordered by namespace and pod."""
        rows = self._rows(f"select {_LEDGER} from whole_ledger where upgrade = ? {BY_POD}", [upgrade])
        return tuple(LedgerEntry(**row) for row in rows)

    def count_ledger(self, upgrade: str) -> dict[EntryState, int]:
        """How many pods of the ledger are in each state; states without a pod are left out."""
        rows = self._rows(
            "select state, count(*) as n from whole_ledger_states where upgrade = ? group by state", [upgrade]
        )
        return {row["state"]: row["n"] for row in rows}

    def find_unheard(self, upgrade: str) -> datetime | None:
        """Since when Slack lacks a message of the upgrade's thread, None where it has them all."""
        return to_time(self._rows(UNHEARD, [upgrade])[0]["since"])

    def has_actor(self, user: str) -> bool:
        """Whether this person ever did something that is on the record."""
        return bool(self._rows("select 1 from audit where actor = ? limit 1", [user]))

    def list_troubles(self) -> list[str]:
        """What Slack or a webhook did not get, a sentence each."""
        return list_troubles(self._rows)

    def list_failing_channels(self) -> list[str]:
        """The channels that take nothing, a sentence each."""
        return describe_failing(self._rows)

    def list_audit(self, upgrade: str) -> list[AuditEntry]:
        """Who did what to the upgrade, in order."""
        rows = self._rows("select * from audit where upgrade = ? order by seq", [upgrade])
        return list(map(read_entry, rows))

    def was_moved(self, upgrade: UpgradeRow) -> bool:
        """Whether it, or what it takes back, was let go on in another channel; asked without reading any event."""
        return bool(self._rows(MOVED, [upgrade.id, upgrade.takes_back]))


class Journal(JournalView):
    """Writing the journal. Each method joins the transaction of its caller or is one of its own."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.standing = GroundsReader(store)

    def add_upgrade(self, row: UpgradeRow) -> None:
        """A new upgrade; sqlite3.IntegrityError where the cluster has an open one."""
        values = {
            **{name: getattr(row, name) for name in PLAIN},
            **{name: to_seconds(getattr(row, name)) for name in TIMES},
            **{name: encode_json(getattr(row, name)) for name in ENCODED},
        }
        with self._store.transact() as db:
            insert_upgrade(db, self._store.key, values)

    def next_number(self, cluster: str) -> int:
        """The number of the cluster's next upgrade."""
        rows = self._rows("select coalesce(max(number), 0) + 1 as n from upgrades where cluster = ?", [cluster])
        return int(rows[0]["n"])

    def transact(self) -> AbstractContextManager[Database]:
        """One transaction over everything that is written inside."""
        return self._store.transact()

    def check(self) -> None:
        """Raise StoreBroken where nothing may be acted on any more."""
        self._store.check()

    def count_changes(self) -> tuple[int, int]:
        """What is another pair after each change of the journal."""
        return self._store.count_changes()

    def change_upgrade(self, upgrade: str, **changes: Unpack[UpgradeChanges]) -> None:
        """Set columns of the upgrade; datetimes and tuples are encoded."""
        values = {name: encode_column(name, value) for name, value in changes.items()}
        with self._store.transact() as db:
            update_upgrade(db, self._store.key, upgrade, values)

    def record_step(self, upgrade: str, step: str, outcome: str, sentence: str, now: datetime, ended: bool) -> None:
        """What a step answered this turn. A gap over LONGEST_LOOK (a pause, a hold, an outage) is not its own time."""
        with self._store.change(upgrade) as db:
            db.execute(
                """
                insert into steps (upgrade, step, outcome, sentence, turns, started_at, seen_at, ended_at)
                values (:upgrade, :step, :outcome, :sentence, 1, :now, :now, :ended)
                on conflict (upgrade, step) do update set outcome = excluded.outcome, sentence = excluded.sentence,
                    busy = busy + iif(:now - seen_at between 0 and :longest, :now - seen_at, 0), turns = turns + 1,
                    seen_at = excluded.seen_at, ended_at = excluded.ended_at
                """,
                {"upgrade": upgrade, "step": step, "outcome": outcome, "sentence": sentence, "now": now.timestamp()}
                | {"longest": LONGEST_LOOK.total_seconds(), "ended": now.timestamp() if ended else None},
            )

    def open_question(
        self, row: UpgradeRow, generation: int, outcome: Ask | Blocked, now: datetime, expires: datetime | None
    ) -> None:
        """Ask a person; an older open question of the upgrade is voided."""
        with self._store.change(row.id) as db:
            db.execute("update approvals set state = 'voided' where upgrade = ? and state = 'open'", [row.id])
            db.execute(
                """
                insert into approvals (upgrade, step, generation, kind, question, choices, binding, digest, asked_at,
                    expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    *(row.id, row.step, generation, "gate" if isinstance(outcome, Ask) else "blocked"),
                    outcome.question if isinstance(outcome, Ask) else outcome.why,
                    encode_json(outcome.choices),
                    encode_json(outcome.binding if isinstance(outcome, Ask) else {}),
                    outcome.digest if isinstance(outcome, Ask) else "",
                    *(now.timestamp(), to_seconds(expires)),
                ],
            )
            prove_rows(db, self._store.key, "terms", KEYED, [row.id, row.step, generation])

    def decide_question(self, question: Question, choice: str, by: str, reason: str, now: datetime) -> bool:
        """Compare and set: True for the first who decides, False for everybody after."""
        with self._store.change(question.upgrade) as db:
            changed = db.execute(
                """
                update approvals set state = 'decided', choice = ?, decided_by = ?, reason = ?, decided_at = ?
                where upgrade = ? and step = ? and generation = ? and state = 'open'
                """,
                [choice, by, reason, now.timestamp(), question.upgrade, question.step, question.generation],
            )
            if changed.rowcount != 1:
                return False
            prove_rows(db, self._store.key, "approvals", KEYED, [question.upgrade, question.step, question.generation])
            return True

    def list_consents(self, question: Question, choice: str) -> list[str]:
        """Who has approved a question that takes several approvals, in order; rows without a proof count for nobody."""
        rows = self._rows(
            f"select * from consents where {KEYED} and choice = ? order by at, rowid",
            [question.upgrade, question.step, question.generation, choice],
        )
        return [row["by"] for row in rows if self._store.key.holds("consents", row)]

    def add_consent(self, question: Question, choice: str, by: str, now: datetime) -> list[str]:
        """One more approval of a question that takes several; all who gave this one, in order."""
        key = [question.upgrade, question.step, question.generation, choice]
        with self._store.change(question.upgrade) as db:
            db.execute(
                'insert or replace into consents (upgrade, step, generation, choice, "by", at) '
                "values (?, ?, ?, ?, ?, ?)",
                [*key, by, now.timestamp()],
            )
            prove_rows(db, self._store.key, "consents", f'{KEYED} and choice = ? and "by" = ?', [*key, by])
        return self.list_consents(question, choice)

    def close_question(self, upgrade: str, state: str) -> None:
        """End the open question without a decision: expired or voided."""
        with self._store.change(upgrade) as db:
            db.execute("update approvals set state = ? where upgrade = ? and state = 'open'", [state, upgrade])

    def prolong_approvals(self, upgrade: str, held: timedelta, since: datetime, until: datetime | None) -> None:
        """Time in which a window held the upgrade makes no approval older; `until` is the end of the one open now."""
        with self._store.change(upgrade) as db:
            rows = self._rows(
                "select * from approvals where upgrade = ? and state = 'decided' and expires_at >= ?",
                [upgrade, since.timestamp()],
            )
            for row in (row for row in rows if self._store.key.holds("terms", row)):
                later = to_seconds(until) or row["expires_at"] + held.total_seconds()
                ends, key = max(row["expires_at"], later), [upgrade, row["step"], row["generation"]]
                db.execute(f"update approvals set expires_at = ? where {KEYED}", [ends, *key])
                prove_rows(db, self._store.key, "terms", KEYED, key)

    def find_approval_end(self, upgrade: str, phase: str) -> datetime | None:
        """Until when the last approval of a phase may be acted on, None where there is none.

        One whose end somebody else wrote has ended when it was decided; a decision without a proof is none.
        """
        rows = self._rows(
            "select * from whole_approvals where upgrade = ? and kind = 'gate' and state = 'decided' and "
            "(step like ? and choice in (?, ?) or choice = ?) order by generation desc",
            [upgrade, f"{phase}/%", APPROVE.id, APPROVE_HEALTHY.id, THROUGH.id],
        )
        last = next((row for row in rows if self._store.key.holds("approvals", row)), None)
        if last is None:
            return None
        return to_time(last["expires_at"] if self._store.key.holds("terms", last) else last["decided_at"])

    def find_decision(self, row: UpgradeRow) -> Decision | None:
        """What a person decided on the question last asked; a retry is none, nor what somebody else wrote."""
        rows = self._rows(f"select * from whole_approvals where {KEYED}", [row.id, row.step, row.generation])
        return self.read_decision(rows)

    def find_through(self, row: UpgradeRow) -> Decision | None:
        """The approval of all that follows, while it is the last question of any kind that the upgrade asked."""
        rows = self._rows(
            "select * from whole_approvals where upgrade = ? and generation = ? and choice = 'through'",
            [row.id, row.generation],
        )
        return self.read_decision(rows)

    def read_decision(self, rows: Sequence[Row]) -> Decision | None:
        """The decision of a question's row, None where there is none or its proofs do not hold."""
        if not rows or not all(self._store.key.holds(name, rows[0]) for name in ("approvals", "terms")):
            return None
        question = read_question(rows[0])
        if question.state != "decided" or question.decided_at is None or question.choice == "retry":
            return None
        told = (question.digest, question.reason, question.binding)
        return Decision(question.choice, question.decided_by, question.decided_at, *told)

    def remember(self, upgrade: str, note: Note[T], value: T) -> T:
        """Commit the note unless it has a value; the first value ever stored comes back."""
        return note.read(self.remember_json(upgrade, note.key, note.write(value)))

    def remember_json(self, upgrade: str, key: str, value: Json) -> Json:
        """The same by a note's key and JSON."""
        with self._store.transact():
            if self.recall_json(upgrade, key) is None:
                self.revise_json(upgrade, key, value)
        return self.recall_json(upgrade, key)

    def revise_json(self, upgrade: str, key: str, value: Json) -> None:
        """Commit a note's JSON, whatever its key had."""
        with self._store.change(upgrade) as db:
            write_note(db, self._store.key, upgrade, key, encode_json(value))

    def record_entries(self, upgrade: str, entries: Iterable[LedgerEntry]) -> None:
        """Add or replace ledger entries by uid."""
        rows = [{"upgrade": upgrade, **asdict(entry)} for entry in entries]
        if not rows:
            return
        with self._store.change(upgrade) as db:
            db.conn.executemany(
                f"insert or replace into ledger (upgrade, {_LEDGER}) values (:upgrade, {_LEDGER_VALUES})", rows
            )

    def append(self, upgrade: str, actor: str, event: AuditEvent, now: datetime) -> str:
        """Append who did what to the audit; its head from then on."""
        with self._store.transact() as db:
            said = SealedRow(upgrade, now.timestamp(), actor, name_event(event), describe_event(event))
            row = seal_row(said, self.find_head(upgrade))
            db.execute(
                "insert into audit (at, upgrade, actor, action, detail, before, seal) values (?, ?, ?, ?, ?, ?, ?)",
                [row.at, row.upgrade, row.actor, row.action, row.detail, row.before, row.seal],
            )
            return row.seal

    def close_chain(self, upgrade: str, now: datetime) -> None:
        """Add an upgrade that has ended, with the head of its audit, to the journal's own chain."""
        with self._store.transact() as db:
            rows = self._rows("select seal from ends order by seq desc limit 1")
            end = SealedEnd(upgrade, now.timestamp(), self.find_head(upgrade))
            insert_end(db, seal_end(end, str(rows[0]["seal"]) if rows else ""))

    def find_head(self, upgrade: str) -> str:
        """The seal of the last row of an upgrade's audit, "" where it has none."""
        rows = self._rows("select seal from audit where upgrade = ? order by seq desc limit 1", [upgrade])
        return str(rows[0]["seal"]) if rows else ""
