"""The journal's schema as ordered functions; sqlite-utils records which ran."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from bot.journal.chain import seal_earlier
from bot.journal.schema.first_tables import (
    create_approvals,
    create_audit,
    create_clicks,
    create_consents,
    create_ledger,
    create_memory,
    create_outbox,
    create_presence,
    create_reminders,
    create_schedules,
    create_steps,
    create_upgrades,
)


def build_migrations() -> Migrations:
    """All migrations in order. A released one is never edited; a change is a new one at the end.

    One that changes rows of the tables in `packs` has to unpack them first; a new column's default holds for them too.
    """
    migrations = Migrations("asm-upgrade-bot")
    for migrate in (
        create_upgrades,
        create_steps,
        create_approvals,
        create_memory,
        create_ledger,
        create_clicks,
        create_outbox,
        create_audit,
        create_consents,
        create_schedules,
        create_reminders,
        create_presence,
        chain_audit,
        add_proofs,
        create_deliveries,
        add_terms,
        add_identity,
        prove_grounds,
        add_indexes,
        link_returns,
        prove_times,
        index_threads,
        create_put_away,
        keep_local_times,
        index_waiting,
        create_packs,
    ):
        migrations()(migrate)
    return migrations


def chain_audit(db: Database) -> None:
    """Each row of the audit gets the seal of the one before it; rows from before are sealed as they stand."""
    db.execute("alter table audit add column before text not null default ''")
    db.execute("alter table audit add column seal text not null default ''")
    db.execute("create index audit_of_upgrade on audit(upgrade, seq)")
    db.execute(
        """
        create table ends (
            seq integer primary key,
            upgrade text not null,
            at real not null,
            head text not null,
            before text not null,
            seal text not null
        )
        """
    )
    seal_earlier(db)


def add_proofs(db: Database) -> None:
    """What decisions rest on carries a proof that the bot wrote it; the store proves what is there already."""
    db.execute("alter table approvals add column proof text not null default ''")
    db.execute("alter table consents add column proof text not null default ''")
    db.execute("alter table clicks add column proof text not null default ''")


def create_deliveries(db: Database) -> None:
    """How far each webhook was told of the audit, and one row an event that it has not taken yet or never will."""
    db.execute("create table webhooks (name text primary key, seen integer not null)")
    db.execute(
        """
        create table deliveries (
            seq integer primary key,
            webhook text not null,
            entry integer not null,
            state text not null default 'waiting',
            attempts integer not null default 0,
            not_before real,
            trouble text not null default '',
            created_at real not null,
            unique (webhook, entry)
        )
        """
    )
    db.execute("create index waiting_deliveries on deliveries(webhook, seq) where state = 'waiting'")


def add_terms(db: Database) -> None:
    """Until when a question may be answered, and its answer acted on, carries a proof of its own: it may be moved."""
    db.execute("alter table approvals add column term_proof text not null default ''")


def add_identity(db: Database) -> None:
    """A name of the journal's own, by which a bot knows on a cluster what it wrote there itself."""
    db.execute("create table identity (id text not null)")
    db.execute("insert into identity values (lower(hex(randomblob(16))))")


def prove_grounds(db: Database) -> None:
    """An upgrade's row and its notes carry proofs, and the row says how many notes there are."""
    db.execute("alter table memory add column proof text not null default ''")
    db.execute("alter table upgrades add column proof text not null default ''")
    db.execute("alter table upgrades add column notes integer not null default 0")
    db.execute("update upgrades set notes = (select count(*) from memory where upgrade = upgrades.id)")


def add_indexes(db: Database) -> None:
    """What is asked often is found without looking through what ended long ago."""
    db.execute("create index newest_upgrades on upgrades(created_at, number)")
    db.execute("create index newest_of_cluster on upgrades(cluster, created_at, number)")
    db.execute("create index upgraded on upgrades(ended_at) where state = 'upgraded'")
    db.execute("create index ended_upgrades on upgrades(ended_at) where ended_at is not null")
    db.execute("create index troubled_messages on outbox(seq) where trouble <> ''")
    db.execute("create index private_answers on outbox(created_at) where kind = 'answer'")
    db.execute("create index actors on audit(actor)")
    db.execute("create index troubled_deliveries on deliveries(seq) where state = 'given up' or attempts > 0")


def link_returns(db: Database) -> None:
    """A way back is an upgrade that names the one that it takes back."""
    db.execute("alter table upgrades add column takes_back text not null default ''")
    db.execute("create index returns on upgrades(takes_back, number) where takes_back <> ''")
    db.execute("create index unheard on outbox(upgrade, created_at) where ts = ''")


def prove_times(db: Database) -> None:
    """What says when an upgrade may act carries a proof: its appointment, its extensions, and since when it is held."""
    for table in ("schedules", "extensions", "holds"):
        db.execute(f"alter table {table} add column proof text not null default ''")


def index_threads(db: Database) -> None:
    """All that was told of one upgrade is found without looking through what was told of others."""
    db.execute("create index told on outbox(upgrade, seq)")


def create_put_away(db: Database) -> None:
    """Which upgrades ended so long ago that what was told of them was put into a file, and which file."""
    db.execute(
        """
        create table put_away (
            upgrade text primary key references upgrades(id),
            at real not null,
            file text not null,
            sha256 text not null
        )
        """
    )
    db.execute("create index settled_clicks on clicks(received_at) where settled_at is not null")


def keep_local_times(db: Database) -> None:
    """The local time that an appointment was written as, and the one that people were last shown: a zone may change."""
    db.execute("alter table schedules add column written text not null default ''")
    db.execute("alter table schedules add column shown text not null default ''")


def index_waiting(db: Database) -> None:
    """What may be sent next is found without looking through all that waits behind it."""
    waits = "revision > sent_revision"
    db.execute(f"create index waiting_answers on outbox(seq) where {waits} and kind = 'answer'")
    db.execute(f"create index waiting_edits on outbox(seq) where {waits} and ts <> '' and kind <> 'answer'")
    posts = "outbox(channel, kind <> 'root', seq)"
    db.execute(f"create index waiting_posts on {posts} where {waits} and ts = '' and kind <> 'answer'")


def create_packs(db: Database) -> None:
    """What is kept of an upgrade that has ended, one row an upgrade in place of a hundred."""
    db.execute(
        """
        create table packs (
            upgrade text primary key references upgrades(id),
            at real not null,
            kept blob not null,
            told blob not null
        )
        """
    )
