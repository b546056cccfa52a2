"""One SQLite file, one connection, one lock, one bot."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from sqlite_utils import Database

from bot.journal.migrations import build_migrations
from bot.journal.packs.views import add_views, unpack_rows
from bot.journal.proofs import Key, prove_earlier
from bot.journal.records import JournalDamaged as JournalDamaged
from bot.journal.records import StoreBroken as StoreBroken
from bot.journal.upkeep import find_refusal, leave_mark

# A row as SQLite gives it; whoever asked for it knows its columns.
Row: TypeAlias = Mapping[str, Any]
Parameters: TypeAlias = Sequence[object] | dict[str, object]
Reads: TypeAlias = Callable[[str, Parameters], list[Row]]


# SQLite's numbers for a file that the disk did not give, that is damaged, that can't be opened, and that is none.
UNREADABLE = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB})
# SQLite's number for a file whose free pages can be given back a few at a time.
STEPWISE = 2
# What is left of a journal that is rewritten whole; a second or two.
LARGEST_REWRITTEN = 64 * 2**20


class StoreBusy(Exception):
    """Another bot holds the state folder."""


class Store:
    """The journal's file. Only SQL runs under its lock, and no cursor leaves it.

    WAL with synchronous=FULL: a commit that returned survives a power cut. `on_commit` is called after each commit.
    Raises StoreBusy where another bot has the file, StoreBroken where it can't be opened.
    """

    def __init__(self, path: Path, key: Key, on_commit: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self.key = key
        self._on_commit = on_commit
        self._mutex = threading.RLock()
        self._depth = 0
        self._rearranged = 0
        self.broken = ""
        try:
            open_folder(path)
            self._guard = lock_file(path.with_suffix(".lock"))
        except OSError as error:
            raise StoreBroken(f"the state folder {path.parent} can't be used: {error.strerror or error}") from error
        try:
            self._db = open_database(path)
            pending = self._bring_up_to_date()
            add_views(self._db.conn)
        except sqlite3.Error as error:
            self._guard.close()
            raise StoreBroken(f"the journal {path} can't be opened: {error}") from error
        if pending:
            with self.transact() as db:
                prove_earlier(db, key, pending)
        self._leave_mark()

    @contextmanager
    def transact(self) -> Iterator[Database]:
        """One `BEGIN IMMEDIATE` transaction; a nested one joins the outer.

        Raises StoreBroken when SQLite can't write, and from then on.
        """
        with self._mutex:
            joins = bool(self._depth)
            with self._transact() as db:
                yield db
        if not joins:
            self._on_commit()

    @contextmanager
    def rearrange(self) -> Iterator[Database]:
        """The same for what reads as before once it is committed: nobody is woken, and nothing counts as changed."""
        with self._mutex:
            before = self._db.conn.total_changes
            try:
                with self._transact() as db:
                    yield db
            finally:
                self._rearranged += self._db.conn.total_changes - before

    @contextmanager
    def _transact(self) -> Iterator[Database]:
        with self._mutex:
            self.check()
            if self._depth:
                yield self._db
                return
            self._begin()
            try:
                yield self._db
            except BaseException as error:
                self._roll_back()
                if is_files_fault(error):
                    raise self._break(error) from error
                raise
            finally:
                self._depth = 0
            self._commit()

    @contextmanager
    def change(self, upgrade: str) -> Iterator[Database]:
        """A transaction that changes what is kept of an upgrade, which is unpacked for it."""
        with self.transact() as db:
            unpack_rows(db, upgrade)
            yield db

    def check(self) -> None:
        """Raise StoreBroken where nothing may be acted on any more."""
        if self.broken:
            raise StoreBroken(self.broken)

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query. Raises StoreBroken where the file can't be read, and from then on nothing is written."""
        with self._reading() as connection:
            return fetch_rows(connection, sql, parameters)

    def read_values(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The same without the columns' names, for what has thousands of rows."""
        with self._reading() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def read_together(self) -> Iterator[None]:
        """All reads inside are of one state of the file, whoever writes meanwhile; nothing is written inside."""
        with self._reading() as connection:
            if self._depth:
                yield
                return
            connection.execute("begin")
            try:
                yield
            finally:
                self._roll_back()

    def count_changes(self) -> tuple[int, int]:
        """What is another pair after each change of what the file says, by this bot or by a command beside it."""
        with self._reading() as connection:
            return connection.total_changes - self._rearranged, int(self._read_pragma("data_version"))

    def checkpoint(self) -> None:
        """Bring what was committed into the journal's own file, so that it is whole without its WAL.

        Nobody is waited for: what a reader's older state keeps back stays in the WAL.
        """
        with self._reading() as connection:
            connection.execute("pragma wal_checkpoint(passive)").fetchall()

    def reclaim(self, most: int, measure_room: Callable[[Path], int]) -> int:
        """Give back up to this many empty pages; answers how many there were. Raises OSError.

        An earlier version's journal can only be rewritten whole, which is done if that at least halves it and if the
        disk has room for what is left: once in a file of its own, once in the WAL. Nobody reads or writes meanwhile, so
        that a large one keeps its empty pages, which what comes later fills.
        """
        with self._reading() as connection:
            free, pages, kept = (
                int(self._read_pragma(name)) for name in ("freelist_count", "page_count", "auto_vacuum")
            )
            if kept == STEPWISE:
                # a row a page comes back that has no columns, so that `execute` would end after the first
                connection.executescript(f"pragma incremental_vacuum({most})")
            elif free > max(most, pages // 2):
                left = (pages - free) * int(self._read_pragma("page_size"))
                if left > LARGEST_REWRITTEN or measure_room(self._path.parent) < 2 * left:
                    return free
                connection.execute(f"pragma auto_vacuum = {STEPWISE}")
                connection.execute("vacuum")
            return free

    def close(self) -> None:
        """Close the file and let another bot have it."""
        with self._mutex:
            self._db.close()
            self._guard.close()

    def _bring_up_to_date(self) -> list[str]:
        """Run the migrations that the file has not seen, all or none, and name them; a refused file is closed."""
        try:
            self._refuse(find_refusal(self._db, self._path))
            migrations = build_migrations()
            pending = [one.name for one in migrations.pending(self._db)]
            if pending:
                with self._db.atomic():  # one wait for the disk, and no start leaves a journal half way
                    migrations.apply(self._db)
            return pending
        except sqlite3.Error:
            self._db.close()
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, under the lock. A file that can't be read is broken from then on, whoever read it."""
        with self._mutex:
            try:
                yield self._db.conn
            except sqlite3.DatabaseError as error:
                if is_unreadable(error):
                    raise self._break(error, "read") from error
                raise

    def _read_pragma(self, name: str) -> Any:
        return self._db.conn.execute(f"pragma {name}").fetchone()[0]

    def _leave_mark(self) -> None:
        try:
            leave_mark(self._path, str(self.read("select id from identity")[0]["id"]))
        except OSError as error:
            self._refuse(f"the state folder {self._path.parent} can't be used: {error.strerror or error}")

    def _refuse(self, why: str) -> None:
        if why:
            self.close()
            raise StoreBroken(why)

    def _begin(self) -> None:
        try:
            self._db.conn.execute("BEGIN IMMEDIATE")
        except sqlite3.DatabaseError as error:
            raise self._break(error) from error
        self._depth = 1

    def _commit(self) -> None:
        try:
            self._db.conn.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._roll_back()
            raise self._break(error) from error

    def _roll_back(self) -> None:
        if self._db.conn.in_transaction:
            self._db.conn.execute("ROLLBACK")

    def _break(self, error: BaseException, act: Literal["written", "read"] = "written") -> StoreBroken:
        self.broken = f"the journal {self._path} could not be {act}: {error}"
        return StoreBroken(self.broken)


class StoredCopy:
    """The journal opened read-only, for commands that run beside the bot."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StoreBroken(f"there is no journal at {path}; set ASM_UPGRADE_STATE to the bot's state folder")
        self._path = path
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5, isolation_level=None)
        self._db = Database(connection)
        self._viewed = False

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query. Raises StoreBroken, of a damaged file JournalDamaged."""
        try:
            self._add_views()
            return fetch_rows(self._db.conn, sql, parameters)
        except sqlite3.OperationalError as error:
            raise StoreBroken(f"{self._path} can't be read: {error}") from error
        except sqlite3.DatabaseError as error:
            raise JournalDamaged(f"{self._path} is damaged: {error}") from error

    def _add_views(self) -> None:
        if not self._viewed:
            add_views(self._db.conn)
            self._viewed = True

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class OrderedStore(StoredCopy):
    """The journal beside a bot that may run: read, and written in short transactions."""

    def __init__(self, path: Path, key: Key) -> None:
        super().__init__(path)
        super().close()
        self.key = key
        self._db = open_database(path)

    @contextmanager
    def transact(self) -> Iterator[Database]:
        """One `BEGIN IMMEDIATE` transaction. Raises StoreBroken when SQLite can't write."""
        try:
            self._db.conn.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.conn.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise StoreBroken(f"the journal could not be written: {error}") from error


def fetch_rows(connection: sqlite3.Connection, sql: str, parameters: Parameters) -> list[Row]:
    """All rows of a query, without the savepoint that sqlite-utils lays around each one."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def is_files_fault(error: BaseException) -> bool:
    """Whether the file could not be written (full, locked, torn), as opposed to a row that was refused or is bad."""
    if "malformed JSON" in str(error):
        return False
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def is_unreadable(error: sqlite3.DatabaseError) -> bool:
    """Whether the file could not be read, as opposed to a wrong question; extended numbers end in the plain ones."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in UNREADABLE


def open_database(path: Path) -> Database:
    """Open the file for reading and writing in WAL mode, durable, with foreign keys on."""
    connection = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
    database = Database(connection)
    try:
        connection.execute(f"PRAGMA auto_vacuum={STEPWISE}")  # counts for a new file alone
        database.enable_wal()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return database


def open_folder(path: Path) -> None:
    """Make the state folder and the journal's file for the bot's user alone, as far as they are its own."""
    known = path.exists()
    made = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not known:
        path.touch(mode=0o600)
    # A folder that was there before may be somebody's home: it is closed only once it holds a journal.
    closed = [(path.parent, 0o700)] if made or known else []
    for place, mode in [*closed, (path, 0o600), *((beside, 0o600) for beside in path.parent.glob(f"{path.name}-*"))]:
        if is_open_to_others(place) and place.stat().st_uid == os.geteuid():
            place.chmod(mode)


def is_open_to_others(place: Path) -> bool:
    """Whether anybody but its owner may read or write it; of a shared folder (sticky) nothing is said."""
    mode = place.stat().st_mode
    return bool(mode & 0o077) and not mode & 0o1000


def lock_file(path: Path) -> IO[str]:
    """Hold an advisory lock for as long as the returned file is open. Raises StoreBusy naming who holds it, OSError."""
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        if not isinstance(error, BlockingIOError):  # the file system gives no locks
            raise
        raise StoreBusy(
            f"another bot (process {holder}) uses {path.parent}; stop it, or give this one its own ASM_UPGRADE_STATE"
        ) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
