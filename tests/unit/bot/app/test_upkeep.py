"""Which archives stay, and how often the others are looked at."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from bot.app import upkeep
from bot.app.upkeep import (
    COPIES_KEPT,
    PACKED_AT_ONCE,
    SECONDS_KEPT,
    AccessLeftovers,
    Archives,
    JournalCopies,
    JournalPacks,
)
from bot.gateways.releases.archive_cache import Removed
from bot.retention.packing import QUIET, Packing
from steps.contract.ports import Tools
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.download import PREVIOUS as PREVIOUS_TOOLS
from steps.notes.download import SHA256, TOOLS, NoWayBack
from tests.unit.bot.workbench import Build, Engine

TARGET, PREVIOUS, OTHER = "a" * 64, "b" * 64, "c" * 64


@dataclass
class Shelf:
    """Notes what it was told to keep; `answer` is what it removes, or why it can't."""

    calls: list[set[str]] = field(default_factory=list)
    answer: list[Removed] | OSError = field(default_factory=list)

    def prune(self, needed: Collection[str], limit: int) -> list[Removed]:
        assert limit == 5
        self.calls.append(set(needed))
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def watch(engine: Engine, shelf: Shelf) -> Archives:
    """The archives of an engine."""
    return Archives(engine.journal, shelf, engine.clock, 5)


def note_tools(engine: Engine, upgrade: str, target: str, previous: str) -> None:
    """What the download phase keeps of the tools."""
    engine.journal.remember(upgrade, SHA256, target)
    engine.journal.remember(upgrade, TOOLS, unpack(target))
    engine.journal.remember(upgrade, PREVIOUS_TOOLS, unpack(previous))


def unpack(sha256: str) -> Tools:
    """The tools of a release that was unpacked."""
    folder = Path(f"/state/releases/unpacked/{sha256}/istio")
    return Tools("1.4.10-asm.18", folder, folder / "bin/istioctl", folder / "bin/asmctl", "1" * 64, "2" * 64)


def test_an_open_upgrade_and_its_way_back_are_needed(build: Build) -> None:
    """Target and previous release."""
    engine, shelf = build({}), Shelf()
    note_tools(engine, engine.add_upgrade(["a/b"]).id, TARGET, PREVIOUS)
    watch(engine, shelf).turn()
    assert shelf.calls == [{TARGET, PREVIOUS}]


def test_only_the_last_upgrade_of_a_cluster_keeps_its_way_back(build: Build) -> None:
    """An earlier one has been left behind."""
    engine, shelf = build({}), Shelf()
    first = engine.add_upgrade(["a/b"])
    engine.journal.change_upgrade(first.id, state="upgraded", due=None)
    engine.clock.advance(60)
    engine.journal.add_upgrade(replace(first, id="cluster-x-2", number=2, created_at=engine.clock.now()))
    note_tools(engine, "cluster-x-1", OTHER, PREVIOUS)
    note_tools(engine, "cluster-x-2", TARGET, PREVIOUS)
    watch(engine, shelf).turn()
    assert shelf.calls == [{TARGET, PREVIOUS}]


def test_what_can_be_taken_back_is_needed_behind_what_changed_nothing(build: Build) -> None:
    """A proposal, or an upgrade that was denied before it wrote, leaves the earlier one's way back as it was."""
    engine, shelf = build({}), Shelf()
    first = engine.add_upgrade(["a/b"])
    engine.journal.change_upgrade(first.id, state="upgraded", due=None)
    engine.journal.remember(first.id, FIRST_WRITE, "run")
    note_tools(engine, first.id, TARGET, PREVIOUS)
    for number in (2, 3):
        engine.clock.advance(60)
        row = replace(first, id=f"cluster-x-{number}", number=number, created_at=engine.clock.now())
        engine.journal.add_upgrade(replace(row, state="aborted"))
    note_tools(engine, "cluster-x-3", OTHER, OTHER)
    watch(engine, shelf).turn()
    assert shelf.calls == [{TARGET, PREVIOUS, OTHER}]


def test_an_upgrade_without_a_way_back_needs_its_target(build: Build) -> None:
    """The previous release could not be had."""
    engine, shelf = build({}), Shelf()
    row = engine.add_upgrade(["a/b"])
    engine.journal.remember(row.id, SHA256, TARGET)
    engine.journal.remember(row.id, PREVIOUS_TOOLS, NoWayBack("it is not there"))
    watch(engine, shelf).turn()
    assert shelf.calls == [{TARGET}]


