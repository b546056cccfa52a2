"""The journal's file as it is found after copies, losses and other versions: right, or one clear sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.journal.journal import Journal
from bot.journal.store import Store, StoreBroken
from bot.journal.upkeep import copy_journal, name_mark
from tests.unit.bot.blank import NAME
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import Build, Engine

PAGE = 4096


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """Where a journal is restored: another folder than that of the running bot."""
    (tmp_path / "restored").mkdir()
    return tmp_path / "restored" / NAME


def fill(build: Build) -> Engine:
    """A running bot with an upgrade in its journal."""
    engine = build({})
    engine.add_upgrade(["access/approve"])
    return engine


def find_file(engine: Engine) -> Path:
    """The journal's file of a running bot."""
    return Path(engine.store.read("pragma database_list")[0]["file"])


def list_upgrades(path: Path) -> list[str]:
    """The ids of the upgrades in a journal that is opened by a bot."""
    store = Store(path, KEY)
    try:
        return [row.id for row in Journal(store).list_upgrades()]
    finally:
        store.close()


def refuse(path: Path) -> str:
    """The sentence with which a bot does not start on this file."""
    with pytest.raises(StoreBroken) as refused:
        Store(path, KEY)
    return str(refused.value)


def make_closed(folder: Path) -> Path:
    """The journal of a bot that ended."""
    path = folder / NAME
    Store(path, KEY).close()
    return path


def test_a_copy_made_while_the_bot_runs_is_whole(build: Build, restored: Path) -> None:
    """With what was committed a moment before."""
    engine = fill(build)
    copy_journal(find_file(engine), restored)
    assert list_upgrades(restored) == [row.id for row in engine.journal.list_upgrades()]


def test_after_a_checkpoint_the_file_alone_is_whole(build: Build, restored: Path) -> None:
    """Whoever restores it without its WAL has everything."""
    engine = fill(build)
    engine.store.checkpoint()
    restored.write_bytes(find_file(engine).read_bytes())
    assert list_upgrades(restored) == [row.id for row in engine.journal.list_upgrades()]


@pytest.mark.parametrize("left", [None, b""])
def test_a_folder_that_had_a_journal_never_starts_empty(tmp_path: Path, left: bytes | None) -> None:
    """The file is gone, or there is nothing in it."""
    path = make_closed(tmp_path)
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    assert "held the journal" in refuse(path)


def test_a_lost_wal_is_not_an_empty_journal(build: Build, tmp_path: Path, restored: Path) -> None:
    """A file that was never brought up to date, restored without its WAL into its own folder."""
    (tmp_path / NAME).touch(0o600)  # no copy of a blank journal, whose tables are in the file itself
    engine = fill(build)
    path = find_file(engine)
    restored.write_bytes(path.read_bytes())
    name_mark(restored).write_bytes(name_mark(path).read_bytes())
    assert "-wal where there is one" in refuse(restored)


def read_wal(path: Path) -> bytes:
    """The WAL as far as it counts: what lies behind is of an earlier round, and has other salts."""
    wal = path.with_name(f"{path.name}-wal").read_bytes()
    frames = range(32, len(wal), 24 + PAGE)
    end = next((at for at in frames if wal[at + 8 : at + 16] != wal[16:24]), len(wal))
    return wal[:end]


def cut(wal: bytes) -> bytes:
    """What a power cut left, or a copy that was made while the bot wrote."""
    return wal[: len(wal) // 2 + 7]


def tear(wal: bytes) -> bytes:
    """Its later half is something else."""
    return wal[: len(wal) // 2] + b"\xff" * (len(wal) - len(wal) // 2)


def lose(_wal: bytes) -> bytes:
    """Nothing of it is there."""
    return b""


def be_another_s(wal: bytes) -> bytes:
    """Of a journal that it was not written with: other salts stand in its head."""
    return wal[:16] + bytes(byte ^ 0xFF for byte in wal[16:24]) + wal[24:]


@pytest.mark.parametrize("harm", [cut, tear, lose, be_another_s])
def test_a_wal_that_came_to_harm_costs_what_stood_in_it_alone(
    harm: Callable[[bytes], bytes], build: Build, restored: Path
) -> None:
    """What was brought into the file before is whole, and nothing of the rest is believed by half."""
    engine = fill(build)
    engine.store.checkpoint()
    for number in (2, 3, 4):
        engine.add_upgrade(["access/approve"], f"cluster-{number}", number)
    path = find_file(engine)
    restored.write_bytes(path.read_bytes())
    restored.with_name(f"{NAME}-wal").write_bytes(harm(read_wal(path)))
    everything = [row.id for row in engine.journal.list_upgrades()]
    found = list_upgrades(restored)
    assert found == [one for one in everything if one in found]
    assert "cluster-x-1" in found
    assert len(found) < len(everything)


def test_a_person_s_word_starts_anew(tmp_path: Path) -> None:
    """The mark is removed by hand, as the sentence says."""
    path = make_closed(tmp_path)
    path.unlink()
    name_mark(path).unlink()
    assert list_upgrades(path) == []


def test_a_journal_of_a_later_version_is_left_as_it_is(tmp_path: Path) -> None:
    """An older bot would act on rows that it only half understands."""
    path = make_closed(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("insert into _sqlite_migrations values (99, 'asm-upgrade-bot', 'add_moon_phases', '2031-01-01')")
        before = list(db.iterdump())
    told = refuse(path)
    with closing(sqlite3.connect(path)) as db:
        assert ("'add_moon_phases'" in told, list(db.iterdump())) == (True, before)


def test_a_torn_page_is_told(tmp_path: Path) -> None:
    """Nothing is read from it, and nothing written."""
    path = make_closed(tmp_path)
    content = bytearray(path.read_bytes())
    content[8192:8292] = b"\xff" * 100
    path.write_bytes(content)
    assert "damaged" in refuse(path)


def test_an_older_journal_is_brought_up_to_date(tmp_path: Path) -> None:
    """One that was closed before this version marked folders has no mark, and gets one."""
    path = make_closed(tmp_path)
    name_mark(path).unlink()
    assert (list_upgrades(path), name_mark(path).exists()) == ([], True)


def test_an_old_sqlite_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a fault of its grammar in the middle of an upgrade."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    assert "3.35 is the oldest" in refuse(tmp_path / NAME)
