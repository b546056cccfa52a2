"""Journals of upgrades that have ended, and all that is read of them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bot.evidence.reports import ReportForm, write_report
from bot.journal.bodies import decode_body
from bot.journal.grounds import GroundsReader
from bot.journal.journal import Journal
from bot.journal.measured import Paces
from bot.journal.outbox import Outbox
from bot.journal.packs.forms import PARTS
from bot.journal.store import Store
from bot.journal.verifying import Chains, verify_journal
from bot.retention.packing import QUIET, Packing
from bot.retention.past import Past
from bot.returns import has_written
from bot.telling.logs import read_lines
from bot.telling.reports import describe_history
from bot.telling.views import Views
from tests.journals.frames import load_scripts
from tests.journals.restoring import prove_filled
from tests.journals.rows import build_journal, save_journal
from tests.unit.bot.keys import KEY
from tests.unit.bot.workbench import HandClock

UPGRADE = "cluster-x-1"
# Upgrades that were filmed at their end, a way back and one that takes several people among them.
FRAMES = ("plan-ended", "returned", "first-consent", "blocked-sidecars")
# Whatever stood open has been settled, sent and long over.
ENDED = (
    "update upgrades set ended_at = created_at, due = null, state = iif(ended_at is null, 'aborted', state)",
    "update approvals set state = 'expired' where state = 'open'",
    "update outbox set sent_revision = revision, ts = iif(ts = '' and attempts > 0, '1.' || seq, ts)",
)
LATER = datetime.fromtimestamp(1796090000, UTC) + 2 * QUIET
ANY_ID = re.compile(r"[0-9a-f]{32}")


def open_ended(frame: str, folder: Path) -> Store:
    """The journal of a frame, whose upgrades have ended."""
    path = folder / "asm-upgrade.db"
    with closing(build_journal(load_scripts(frame))) as journal:
        for said in ENDED:
            journal.execute(said)
        prove_filled(journal, KEY)
        save_journal(journal, path)
    return Store(path, KEY)


def pack_all(store: Store) -> list[str]:
    """Pack every upgrade; which ones were."""
    packing = Packing(store, lambda: 10**9)
    return [upgrade for upgrade in packing.list_due(LATER, 1000) if packing.pack(upgrade, LATER)]


def read_rows(store: Store) -> dict[str, list[str]]:
    """Every row of the tables whose rows are packed, packed or not; what is made by chance is left out."""
    return {
        table: sorted(read_cells(table, row) for row in store.read(f"select * from whole_{table}")) for table in PARTS
    }


def read_cells(table: str, row: object) -> str:
    """A row as text, without its place among those of others."""
    assert isinstance(row, dict)
    told = {name: cell for name, cell in row.items() if name != "place"}
    if table == "outbox":
        told["body"] = decode_body(row["kind"], row["body"])
    return ANY_ID.sub("#", repr(sorted(told.items())))


def read_standing(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """The rows that stand in the tables, cell by cell."""
    orders = dict.fromkeys(PARTS, "rowid") | {"approvals": "generation"}
    return {table: store.read_values(f"select * from {table} order by upgrade, {orders[table]}") for table in PARTS}


def read_everything(store: Store) -> list[object]:
    """What reports, views, exports, forecasts, ways back and `verify` read of every upgrade."""
    journal, outbox = Journal(store), Outbox(store)
    views = Views(journal, HandClock())
    told: list[object] = [verify_journal(Chains(store)), journal.list_troubles()]
    for row in journal.list_upgrades():
        told += [views.read_view(row.id), describe_history([views.read_view(row.id)]), has_written(journal, row)]
        told += [journal.list_steps(row.id), journal.list_questions(row.id), journal.read_ledger(row.id)]
        told += [journal.count_ledger(row.id), journal.find_times(row.id), GroundsReader(store).read(row.id)]
        told += [journal.find_approval_end(row.id, row.step.partition("/")[0]), journal.find_decision(row)]
        told += [outbox.list_told(row.id), read_lines(outbox, row.id), outbox.read_thread(row.id)]
        told += [outbox.find_last_gate(row.id), outbox.list_cards(row.id), outbox.list_left_roots(row.id)]
        told += [outbox.was_posted(row.id, "proposal", begun) for begun in (True, False)]
        told += [write_report(store, row.id, form, LATER) for form in get_args(ReportForm)]
        told += [Past(store).read_told(row.id), Past(store).may_be_taken_back(row.id)]
        told += [Paces(store).find_measured(row.cluster), Paces(store).measure_took(row.id)]
    return told


def change_file(path: Path, *statements: str) -> None:
    """What somebody does who can write into the journal's file."""
    with closing(sqlite3.connect(path)) as db:
        for said in statements:
            db.execute(said)
        db.commit()
