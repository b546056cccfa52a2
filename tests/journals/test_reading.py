"""Every row of every frozen journal is read by today's code, and every message is drawn."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

import steps
from bot.app.exports import write_ledger
from bot.clicks.clicks import BadClick, Clicks
from bot.clock import SystemClock
from bot.evidence.reports import ReportForm, write_report
from bot.journal.bodies import REMINDER_KINDS, Message, MessageKind, UnreadableBody
from bot.journal.journal import Journal
from bot.journal.outbox import Outbox
from bot.journal.records import Action, UpgradeState
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store
from bot.schedule.tables import Schedules
from bot.slack.drawing.cards import Look
from bot.slack.drawing.messages import draw_message
from bot.slack.drawing.text import Pen
from bot.telling.reports import describe_history, describe_status
from bot.telling.views import Views
from steps.contract.notes import Note, read_as
from steps.notes.sidecars import Watched, name_soak_end
from steps.plan import is_way_back
from tests.journals.frames import list_frames, load_scripts
from tests.journals.restoring import prove_filled
from tests.journals.rows import build_journal, save_journal
from tests.unit.bot.keys import KEY

PEN = Pen(lambda _user: True, "https://example.slack.com")
HOUSE = [importlib.import_module(found.name) for found in pkgutil.walk_packages(steps.__path__, "steps.")]
NOTES = {value.key: value for module in HOUSE for value in vars(module).values() if isinstance(value, Note)}
SOAK = re.compile(r"sidecars/soak/(?P<wave>.+)/(?P<what>over|\d+)")
LOOKS: tuple[Look, ...] = ("rich", "plain", "bare")


class Reader:
    """Today's bot's readers over one frozen journal."""

    def __init__(self, name: str, folder: Path) -> None:
        path = folder / "asm-upgrade.db"
        journal = build_journal(load_scripts(name))
        prove_filled(journal, KEY)
        save_journal(journal, path)
        self.store = Store(path, KEY)
        self.journal = Journal(self.store)
        self.outbox = Outbox(self.store)
        self.schedules = Schedules(self.store)
        self.views = Views(self.journal, SystemClock())

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.store.read(f"select count(*) as n from {table}")[0]["n"])

    def list_messages(self) -> list[Message]:
        """Every message, as if Slack had none."""
        with self.store.transact() as db:
            db.execute("update outbox set sent_revision = 0, not_before = null")
        return self.outbox.list_unsent(self.journal.list_upgrades()[0].created_at)


@pytest.fixture(scope="module", params=[name for name in list_frames() if not name.startswith("empty")])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The readers over each journal in turn."""
    made = Reader(request.param, tmp_path_factory.mktemp("reader"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def drawn() -> set[str]:
    """What was drawn already: journals that go on from each other have most of their messages in common."""
    return set()


def test_every_row_is_read(reader: Reader) -> None:
    """Upgrades with all that belongs to them, as reports, views and exports read it."""
    rows = reader.journal.list_upgrades()
    assert len(rows) == reader.count("upgrades")
    assert sum(read_steps(reader, row) for row in rows) == reader.count("steps")
    assert sum(read_questions(reader, row) for row in rows) == reader.count("approvals") + reader.count("consents")
    assert sum(read_notes(reader, row) for row in rows) == reader.count("memory")
    assert sum(read_ledger(reader, row) for row in rows) == reader.count("ledger")
    assert sum(len(reader.journal.list_audit(row.id)) for row in rows) == reader.count("audit")
    assert sum(read_schedule(reader, row) for row in rows) == reader.count("schedules") + reader.count("holds")
    assert sum(len(reader.schedules.list_reminders(row.id)) for row in rows) == reader.count("reminders")


def test_every_click_is_read(reader: Reader) -> None:
    """Those that are settled as well: a journal is evidence."""
    with reader.store.transact() as db:
        db.execute("update clicks set settled_at = null")
    clicks = Clicks(reader.store).list_unsettled()
    assert len(clicks) == reader.count("clicks")
    assert [click for click in clicks if isinstance(click, BadClick)] == []


def test_every_message_is_drawn(reader: Reader, drawn: set[str]) -> None:
    """In every look that Slack might leave the bot with."""
    messages = reader.list_messages()
    assert len(messages) == reader.count("outbox")
    assert [message for message in messages if isinstance(message.body, UnreadableBody)] == []
    for message in messages:
        if (key := f"{message.id} {message.body}") in drawn and message.kind != "root":
            continue
        drawn.add(key)
        view = reader.views.read_view(message.upgrade) if message.upgrade else None
        for look in LOOKS:
            drawing = draw_message(message, view, look, PEN)
            assert drawing.text or drawing.blocks or message.kind == "file"


@pytest.mark.parametrize("form", get_args(ReportForm))
def test_the_change_record_of_every_upgrade_is_written(reader: Reader, form: ReportForm) -> None:
    """Whatever it stands at, and whichever version wrote its rows."""
    for row in reader.journal.list_upgrades():
        assert row.id in write_report(reader.store, row.id, form, row.created_at)


def read_steps(reader: Reader, row: UpgradeRow) -> int:
    """The upgrade's steps, as the reports tell them too."""
    view = reader.views.read_view(row.id)
    assert row.id in describe_status([view], [])
    assert row.id in describe_history([view])
    return len(reader.journal.list_steps(row.id))


def read_questions(reader: Reader, row: UpgradeRow) -> int:
    """The upgrade's questions and who agreed to them."""
    questions = reader.journal.list_questions(row.id)
    return len(questions) + sum(len(reader.journal.list_consents(question, "approve")) for question in questions)


def read_notes(reader: Reader, row: UpgradeRow) -> int:
    """The upgrade's notes, each as the type that it is declared with; the engine's own are no step's."""
    keys = [str(kept["key"]) for kept in reader.store.read("select key from memory where upgrade = ?", [row.id])]
    for key in (key for key in keys if not key.startswith("engine/")):
        reader.journal.recall(row.id, replace(find_note(key), key=key))
    return len(keys)


def find_note(key: str) -> Note[Any]:
    """The note under a key, which goes on with what it is about where it is one of many."""
    if soak := SOAK.fullmatch(key):
        return name_soak_end(soak["wave"]) if soak["what"] == "over" else Note(key, read_as(Watched))
    return NOTES[next(name for name in sorted(NOTES, key=len, reverse=True) if f"{key}/".startswith(f"{name}/"))]


def read_ledger(reader: Reader, row: UpgradeRow) -> int:
    """The upgrade's pods, exported both ways."""
    entries = reader.journal.read_ledger(row.id)
    assert len(write_ledger(entries, "csv").splitlines()) == len(entries) + 1
    assert len(json.loads(write_ledger(entries, "json"))) == len(entries)
    return len(entries)


def read_schedule(reader: Reader, row: UpgradeRow) -> int:
    """The upgrade's appointment and what holds it."""
    reader.schedules.find_extension(row.id)
    return sum(
        one is not None for one in (reader.schedules.find_appointment(row.id), reader.schedules.find_hold(row.id))
    )


@pytest.fixture(scope="module")
def frozen() -> dict[str, sqlite3.Connection]:
    """All journals by the names of their frames."""
    return {name: build_journal(load_scripts(name)) for name in list_frames()}


def gather(frozen: dict[str, sqlite3.Connection], query: str) -> set[str]:
    """What a query finds in any journal."""
    return {str(row[0]) for db in frozen.values() for row in db.execute(query)}


def test_an_upgrade_stands_at_each_step_of_each_plan(frozen: dict[str, sqlite3.Connection]) -> None:
    """Of the plans as they were when the journals were frozen; of a way back only where one begins, writes and asks."""
    begun = gather(frozen, "select step from upgrades where ended_at is null")
    plans = [json.loads(plan) for plan in gather(frozen, "select plan from upgrades")]
    planned = {step for plan in plans if not is_way_back(plan) for step in plan}
    assert planned - begun == set()
    assert {"landing/land", "rollback/prepare", "authorization/return", "finish/report-return"} <= begun


def test_every_kind_of_row_is_in_some_journal(frozen: dict[str, sqlite3.Connection]) -> None:
    """Messages unsent, clicks unsettled, states, reminders waiting, and what windows and people hold up.

    `log` is younger than the frames.
    """
    unsent = gather(frozen, "select kind from outbox where revision > sent_revision and ts = ''")
    action = "coalesce(body ->> '$.order.action', body ->> 'action')"
    clicks = gather(frozen, f"select {action} from clicks where settled_at is null")
    assert set(get_args(MessageKind)) - unsent == set()
    assert set(get_args(Action)) - clicks == {"log"}
    assert set(get_args(UpgradeState)) - gather(frozen, "select state from upgrades") == set()
    assert set(REMINDER_KINDS) - gather(frozen, "select kind from reminders where state = 'waiting'") == set()
    for table in ("holds", "held_steps", "schedules", "extensions", "consents"):
        assert gather(frozen, f"select rowid from {table}"), table
    assert gather(frozen, "select paused_by from upgrades where paused_by <> ''")
