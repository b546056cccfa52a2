"""The tables of the journal's first version, which later migrations add to."""

from __future__ import annotations

from sqlite_utils import Database


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
