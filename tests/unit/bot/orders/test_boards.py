"""What the journal holds of each cluster is read once, for as long as the journal is the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.orders.fleet import Boards
from tests.unit.bot.workbench import Build, Engine


def make_boards(engine: Engine) -> Boards:
    """Boards over the engine's journal."""
    return Boards(engine.journal, engine.views, engine.outbox.read_thread)


def test_a_board_is_read_once_while_nothing_changes(build: Build) -> None:
    """Whoever asks gets the same one."""
    engine = build({})
    engine.add_upgrade(["prepare/identify"])
    boards = make_boards(engine)
    assert boards.read("cluster-x") is boards.read("cluster-x")


def test_a_board_follows_the_journal(build: Build) -> None:
    """The first look after a change tells it."""
    engine = build({})
    boards = make_boards(engine)
    assert boards.read("cluster-x").upgrade is None
    engine.add_upgrade(["prepare/identify"])
    engine.journal.change_upgrade("cluster-x-1", sentence="goes on")
    board = boards.read("cluster-x")
    assert board.upgrade is not None
    assert board.upgrade.sentence == "goes on"


def test_what_a_command_wrote_beside_the_bot_is_seen(build: Build, tmp_path: Path) -> None:
    """`asm-upgrade` writes into the same file from another process."""
    engine = build({})
    engine.add_upgrade(["prepare/identify"])
    boards = make_boards(engine)
    before = boards.read("cluster-x")
    other = sqlite3.connect(tmp_path / "asm-upgrade.db", isolation_level=None)
    other.execute("update upgrades set sentence = 'by somebody else'")
    other.close()
    after = boards.read("cluster-x")
    assert before.upgrade is not None
    assert after.upgrade is not None
    assert (before.upgrade.sentence, after.upgrade.sentence) == ("", "by somebody else")
