"""A journal as rows of SQL text, and what one journal has that another has not, as a script to be read by people."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class JournalRows:
    """The statements that make the tables, and each row by table and rowid as the statement that puts it there."""

    schema: tuple[str, ...] = ()
    rows: dict[tuple[str, int], str] = field(default_factory=dict)


def read_rows(db: sqlite3.Connection) -> JournalRows:
    """Everything that a journal holds."""
    made = db.execute("select name, sql from sqlite_master where sql is not null order by rowid").fetchall()
    tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by rowid")]
    rows = {(table, number): line for table in tables for number, line in _list_rows(db, table)}
    return JournalRows(tuple(" ".join(sql.split()) + ";" for _, sql in made), rows)


def write_changes(before: JournalRows, after: JournalRows) -> Iterator[str]:
    """The statements that make the later journal of the earlier one, a line each."""
    anew = _find_altered(before, after)
    yield from (f'drop table "{table}";' for table in sorted(anew))
    kept = [sql for sql in before.schema if _name_table(sql) not in anew]
    yield from (sql for sql in after.schema if sql not in kept)
    for table, number in before.rows:
        if (table, number) not in after.rows and table not in anew:
            yield f'delete from "{table}" where rowid = {number};'
    for place, line in after.rows.items():
        if before.rows.get(place) != line or place[0] in anew:
            yield line


def _find_altered(before: JournalRows, after: JournalRows) -> set[str]:
    """The tables that got other columns; they are made anew, as SQLite's own text of them has it."""
    earlier, later = ({_name_table(sql): sql for sql in one.schema if _is_table(sql)} for one in (before, after))
    return {table for table, sql in later.items() if earlier.get(table, sql) != sql}


def _is_table(sql: str) -> bool:
    return sql.lower().startswith("create table")


def _name_table(sql: str) -> str:
    found = re.match(r"create (?:table|(?:unique )?index \S+ on) [\[\"]?(\w+)", sql, re.IGNORECASE)
    return found[1] if found else ""


def build_journal(scripts: Iterable[str]) -> sqlite3.Connection:
    """A journal in memory, made by scripts, the oldest first."""
    db = sqlite3.connect(":memory:")
    for script in scripts:
        db.executescript(f"begin; {script} commit;")
    return db


def save_journal(journal: sqlite3.Connection, path: Path) -> None:
    """The journal as a file; by a backup, for the SQLite of some Pythons serializes none."""
    with closing(sqlite3.connect(path)) as file:
        journal.backup(file)


def _list_rows(db: sqlite3.Connection, table: str) -> Iterator[tuple[int, str]]:
    columns = db.execute(f'pragma table_info("{table}")').fetchall()
    names = [f'"{column[1]}"' for column in columns]
    if not any(column[5] and column[2].lower() == "integer" for column in columns):
        names.insert(0, "rowid")
    quoted = " || ', ' || ".join(f"quote({name})" for name in names)
    for number, values in db.execute(f'select rowid, {quoted} from "{table}" order by rowid'):
        yield number, f'replace into "{table}"({", ".join(names)}) values ({values});'
