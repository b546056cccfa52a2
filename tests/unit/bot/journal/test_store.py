"""The journal's file: one bot, and a clear sentence for everything that keeps it from being written."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from click.testing import CliRunner

from bot.app.cli import main
from bot.app.serving import Serving
from bot.journal.store import Store, StoreBroken, StoreBusy
from bot.settings.environment import read_settings
from sandbox.bot.settings import CLUSTERS
from steps.contract.step import Done
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import Build, Engine

PAGES_MORE = 4


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bot's settings; gives its state folder."""
    (tmp_path / "clusters.toml").write_text(CLUSTERS)
    variables = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "ASM_UPGRADE_CLUSTERS": str(tmp_path / "clusters.toml"),
        "ASM_UPGRADE_STATE": str(tmp_path / "state"),
        "ASM_UPGRADE_HEALTH_PORT": "0",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "state"


def serve() -> tuple[int, str]:
    """Run `asm-upgrade serve` until it leaves; exit code and stderr."""
    result = CliRunner().invoke(main, ["serve"])
    return result.exit_code, result.stderr


def fill_disk(engine: Engine) -> None:
    """Let SQLite find no room for more than a few pages, as on a full disk."""
    pages = engine.store.read("pragma page_count")[0]["page_count"]
    engine.store.read(f"pragma max_page_count = {pages + PAGES_MORE}")


def write_until_full(engine: Engine) -> str:
    """Remember more and more; the sentence with which it ends."""

    def remember_much() -> None:
        for number in range(200):
            engine.journal.remember_json("cluster-x-1", f"prepare/{number}", "x" * 4000)

    with pytest.raises(StoreBroken) as raised:
        remember_much()
    return str(raised.value)


def test_a_second_bot_is_told_who_holds_the_journal(tmp_path: Path) -> None:
    """By its process id."""
    first = Store(tmp_path / "asm-upgrade.db", KEY)
    with pytest.raises(StoreBusy, match=f"another bot \\(process {os.getpid()}\\) uses .* stop it, or give this one"):
        Store(tmp_path / "asm-upgrade.db", KEY)
    first.close()


def test_the_second_bot_leaves_with_one_sentence(environment: Path) -> None:
    """Exit code 1 and no traceback."""
    environment.mkdir()
    first = Store(environment / "asm-upgrade.db", KEY)
    code, said = serve()
    first.close()
    assert (code, said.count("\n"), said.startswith("asm-upgrade: another bot (process")) == (1, 1, True)


