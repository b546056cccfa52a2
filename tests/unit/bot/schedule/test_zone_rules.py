"""A state moves its clocks: who scheduled something there is told, once, with how to keep the local time."""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from bot.clicks.orders import Schedule
from bot.journal.bodies import MilestoneBody
from bot.schedule.zone_rules import ZoneRules
from bot.windows.appointments import Appointment, Written, read_appointment
from bot.windows.downtime import Downtime
from handlers.grammar import read_order
from tests.unit.bot.workbench import BEN, START, Build, Engine

ZONE = "Europe/Kyiv"
WRITTEN = Written("2026-12-03", "02:00", ZONE, "3h")


@pytest.fixture
def law(tmp_path: Path) -> Iterator[Path]:
    """A database of zones that a test may change, as an update of the machine does."""
    with as_file(files("tzdata") / "zoneinfo") as shipped:
        shutil.copytree(shipped / "Europe", tmp_path / "zones" / "Europe")
    zoneinfo.reset_tzpath(to=[str(tmp_path / "zones")])
    zoneinfo.ZoneInfo.clear_cache()
    yield tmp_path / "zones" / "Europe"
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def pass_law(law: Path, like: str) -> None:
    """From the bot's next start on the zone has the rules of another one."""
    shutil.copyfile(law / like, law / "Kyiv")
    zoneinfo.ZoneInfo.clear_cache()


@pytest.fixture
def scheduled(build: Build, law: Path) -> Engine:
    """An upgrade that Ben has scheduled for two o'clock at night."""
    engine = build({})
    engine.add_upgrade(["prepare/a"])
    engine.schedules.set_appointment("cluster-x-1", read_appointment(WRITTEN, START, Downtime()), BEN, START)
    return engine


def look(engine: Engine) -> list[str]:
    """What a bot that was started anew tells of zones."""
    engine.clock.advance(3600)
    ZoneRules(engine.journal, engine.schedules, engine.chronicle, engine.clock).turn()
    bodies = [message.body for message in engine.outbox.list_told("cluster-x-1")]
    return [body.sentence for body in bodies if isinstance(body, MilestoneBody)]


def test_rules_that_stand_are_nothing_to_tell(scheduled: Engine) -> None:
    """However often it looks."""
    assert (look(scheduled), look(scheduled)) == ([], [])


def test_a_rule_that_moves_is_told_once_with_the_command_that_keeps_the_local_time(
    scheduled: Engine, law: Path
) -> None:
    """To whoever scheduled it; the moment itself stays until somebody moves it."""
    pass_law(law, "Moscow")
    (told,) = look(scheduled)
    assert told == (
        "the rules of Europe/Kyiv have changed: cluster-x-1 was scheduled for 2026-12-03 02:00 there, and that moment, "
        "2026-12-03 00:00 UTC, is 2026-12-03 03:00 now. Nothing was moved; "
        f"`/asm-upgrade schedule cluster-x 2026-12-03 02:00 Europe/Kyiv for 3h` keeps the local time. <@{BEN}>"
    )
    assert look(scheduled) == [told]
    known = scheduled.schedules.find_appointment("cluster-x-1")
    assert known is not None
    assert known.starts == datetime(2026, 12, 3, 0, 0, tzinfo=UTC)


def test_the_command_is_understood_and_moves_it(scheduled: Engine, law: Path) -> None:
    """To the hour that was meant, by the rules of now; after that nothing is told."""
    pass_law(law, "Moscow")
    (told,) = look(scheduled)
    order = read_order(told.split("`")[1].removeprefix("/asm-upgrade "))
    assert isinstance(order, Schedule)
    moved = read_appointment(order.when, scheduled.clock.now(), Downtime())
    assert moved == Appointment(datetime(2026, 12, 2, 23, 0, tzinfo=UTC), datetime(2026, 12, 3, 2, 0, tzinfo=UTC), ZONE)
    scheduled.schedules.set_appointment("cluster-x-1", moved, BEN, scheduled.clock.now())
    assert look(scheduled) == [told]


def test_rules_that_move_back_are_told_as_well(scheduled: Engine, law: Path) -> None:
    """A law may be taken back; then it is as it was written, and nothing is wrong."""
    kept = (law / "Kyiv").read_bytes()
    pass_law(law, "Moscow")
    assert len(look(scheduled)) == 1
    (law / "Kyiv").write_bytes(kept)
    zoneinfo.ZoneInfo.clear_cache()
    assert len(look(scheduled)) == 1
    pass_law(law, "London")
    assert "is 2026-12-03 00:00 now" in look(scheduled)[-1]


def test_what_is_past_or_was_never_scheduled_is_left_alone(scheduled: Engine, law: Path) -> None:
    """There is nothing to move."""
    pass_law(law, "Moscow")
    scheduled.clock.time = datetime(2026, 12, 3, 0, 0, tzinfo=UTC) - timedelta(hours=1)
    assert look(scheduled) == []


def test_an_appointment_of_an_earlier_version_is_held_to_its_first_look(scheduled: Engine, law: Path) -> None:
    """What it was written as nobody knows; from then on a change is told."""
    with scheduled.store.transact() as db:
        db.execute("update schedules set written = '', shown = ''")
    assert look(scheduled) == []
    pass_law(law, "Moscow")
    assert len(look(scheduled)) == 1
