"""What keeps the journal's file whole: it is looked at before anything is changed, and copied while it is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlite_utils import Database

from bot.files import sync_file, sync_folder, write_once
from bot.journal.migrations import build_migrations

# `on conflict do update` without a target came with 3.35 (https://sqlite.org/lang_upsert.html).
OLDEST_SQLITE = (3, 35)
COPY_SECONDS = 60.0


def find_refusal(db: Database, path: Path) -> str:
    """Why the file must not be used as it is and what to do, "" where it may be. Changes nothing.

    Raises sqlite3.DatabaseError where the file is no database.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return f"SQLite {sqlite3.sqlite_version} is too old for the journal, 3.35 is the oldest: take a newer Python"
    if damage := find_damage(db):
        return f"the journal {path} is damaged ({damage}); restore it from a backup"
    applied = [one.name for one in build_migrations().applied(db)]
    if newer := find_newer(applied):
        return (
            f"the journal {path} was written by a later version of the bot, which added {newer!r}; run that version,"
            " or restore the copy that was made before the update"
        )
    return "" if applied else find_loss(path)


def find_damage(db: Database) -> str:
    """What SQLite finds wrong with the file, "" where nothing is. Raises sqlite3.DatabaseError."""
    answer = str(next(iter(next(iter(db.query("pragma quick_check(1)"))).values())))
    return "" if answer == "ok" else answer


def find_newer(applied: list[str]) -> str:
    """The first migration that this version does not know, "" where it knows all."""
    known = name_migrations()
    return next((name for name in applied if name not in known), "")


@cache
def name_migrations() -> frozenset[str]:
    """All migrations that this version knows: those that an empty journal lacks."""
    with closing(Database(memory=True)) as empty:
        return frozenset(one.name for one in build_migrations().pending(empty))


def find_loss(path: Path) -> str:
    """What is said of an empty journal where the folder held another, "" in a folder that never had one."""
    mark = name_mark(path)
    if not mark.exists():
        return ""
    name = mark.read_text(encoding="utf-8").strip()
    return (
        f"{path} is empty, but {path.parent} held the journal {name} before; restore {path.name}, and {path.name}-wal"
        f" where there is one, from a backup. To go on with nothing remembered, remove {mark}: upgrades under way are"
        " then nobody's"
    )


def name_mark(path: Path) -> Path:
    """The file beside the journal that says that there is one."""
    return path.with_suffix(".journal")


def leave_mark(path: Path, identity: str) -> None:
    """Say beside the journal that this folder has one. Raises OSError."""
    write_once(name_mark(path), f"{identity}\n".encode())


def copy_journal(source: Path, target: Path) -> None:
    """A consistent copy of the journal in one file, also while the bot runs. Raises OSError, sqlite3.Error."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=COPY_SECONDS)) as reading,
        closing(sqlite3.connect(part)) as writing,
    ):
        reading.backup(writing)
    sync_file(part)
    part.replace(target)
    sync_folder(target.parent)