def test_a_killed_bot_leaves_the_journal_free(tmp_path: Path) -> None:
    """The lock ends with the process, however it ends."""
    path = tmp_path / "asm-upgrade.db"
    program = (
        "import os, sys, pathlib; from bot.journal.proofs import Key; from bot.journal.store import Store; "
        "kept = Store(pathlib.Path(sys.argv[1]), Key(bytes(32))); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)
    Store(path, KEY).close()


def test_a_journal_that_is_none_is_told(environment: Path) -> None:
    """Something else was copied over it."""
    environment.mkdir()
    Store(environment / "asm-upgrade.db", KEY).close()
    (environment / "asm-upgrade.db").write_bytes(b"no database " * 1000)
    code, said = serve()
    assert (code, said.count("\n")) == (1, 1)
    assert "asm-upgrade.db can't be opened: file is not a database" in said


def test_a_state_folder_that_can_not_be_made_is_told(environment: Path) -> None:
    """A file stands where the folder should be."""
    environment.write_text("")
    code, said = serve()
    assert (code, said.count("\n")) == (1, 1)
    assert "the state folder" in said


def test_a_file_system_without_locks_is_not_taken_for_another_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks for a second bot that is not there."""

    def refuse(_file: object, _kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreBroken, match="can't be used: No locks available"):
        Store(tmp_path / "asm-upgrade.db", KEY)


def test_a_full_disk_is_told_while_journalling(build: Build) -> None:
    """SQLite's own words are kept."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    engine.add_upgrade(["prepare/a"])
    fill_disk(engine)
    assert "could not be written: database or disk is full" in write_until_full(engine)


def test_nothing_is_acted_on_after_the_disk_was_full(build: Build) -> None:
    """No step runs whose outcome could not be kept, even when there is room again."""
    runs: list[str] = []

    def run(_ctx: object) -> Done:
        runs.append("run")
        return Done("seen")

    engine = build({"prepare/a": run, "prepare/b": run})
    engine.add_upgrade(["prepare/a", "prepare/b"])
    fill_disk(engine)
    write_until_full(engine)
    engine.store.read("pragma max_page_count = 1000000")
    for _ in range(2):
        with pytest.raises(StoreBroken):
            engine.runner.turn()
    assert runs == []


def test_what_was_committed_before_the_disk_was_full_is_there_afterwards(build: Build) -> None:
    """A restart with room goes on from there."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    engine.add_upgrade(["prepare/a"])
    fill_disk(engine)
    write_until_full(engine)
    engine.store.close()
    again = build({"prepare/a": lambda _ctx: Done("seen")})
    again.runner.turn()
    assert again.row().state == "upgraded"


def test_a_refused_row_does_not_stop_the_bot(build: Build) -> None:
    """A duplicate is the caller's fault, not the file's."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    row = engine.add_upgrade(["prepare/a"])
    with pytest.raises(sqlite3.IntegrityError):
        engine.journal.add_upgrade(row)
    assert engine.store.broken == ""


def test_readiness_says_that_the_journal_is_broken(environment: Path) -> None:
    """With the sentence of the fault."""
    serving = Serving(read_settings(), Event(), Event(), 0.0)
    serving.bot.store.broken = "the journal could not be written: database or disk is full"
    assert "the journal could not be written: database or disk is full" in serving.find_troubles()
    serving.bot.store.close()


def test_a_bot_with_a_broken_journal_leaves(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the sentence on stderr, so that whoever runs it sees why."""
    serving = Serving(read_settings(), Event(), Event(), 0.0)
    serving.bot.store.broken = "the journal could not be written: database or disk is full"
    code = serving.run()
    serving.bot.store.close()
    assert (code, "asm-upgrade: stopped: the journal could not be written" in capsys.readouterr().err) == (1, True)


def test_a_page_that_is_torn_while_the_bot_runs_ends_all_acting(build: Build) -> None:
    """What reads it says so, and nothing is written beside it; a wrong question is the caller's fault."""
    engine = build({})
    engine.add_upgrade(["prepare/a"])
    with pytest.raises(sqlite3.OperationalError):
        engine.store.read("select * from moons")
    assert engine.store.broken == ""
    file = Path(engine.store.read("pragma database_list")[0]["file"])
    root = engine.store.read("select rootpage from sqlite_master where name = 'upgrades'")[0]["rootpage"]
    engine.store.read("pragma wal_checkpoint(truncate)")
    with file.open("r+b") as torn:
        torn.seek((root - 1) * 4096)
        torn.write(b"\xff" * 4096)
    with closing(sqlite3.connect(file)) as other:  # so that SQLite looks at the file again
        other.execute("create table looked_at (at)")
    with pytest.raises(StoreBroken, match=r"could not be read: database disk image is malformed"):
        engine.journal.list_open_upgrades()
    with pytest.raises(StoreBroken):
        engine.runner.turn()


class _Torn:
    """A connection to a file that the disk does not give."""

    total_changes = 0
    in_transaction = False

    def execute(self, *_args: object) -> None:
        """Fail as SQLite does."""
        fault = sqlite3.DatabaseError("disk I/O error")
        fault.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise fault


READS: dict[str, Callable[[Store], object]] = {
    "read": lambda store: store.read("select 1"),
    "read_values": lambda store: store.read_values("select 1"),
    "read_together": lambda store: store.read_together().__enter__(),
    "count_changes": lambda store: store.count_changes(),
    "checkpoint": lambda store: store.checkpoint(),
    "reclaim": lambda store: store.reclaim(1, lambda _folder: 0),
}


@pytest.mark.parametrize(
    "name",
    sorted({name for name in vars(Store) if name[0] != "_"} - {"transact", "rearrange", "change", "check", "close"}),
)
def test_whoever_finds_that_the_file_can_not_be_read_breaks_the_journal(name: str, build: Build) -> None:
    """So that the bot says why it ends, and is asked about it meanwhile, whatever it read."""
    store = build({}).store
    whole, store._db.conn = store._db.conn, cast(sqlite3.Connection, _Torn())
    with pytest.raises(StoreBroken, match="could not be read: disk I/O error"):
        READS[name](store)
    store._db.conn = whole
    assert "could not be read: disk I/O error" in store.broken


def test_a_row_with_broken_json_does_not_break_the_journal(build: Build) -> None:
    """SQLite's own functions fail at it as they do at a full disk; the file is whole."""
    engine = build({})
    with engine.store.transact() as db:
        db.execute("create table notes (body text)")
        db.execute("insert into notes values ('{')")
    with pytest.raises(sqlite3.OperationalError, match="malformed JSON"), engine.store.transact() as db:
        db.execute("update notes set body = json_set(body, '$.a', 1)")
    assert engine.store.broken == ""


def test_the_state_folder_is_the_bots_alone(tmp_path: Path) -> None:
    """What it makes is closed to others, with SQLite's own files."""
    path = tmp_path / "state" / "asm-upgrade.db"
    store = Store(path, KEY)
    modes = {
        beside.name: beside.stat().st_mode & 0o077 for beside in (path.parent, *path.parent.glob("asm-upgrade.db*"))
    }
    store.close()
    assert set(modes.values()) == {0}


def test_a_folder_of_somebody_s_is_left_as_it_is(tmp_path: Path) -> None:
    """Until it holds a journal: it may be a home. A shared one stays shared."""
    path = tmp_path / "home" / "asm-upgrade.db"
    path.parent.mkdir(mode=0o755)
    seen: list[int] = []
    for mode in (0o755, 0o755, 0o1777):
        path.parent.chmod(mode)
        Store(path, KEY).close()
        seen.append(path.parent.stat().st_mode & 0o1777)
    assert seen == [0o755, 0o700, 0o1777]


def test_a_journal_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """Also one of an earlier bot."""
    path = tmp_path / "asm-upgrade.db"
    Store(path, KEY).close()
    path.chmod(0o644)
    Store(path, KEY).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_read_is_one_statement(tmp_path: Path) -> None:
    """Thousands are read for each upgrade: nothing is laid around a query, no savepoint and no transaction."""
    store = Store(tmp_path / "journal.db", KEY)
    said: list[str] = []
    store._db.conn.set_trace_callback(said.append)
    assert [set(row) for row in store.read("select id, 1 as one from identity")] == [{"id", "one"}]
    store.close()
    assert said == ["select id, 1 as one from identity"]