def test_it_looks_once_an_hour(build: Build) -> None:
    """However often it is woken."""
    engine, shelf = build({}), Shelf()
    archives = watch(engine, shelf)
    for seconds in (0, 3599, 1, 10):
        engine.clock.advance(seconds)
        archives.turn()
    assert len(shelf.calls) == 2


def test_what_was_removed_stands_in_the_log(build: Build) -> None:
    """By name, with its size and age."""
    engine = build({})
    shelf = Shelf(answer=[Removed("istio-1.4.9-asm.1-linux.tar.gz", 250_000_000, 40 * 86400.0)])
    with structlog.testing.capture_logs() as lines:
        watch(engine, shelf).turn()
    assert lines == [
        {
            "event": "archive_removed", "log_level": "info", "name": "istio-1.4.9-asm.1-linux.tar.gz",
            "megabytes": 250, "days": 40,
        }
    ]  # fmt: skip


def test_a_disk_that_refuses_ends_nothing(build: Build) -> None:
    """It is tried again an hour later."""
    engine = build({})
    with structlog.testing.capture_logs() as lines:
        watch(engine, Shelf(answer=PermissionError(13, "Permission denied"))).turn()
    assert [line["event"] for line in lines] == ["archives_not_pruned"]


def leave(folder: Path) -> Path:
    """A token that an upgrade left."""
    folder.mkdir()
    file = folder / "google-token"
    file.write_text("ya29.secret")
    return file


def test_tokens_go_when_no_upgrade_is_open(build: Build, tmp_path: Path) -> None:
    """Some minutes after the last program could have read them."""
    token = leave(tmp_path / "kubeconfigs")
    engine = build({})
    AccessLeftovers(engine.journal, token.parent, lambda: time.time() + SECONDS_KEPT / 2).turn()
    assert token.exists()
    AccessLeftovers(engine.journal, token.parent, lambda: time.time() + 2 * SECONDS_KEPT).turn()
    assert not token.exists()


def test_an_open_upgrade_keeps_them(build: Build, tmp_path: Path) -> None:
    """Its programs may outlive the bot, and read them again."""
    token = leave(tmp_path / "kubeconfigs")
    engine = build({})
    engine.add_upgrade(["access/approve"])
    AccessLeftovers(engine.journal, token.parent, lambda: time.time() + 2 * SECONDS_KEPT).turn()
    assert token.exists()


def test_no_folder_is_nothing_to_do(build: Build, tmp_path: Path) -> None:
    """As before the first upgrade."""
    AccessLeftovers(build({}).journal, tmp_path / "none").turn()


@dataclass
class Copied:
    """A journal of one upgrade with its copies."""

    engine: Engine
    copies: JournalCopies
    folder: Path

    def list(self) -> list[str]:
        """The names of the copies."""
        return sorted(file.name for file in self.folder.glob("*"))


@pytest.fixture
def copied(build: Build, tmp_path: Path) -> Copied:
    """A running bot that is to keep copies."""
    engine = build({})
    path = Path(engine.store.read("pragma database_list")[0]["file"])
    copies = JournalCopies(engine.store, path, tmp_path / "copies", engine.clock)
    return Copied(engine, copies, tmp_path / "copies")


def test_each_hour_the_file_alone_is_whole(copied: Copied, tmp_path: Path) -> None:
    """Restored without its WAL it lacks nothing that was committed an hour ago."""
    path = copied.engine.store.read("pragma database_list")[0]["file"]
    for number in (1, 2):
        copied.engine.clock.time += timedelta(hours=1)
        copied.engine.add_upgrade(["prepare/a"], f"cluster-{number}", number)
        copied.copies.turn()
        (alone := tmp_path / f"alone-{number}.db").write_bytes(Path(path).read_bytes())
        with closing(sqlite3.connect(alone)) as db:
            assert db.execute("select count(*) from upgrades").fetchone() == (number,)


def test_a_day_has_one_copy(copied: Copied) -> None:
    """However often the loop comes round."""
    for _ in range(30):
        copied.copies.turn()
        copied.engine.clock.time += timedelta(hours=1)
    assert len(copied.list()) == 2


def test_fourteen_copies_stay(copied: Copied) -> None:
    """The oldest go."""
    for _ in range(20):
        copied.copies.turn()
        copied.engine.clock.time += timedelta(days=1)
    assert len(copied.list()) == COPIES_KEPT


def test_a_folder_that_can_not_be_written_stops_nothing(copied: Copied) -> None:
    """It is logged, and tried again an hour later."""
    copied.folder.write_text("a file in its place")
    copied.copies.turn()
    assert copied.folder.read_text() == "a file in its place"


