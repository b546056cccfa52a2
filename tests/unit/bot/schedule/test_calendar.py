"""The calendar: what stands in it, and the files that calendar programs read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from icalendar import Calendar as Parsed

from bot.journal.bodies import AgendaLine, AgendaSection, FileBody
from bot.schedule.agenda import build_agenda, write_agenda
from bot.schedule.calendar import Calendar, CalendarEntry, make_uid
from bot.schedule.calendar_files import write_calendar
from bot.settings.clusters import Cluster
from bot.slack.drawing.agenda import draw_agenda
from bot.windows.downtime import Downtime, Freeze, Span, Window
from steps.contract.cards import Card
from steps.contract.options import UpgradeOptions
from steps.contract.step import Ask, Context, Outcome
from steps.gates import pass_gate
from steps.mesh import ClusterAddress
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.prepare import SOURCE, Source
from tests.unit.bot.slack.samples import EVERYBODYS
from tests.unit.bot.workbench import ANA, BEN, POLICY, START, Build, Engine

NIGHTS = Window(tuple(range(7)), time(22), time(4), "Europe/Berlin")
FREEZE = Freeze(date(2026, 12, 20), date(2027, 1, 3), "Europe/Berlin", "year end; shops, and\nmore")
LATER = {"date": "2026-12-03", "time": "11:00", "zone": "Asia/Seoul", "for": "3h"}


def ask(ctx: Context) -> Outcome:
    return pass_gate(ctx, Ask("May it go on?", Card("Card"), {"what": "this"}))


@pytest.fixture
def engine(build: Build) -> Engine:
    """An upgrade that waits for an approval, scheduled in two days."""
    built = build({"access/approve": ask, "abort/list": ask})
    built.add_upgrade(["access/approve"])
    built.runner.turn()
    built.click("schedule", ANA, arguments=LATER)
    return built


def name_cluster(key: str, downtime: Downtime) -> Cluster:
    address = ClusterAddress(key, "example-project", "us-central1-a", key)
    return Cluster(key, address, "C0MESHOPS1", "1.4.10-asm.18", POLICY, UpgradeOptions(), downtime)


def open_calendar(engine: Engine, *clusters: Cluster) -> Calendar:
    return Calendar(engine.journal, engine.schedules, {cluster.key: cluster for cluster in clusters})


def list_files(engine: Engine) -> list[str]:
    """The texts of the calendar files in the thread."""
    told = [one.body for one in engine.outbox.list_unsent(engine.clock.now()) if isinstance(one.body, FileBody)]
    return [body.text for body in told if body.name.endswith(".ics")]


def parse(text: str) -> Parsed:
    calendar = Parsed.from_ical(text)
    assert isinstance(calendar, Parsed)
    assert calendar.errors == []
    return calendar


def list_events(text: str) -> list[Any]:
    events: list[Any] = list(parse(text).walk("VEVENT"))
    assert [event.errors for event in events] == [[]] * len(events)
    return events


def read_event(text: str) -> dict[str, Any]:
    """The one event of a file by the names of its properties."""
    (event,) = list_events(text)
    return {str(name): value for name, value in event.items()}


def test_a_scheduled_upgrade_puts_a_file_into_its_thread(engine: Engine) -> None:
    """From its start to its end, in UTC."""
    event = read_event(list_files(engine)[0])
    assert (event["DTSTART"].dt.isoformat(), event["DTEND"].dt.isoformat()) == (
        "2026-12-03T02:00:00+00:00",
        "2026-12-03T05:00:00+00:00",
    )


def test_the_file_is_published_with_what_rfc_5546_wants(engine: Engine) -> None:
    """Method, id, time stamp, organizer and the first sequence number."""
    text = list_files(engine)[0]
    event = read_event(text)
    assert str(parse(text)["METHOD"]) == "PUBLISH"
    assert {"UID", "DTSTAMP", "ORGANIZER", "SUMMARY"} <= event.keys()
    assert (int(event["SEQUENCE"]), str(event["STATUS"])) == (0, "CONFIRMED")


def test_lines_end_and_fold_as_the_format_says(engine: Engine) -> None:
    """CRLF, and at most 75 octets a line."""
    raw = list_files(engine)[0].encode()
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75


def test_a_moved_upgrade_is_the_same_event_in_a_later_edition(engine: Engine) -> None:
    """So that a calendar moves what it has."""
    engine.click("schedule", ANA, arguments={**LATER, "date": "2026-12-05"})
    first, second = (read_event(text) for text in list_files(engine))
    assert first["UID"] == second["UID"]
    assert (int(second["SEQUENCE"]), second["DTSTART"].dt.day) == (1, 5)


def test_an_extension_makes_a_later_edition_with_a_later_end(engine: Engine) -> None:
    """Where the time was set by a person."""
    engine.clock.time = START + timedelta(days=2, minutes=10)
    engine.click("extend", BEN, choice="1h", reason="almost done")
    event = read_event(list_files(engine)[-1])
    assert (int(event["SEQUENCE"]), event["DTEND"].dt.hour) == (1, 6)


def test_an_aborted_upgrade_is_taken_out_of_calendars(engine: Engine) -> None:
    """By a file in the thread that cancels it."""
    engine.click("abort", ANA)
    text = list_files(engine)[-1]
    event = read_event(text)
    assert (str(parse(text)["METHOD"]), str(event["STATUS"])) == ("CANCEL", "CANCELLED")
    assert int(event["SEQUENCE"]) == 1


def test_an_upgrade_that_is_taken_back_is_taken_out_of_calendars(engine: Engine) -> None:
    """As at an abort: what is left of its time is not the upgrade's any more; the file of the fleet says the same."""
    engine.journal.remember("cluster-x-1", FIRST_WRITE, "run")
    engine.journal.remember("cluster-x-1", SOURCE, Source("1.4.7-asm.0"))
    engine.click("rollback", ANA, reason="slow")
    event = read_event(list_files(engine)[-1])
    assert (str(event["STATUS"]), int(event["SEQUENCE"])) == ("CANCELLED", 1)
    engine.journal.change_upgrade("cluster-x-1", state="rolled back", ended_at=engine.clock.now())
    (event,) = list_events(export(open_calendar(engine), engine.clock.now()))
    assert str(event["STATUS"]) == "CANCELLED"


