"""What says when an upgrade may act counts where the bot wrote it, and not where somebody else did."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.journal.proofs import Key
from bot.schedule.tables import Schedules
from bot.windows.appointments import Appointment
from steps.contract.cards import Card
from steps.contract.step import Ask, Context, Outcome
from steps.gates import pass_gate
from tests.unit.bot.workbench import BEN, START, Build, Engine

UPGRADE = "cluster-x-1"


def ask(ctx: Context) -> Outcome:
    """A gate."""
    return pass_gate(ctx, Ask("May it?", Card("Card"), {"what": "shown"}))


@pytest.fixture
def engine(build: Build) -> Engine:
    """An upgrade with an appointment, an extension and a hold."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    later = START + timedelta(hours=8)
    engine.schedules.set_appointment(UPGRADE, Appointment(START, None, "UTC"), BEN, START)
    engine.schedules.add_extension(UPGRADE, later, BEN, "slow", START)
    engine.schedules.put_hold(UPGRADE, "access/approve", "a freeze", later, START)
    return engine


def write(engine: Engine, statement: str) -> None:
    """Write as somebody who has the file and no key."""
    with engine.store.transact() as db:
        assert db.execute(statement).rowcount >= 1


def read(schedules: Schedules) -> list[object]:
    """All three."""
    return [schedules.find_appointment(UPGRADE), schedules.find_extension(UPGRADE), schedules.find_hold(UPGRADE)]


def test_what_the_bot_wrote_counts(engine: Engine) -> None:
    """Moved by it, too."""
    assert None not in read(engine.schedules)
    engine.schedules.set_appointment(UPGRADE, Appointment(START, None, "Europe/Berlin"), BEN, START)
    engine.schedules.put_hold(UPGRADE, "access/approve", "another freeze", None, START)
    assert None not in read(engine.schedules)


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        (0, "update schedules set starts = starts - 86400"),
        (0, "update schedules set ends = 1900000000"),
        (0, "update schedules set zone = 'Asia/Seoul'"),
        (0, "update schedules set proof = ''"),
        (1, "update extensions set until = until + 86400"),
        (1, "update extensions set upgrade = upgrade, proof = x'ff'"),
        (2, "update holds set since = 0"),
        (2, "update holds set until = null"),
    ],
)
def test_what_somebody_else_wrote_counts_for_nothing(engine: Engine, place: int, statement: str) -> None:
    """Whatever of it was changed; the others stay."""
    write(engine, statement)
    assert [kept is None for kept in read(engine.schedules)] == [number == place for number in range(3)]


def test_an_extension_of_somebody_else_hides_none_of_the_bots(engine: Engine) -> None:
    """The latest one of its own counts."""
    before = engine.schedules.find_extension(UPGRADE)
    write(
        engine, f"insert into extensions (upgrade, until, \"by\", reason, at) values ('{UPGRADE}', 1.9e9, 'x', '', 1)"
    )
    assert engine.schedules.find_extension(UPGRADE) == before


def test_a_forged_hold_makes_no_approval_younger(engine: Engine) -> None:
    """Time in which a window held the upgrade doesn't count, so its beginning is worth something."""
    engine.click("approve", BEN)
    ends = engine.journal.find_approval_end(UPGRADE, "access")
    write(engine, "update holds set since = 0")
    engine.clock.advance(60)
    engine.keeper.admit(engine.row(), engine.clock.now())
    assert engine.journal.find_approval_end(UPGRADE, "access") == ends


def test_with_another_key_nothing_of_it_counts(engine: Engine) -> None:
    """As if nobody had set it: the cluster's own windows are in force."""
    engine.store.key = Key(b"another key")
    assert read(Schedules(engine.store)) == [None, None, None]