def end_many(engine: Engine, count: int) -> None:
    """Upgrades that ended long ago, all with a note."""
    for number in range(1, count + 1):
        row = engine.add_upgrade(["a/b"], "cluster-x", number)
        engine.journal.remember(row.id, SHA256, TARGET)
        engine.journal.change_upgrade(row.id, state="aborted", due=None, ended_at=engine.clock.now())
    engine.clock.advance(QUIET.total_seconds() + 1)


def list_packed(engine: Engine) -> list[str]:
    """The upgrades that are packed, in the order in which they ended."""
    return [row["upgrade"] for row in engine.store.read("select upgrade from packs order by rowid")]


def test_what_has_ended_is_packed_a_few_at_each_look(build: Build) -> None:
    """However many an earlier version left: nobody waits for it."""
    engine = build({})
    end_many(engine, PACKED_AT_ONCE + 2)
    packs = JournalPacks(Packing(engine.store, lambda: 10**9), engine.clock)
    packs.turn()
    assert list_packed(engine) == [f"cluster-x-{number}" for number in range(1, PACKED_AT_ONCE + 1)]
    engine.clock.advance(60)
    packs.turn()
    assert len(list_packed(engine)) == PACKED_AT_ONCE + 2
    assert engine.journal.recall("cluster-x-1", SHA256) == TARGET


def test_what_can_not_be_packed_keeps_no_other_back(build: Build) -> None:
    """It is told once, and tried again a day later."""
    engine = build({})
    end_many(engine, 2)
    packs = JournalPacks(Packing(engine.store, lambda: 10**9), engine.clock)
    with engine.store.transact() as db:
        db.execute(
            "create trigger no before insert on packs when new.upgrade = 'cluster-x-1' "
            "begin select raise(abort, 'no'); end"
        )
    with structlog.testing.capture_logs() as logs:
        packs.turn()
    assert (list_packed(engine), len(logs)) == (["cluster-x-2"], 1)
    with engine.store.transact() as db:
        db.execute("drop trigger no")
    for seconds in (60, 3600, 3600):
        engine.clock.advance(seconds)
        packs.turn()
    assert list_packed(engine) == ["cluster-x-2"]
    engine.clock.advance(24 * 3600)
    packs.turn()
    assert list_packed(engine) == ["cluster-x-2", "cluster-x-1"]


def test_what_does_not_come_out_of_a_pack_is_told_with_its_cause(build: Build) -> None:
    """Once a day, and not as a fault of the bot's."""
    engine = build({})
    end_many(engine, 2)
    packs = JournalPacks(Packing(engine.store, lambda: 10**9), engine.clock)
    with engine.store.transact() as db:
        db.execute("update memory set value = x'ff' where upgrade = 'cluster-x-1'")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            packs.turn()
            engine.clock.advance(3600)
    assert list_packed(engine) == ["cluster-x-2"]
    told = {"event": "upgrade_not_packed", "upgrade": "cluster-x-1", "why": "value has bytes", "log_level": "warning"}
    assert logs == [told]


def test_what_can_not_be_packed_takes_no_others_turn(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are of it, and however few are looked for."""
    engine = build({})
    end_many(engine, 5)
    monkeypatch.setattr(upkeep, "PACKED_AN_HOUR", 1)
    packs = JournalPacks(Packing(engine.store, lambda: 10**9), engine.clock)
    with engine.store.transact() as db:
        db.execute("update memory set value = x'ff' where upgrade in ('cluster-x-1', 'cluster-x-2')")
        db.execute("update upgrades set ended_at = ended_at - 9 where id in ('cluster-x-1', 'cluster-x-2')")
    for _ in range(4):
        packs.turn()
        engine.clock.advance(3601)
    assert list_packed(engine) == ["cluster-x-3", "cluster-x-4"]


def test_a_full_disk_is_told_once_an_hour(build: Build) -> None:
    """However many upgrades wait for it; with room again the next hour goes on."""
    engine = build({})
    end_many(engine, PACKED_AT_ONCE + 2)
    room = [0]
    packs = JournalPacks(Packing(engine.store, lambda: room[0]), engine.clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            packs.turn()
            engine.clock.advance(60)
    assert [one["event"] for one in logs] == ["upgrade_not_packed"]
    room[0] = 10**9
    engine.clock.advance(3600)
    packs.turn()
    assert len(list_packed(engine)) == PACKED_AT_ONCE