def test_an_upgrade_aborted_after_its_time_leaves_calendars_alone(engine: Engine) -> None:
    """What took place isn't cancelled."""
    engine.clock.time = START + timedelta(days=4)
    engine.click("abort", ANA)
    assert len(list_files(engine)) == 1


def test_an_upgrade_without_a_time_has_no_file(build: Build) -> None:
    """There is nothing to plan with."""
    engine = build({"access/approve": ask})
    engine.add_upgrade(["access/approve"])
    engine.runner.turn()
    engine.click("abort", ANA)
    assert list_files(engine) == []


def test_the_fleets_file_has_upgrades_windows_and_freezes(engine: Engine) -> None:
    """Of the next 30 days."""
    calendar = open_calendar(engine, name_cluster("cluster-x", Downtime((NIGHTS,), (FREEZE,))))
    kinds = [str(event["CATEGORIES"].cats[0]) for event in list_events(export(calendar, engine.clock.now()))]
    assert {kind: kinds.count(kind) for kind in kinds} == {"upgrade": 1, "window": 20, "freeze": 1}


def export(calendar: Calendar, now: datetime) -> str:
    return write_calendar(calendar.list_fleet(now), now)


def test_the_fleets_file_keeps_what_was_cancelled(engine: Engine) -> None:
    """As such: a calendar that subscribes to it would otherwise keep the old entry."""
    engine.click("abort", ANA)
    engine.journal.change_upgrade("cluster-x-1", state="aborted", ended_at=engine.clock.now())
    (event,) = list_events(export(open_calendar(engine), engine.clock.now()))
    assert str(event["STATUS"]) == "CANCELLED"


def test_ids_stay_the_same_from_one_file_to_the_next(engine: Engine) -> None:
    """A little later nothing appears twice in a calendar."""
    calendar = open_calendar(engine, name_cluster("cluster-x", Downtime((NIGHTS,), (FREEZE,))))

    def list_ids(now: datetime) -> list[str]:
        return [str(event["UID"]) for event in list_events(export(calendar, now))]

    assert list_ids(START) == list_ids(START + timedelta(minutes=50))


def test_ids_differ_from_one_cluster_to_the_next(engine: Engine) -> None:
    """Also where their windows are the same."""
    both = [name_cluster(key, Downtime((NIGHTS,), (FREEZE,))) for key in ("cluster-x", "cluster-y")]
    ids = [str(event["UID"]) for event in list_events(export(open_calendar(engine, *both), START))]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "text", ["a;b,c\\d", "two\nlines", "ü" * 90, "🛑 END:VEVENT", "a\r\nBEGIN:VALARM", "null \x00 bell \x07"]
)
def test_foreign_text_cannot_break_the_file(text: str) -> None:
    """It is escaped, folded and read back; control characters are gone."""
    entry = CalendarEntry(
        "freeze", "c", Span(START, START + timedelta(hours=1)), "UTC", text, make_uid(ClusterAddress("c"))
    )
    event = read_event(write_calendar([entry], START))
    expected = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    assert str(event["SUMMARY"]) == expected


