"""The journal's schema as ordered functions; sqlite-utils records which ran."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from bot.journal.chain import seal_earlier


def build_migrations() -> Migrations:
    """All migrations in order. A released one is never edited; a change is a new one at the end."""
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
    ):
        migrations()(migrate)
    return migrations


def create_upgrades(db: Database) -> None:
    """One row an upgrade, with its plan; at most one open upgrade a cluster. Times are seconds since the epoch, UTC."""
    db.execute(
        """
        create table upgrades (
            id text primary key,
            cluster text not null,
            number integer not null,
            requester text not null,
            channel text not null,
            release text not null,
            options text not null,
            address text not null,
            plan text not null,
            step text not null,
            generation integer not null default 0,
            state text not null,
            paused_by text not null default '',
            aborted_by text not null default '',
            due real,
            waiting_since real,
            sentence text not null default '',
            remedy text not null default '',
            created_at real not null,
            ended_at real,
            unique (cluster, number)
        )
        """
    )
    db.execute(
        "create unique index one_open_upgrade on upgrades(cluster) where state in ('running', 'asking', 'blocked')"
    )
    db.execute("create index due_upgrades on upgrades(due) where due is not null")


def create_steps(db: Database) -> None:
    """One row a step begun, with its last outcome; `busy` are the seconds in which somebody looked at it."""
    db.execute(
        """
        create table steps (
            upgrade text not null references upgrades(id),
            step text not null,
            outcome text not null default '',
            sentence text not null default '',
            turns integer not null default 0,
            started_at real not null,
            seen_at real not null,
            busy real not null default 0,
            ended_at real,
            primary key (upgrade, step)
        )
        """
    )


def create_approvals(db: Database) -> None:
    """One row a question asked of a person: a gate's, or what to do with a blocked step. Never deleted."""
    db.execute(
        """
        create table approvals (
            upgrade text not null references upgrades(id),
            step text not null,
            generation integer not null,
            kind text not null,
            question text not null,
            choices text not null,
            binding text not null,
            digest text not null,
            state text not null default 'open',
            choice text not null default '',
            decided_by text not null default '',
            decided_at real,
            reason text not null default '',
            asked_at real not null,
            expires_at real,
            primary key (upgrade, step, generation)
        )
        """
    )


def create_memory(db: Database) -> None:
    """Values that a step committed before it used them."""
    db.execute(
        """
        create table memory (
            upgrade text not null references upgrades(id),
            key text not null,
            value text not null,
            primary key (upgrade, key)
        )
        """
    )


def create_ledger(db: Database) -> None:
    """One row a pod in scope."""
    db.execute(
        """
        create table ledger (
            upgrade text not null references upgrades(id),
            uid text not null,
            namespace text not null,
            pod text not null,
            workload text not null,
            state text not null,
            wave text not null default '',
            reason text not null default '',
            command text not null default '',
            "by" text not null default '',
            evidence text not null default '',
            primary key (upgrade, uid)
        )
        """
    )


def create_clicks(db: Database) -> None:
    """What people did, as received; settled once, in order of arrival."""
    db.execute(
        """
        create table clicks (
            seq integer primary key,
            id text not null unique,
            body text not null,
            received_at real not null,
            settled_at real,
            answer text not null default ''
        )
        """
    )
    db.execute("create index unsettled_clicks on clicks(seq) where settled_at is null")


def create_outbox(db: Database) -> None:
    """What Slack is to show; a row is unsent while its revision is ahead of the one sent."""
    db.execute(
        """
        create table outbox (
            seq integer primary key,
            id text not null unique,
            upgrade text not null,
            kind text not null,
            slot text not null default '',
            channel text not null,
            body text not null,
            revision integer not null default 1,
            sent_revision integer not null default 0,
            ts text not null default '',
            attempts integer not null default 0,
            not_before real,
            trouble text not null default '',
            created_at real not null
        )
        """
    )
    db.execute("create unique index one_message_a_slot on outbox(upgrade, slot) where slot <> ''")
    db.execute("create index unsent_messages on outbox(seq) where revision > sent_revision")
    db.execute("create index posted_reminders on outbox(created_at) where kind = 'reminder'")


def create_consents(db: Database) -> None:
    """Who approved a question that takes more than one approval; it is decided with the last of them."""
    db.execute(
        """
        create table consents (
            upgrade text not null,
            step text not null,
            generation integer not null,
            choice text not null,
            "by" text not null,
            at real not null,
            primary key (upgrade, step, generation, choice, "by"),
            foreign key (upgrade, step, generation) references approvals(upgrade, step, generation)
        )
        """
    )


def create_audit(db: Database) -> None:
    """Who did what, append-only."""
    db.execute(
        """
        create table audit (
            seq integer primary key,
            at real not null,
            upgrade text not null,
            actor text not null,
            action text not null,
            detail text not null
        )
        """
    )


def create_schedules(db: Database) -> None:
    """When upgrades may act: appointments, extensions (never deleted), and what the windows hold up at the moment."""
    db.execute(
        """
        create table schedules (
            upgrade text primary key references upgrades(id),
            starts real not null,
            ends real,
            zone text not null,
            "by" text not null,
            at real not null,
            revision integer not null default 0
        )
        """
    )
    db.execute(
        """
        create table extensions (
            seq integer primary key,
            upgrade text not null references upgrades(id),
            until real not null,
            "by" text not null,
            reason text not null,
            at real not null
        )
        """
    )
    db.execute("create index extensions_of_upgrade on extensions(upgrade)")
    db.execute("create table held_steps (upgrade text not null, step text not null, primary key (upgrade, step))")
    db.execute(
        """
        create table holds (
            upgrade text primary key references upgrades(id),
            why text not null,
            since real not null,
            until real
        )
        """
    )


def create_reminders(db: Database) -> None:
    """What people are to be reminded of and when. `channel` "" means the upgrade's channel and its approvers."""
    db.execute(
        """
        create table reminders (
            seq integer primary key,
            upgrade text not null references upgrades(id),
            kind text not null,
            due real not null,
            moment real,
            step text not null default '',
            generation integer not null default 0,
            channel text not null default '',
            state text not null default 'waiting',
            settled_at real
        )
        """
    )
    db.execute("create unique index one_reminder on reminders(upgrade, kind, due, generation, channel)")
    db.execute("create index due_reminders on reminders(due) where state = 'waiting'")


def create_presence(db: Database) -> None:
    """When Slack could reach the bot last: one row, written now and then."""
    db.execute("create table presence (number integer primary key check (number = 1), seen_at real not null)")


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
