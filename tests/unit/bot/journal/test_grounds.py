"""What an upgrade's acts rest on is read in one piece."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bot.journal.grounds import write_note
from bot.journal.store import OrderedStore, Parameters, Row
from tests.unit.bot.workbench import Build


def test_a_note_that_is_written_meanwhile_is_no_fault(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read before: its count and the notes are of one moment."""
    engine = build({})
    row = engine.add_upgrade(["prepare/identify"])
    file = Path(engine.store.read("pragma database_list")[0]["file"])
    read, written = engine.store.read, list[str]()

    def read_and_write(sql: str, parameters: Parameters = ()) -> list[Row]:
        rows = read(sql, parameters)
        written.append(f"test/{len(written)}")
        with other.transact() as db:
            write_note(db, engine.store.key, row.id, written[-1], "1")
        return rows

    with closing(OrderedStore(file, engine.store.key)) as other:
        monkeypatch.setattr(engine.store, "read", read_and_write)
        seen = engine.journal.standing.read(row.id)
        monkeypatch.undo()
    after = engine.journal.standing.read(row.id)
    assert (seen.faults, set(seen.notes), after.faults, set(after.notes)) == ((), set(), (), set(written))