def test_upgrades_come_first_however_many_windows_there_are(engine: Engine) -> None:
    """A window is one line a cluster, with its next opening."""
    clusters = {f"cluster-{n}": name_cluster(f"cluster-{n}", Downtime((NIGHTS,))) for n in range(5)}
    calendar = open_calendar(engine, *clusters.values())
    now = engine.clock.now()
    lines = write_agenda(build_agenda(calendar.list_upgrades(now), calendar.list_downtime(now), clusters)).splitlines()
    assert lines[2].startswith("• 2026-12-03 11:00-14:00 Asia/Seoul: Mesh upgrade cluster-x-1 to 1.4.10-asm.18")
    assert len(lines) == 3 + 1 + len(clusters)


def test_the_calendar_of_one_cluster_has_no_others(engine: Engine) -> None:
    """Its name stands after the command."""
    assert "cluster-x-1" in engine.click("calendar", ANA)


def test_an_unknown_clusters_calendar_is_refused(engine: Engine) -> None:
    """With the known ones."""
    answer = engine.click("calendar", ANA, target="cluster-q")
    assert (
        answer == "There is no cluster `cluster-q` in clusters.toml. Did you mean `cluster-x`? Known ones: cluster-x."
    )


def test_an_empty_calendar_says_so(build: Build) -> None:
    """Instead of nothing."""
    assert build({}).click("calendar", ANA).startswith("Nothing is scheduled in the next 30 days")


def test_a_held_upgrade_stands_at_its_next_window(build: Build) -> None:
    """Although nobody scheduled it."""
    engine = build({"access/bind": ask}, downtime=Downtime((Window((5,), time(1), time(4), "UTC"),)))
    engine.add_upgrade(["access/bind"])
    engine.runner.turn()
    (entry,) = open_calendar(engine).list_upgrades(engine.clock.now())
    assert (entry.span.start, entry.standing) == (
        datetime(2026, 12, 5, 1, tzinfo=START.tzinfo),
        "approved up to access, waits for its time",
    )


def test_an_upgrade_without_an_end_shows_none(engine: Engine) -> None:
    """The file has an hour in its place, and says so."""
    engine.click("schedule", ANA, arguments={key: LATER[key] for key in ("date", "time", "zone")})
    (entry,) = open_calendar(engine).list_upgrades(engine.clock.now())
    assert entry.describe_span() == "2026-12-03 11:00 Asia/Seoul"
    assert "No end is set." in str(read_event(list_files(engine)[-1])["DESCRIPTION"])


@pytest.mark.parametrize("count", [1, 20, 400])
def test_a_long_calendar_fits_into_a_message(count: int) -> None:
    """And says how many lines are missing."""
    line = AgendaLine("x" * 300, START, START + timedelta(hours=3))
    titles = ("Upgrades", "Freezes", "Windows")
    blocks = draw_agenda([AgendaSection(title, (line,) * count) for title in titles], EVERYBODYS)
    assert sum(len(str(block.to_dict())) for block in blocks) < 12_000
    assert ("shows one cluster's" in str([block.to_dict() for block in blocks])) == (count > 8)


def test_moments_are_drawn_for_the_readers_zone(draw: Callable[[datetime, datetime], str]) -> None:
    """The day of the end only where it is another one."""
    start, end = START, START + timedelta(hours=3)
    assert draw(start, end) == (
        f"• <!date^{int(start.timestamp())}^{{date_short_pretty}} {{time}}|2026-12-01 02:00 UTC> – "
        f"<!date^{int(end.timestamp())}^{{time}}|2026-12-01 05:00 UTC>: text"
    )


@pytest.fixture
def draw() -> Callable[[datetime, datetime], str]:
    """The line that is drawn for a span."""

    def draw_line(start: datetime, end: datetime) -> str:
        sections = [AgendaSection("Upgrades", (AgendaLine("text", start, end),))]
        text: str = draw_agenda(sections, EVERYBODYS)[1].to_dict()["text"]["text"]
        return text.splitlines()[1]

    return draw_line
