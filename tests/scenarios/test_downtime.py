"""Downtime through Slack: schedule by command and form, reminders with their buttons, held and going on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from tests.scenarios.rig import ANA, BEN, CHANNEL, DEE, Rig, World

BERLIN = "Europe/Berlin"


class DowntimeRig(Rig):
    """A rig whose reminders tick with every turn."""

    def turn(self) -> float:
        """As the bot: tick, then the rest."""
        self.bot.reminders.tick()
        return super().turn()

    def authorize(self) -> dict[str, str]:
        """The header with which the bot reads files."""
        return {"Authorization": f"Bearer {self.world.settings.slack.bot_token}"}

    def go_to(self, moment: datetime) -> None:
        """Let the time pass, a minute at a time around reminders."""
        while self.world.clock.now() < moment:
            left = (moment - self.world.clock.now()).total_seconds()
            self.pass_time(min(left, 600.0))
            self.turn()
        self.settle()


@pytest.fixture
def rig(world: World) -> Iterator[DowntimeRig]:
    """The bot in its world, connected by Socket Mode."""
    built = DowntimeRig(world)
    yield built
    built.crash()


def list_channel(rig: Rig, channel: str = CHANNEL) -> list[dict[str, Any]]:
    """The reminders in a channel."""
    rooms = {room["id"]: room for room in rig.world.state()["channels"]}
    kinds = [(m, m.get("metadata") or {}) for m in rooms[channel]["messages"]]
    return [m for m, metadata in kinds if metadata.get("event_payload", {}).get("kind") == "reminder"]


def list_direct(rig: Rig, user: str) -> list[dict[str, Any]]:
    """The reminders in a person's conversation with the bot."""
    room = f"D{user[1:]}"
    known = {found["id"] for found in rig.world.state()["channels"]}
    return list_channel(rig, room) if room in known else []


def find_element(message: dict[str, Any], action_id: str) -> dict[str, Any]:
    """An element of a message by its action id."""
    elements = [e for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]
    return next(element for element in elements if element["action_id"] == action_id)


def when(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in December 2026, UTC."""
    return datetime(2026, 12, day, hour, minute, tzinfo=UTC)


def schedule(rig: Rig, text: str = "2026-12-03 11:00 Asia/Seoul for 3h") -> str:
    """Ana schedules cluster-x and the bot prepares and asks."""
    answer = rig.command(ANA, f"schedule cluster-x {text}")
    rig.run_until(lambda: rig.bot.journal.find_open_question("cluster-x-1") is not None)
    return answer


def test_a_scheduled_upgrade_prepares_and_asks_before(rig: DowntimeRig) -> None:
    """The command is answered with the time in both zones, and the first approval stands there."""
    answer = schedule(rig)
    assert answer.startswith("Scheduled cluster-x-1 for 2026-12-03 11:00-14:00 Asia/Seoul (from <!date^1796263200^")
    assert "|2026-12-03 02:00 UTC>)." in answer


def test_an_unclear_time_is_answered_in_private(rig: DowntimeRig) -> None:
    """And nothing is started."""
    answer = rig.command(ANA, "schedule cluster-x 2027-03-28 02:30 Europe/Berlin")
    assert "02:30 does not exist" in answer
    assert rig.bot.journal.list_upgrades() == []


def test_nothing_is_changed_before_the_time_although_approved(rig: DowntimeRig) -> None:
    """What only reads is done before, up to the differences; then it goes on by itself."""
    schedule(rig)
    for asked in ("access", "download", "control-plane"):
        rig.run_until(lambda phase=asked: find_asked(rig).partition("/")[0] == phase)  # type: ignore[misc]
        rig.decide_by_code(BEN)
    rig.go_to(when(3, 1, 59))
    assert find_step(rig) == "control-plane/approve"
    rig.go_to(when(3, 2))
    rig.run_until(lambda: find_step(rig) == "control-plane/apply")


def find_step(rig: Rig) -> str:
    """Where the upgrade stands."""
    row = rig.bot.journal.find_upgrade("cluster-x-1")
    assert row
    return row.step


def find_asked(rig: Rig) -> str:
    """The step whose question is open, "" where none is."""
    question = rig.bot.journal.find_open_question("cluster-x-1")
    return question.step if question else ""


def test_the_channel_and_the_approver_are_reminded_with_buttons(rig: DowntimeRig) -> None:
    """Snooze, reschedule and cancel on each."""
    schedule(rig)
    rig.go_to(when(2, 2, 1))
    for message in (list_channel(rig)[-1], list_direct(rig, BEN)[-1]):
        for action_id in ("asm-snooze", "asm-schedule:open", "asm:abort"):
            assert find_element(message, action_id)


def test_the_start_stands_in_each_readers_own_time(rig: DowntimeRig) -> None:
    """As Slack's date format."""
    schedule(rig)
    rig.go_to(when(2, 2, 1))
    assert f"<!date^{int(when(3, 2).timestamp())}^" in list_channel(rig)[-1]["text"]


def test_a_reminder_is_snoozed_from_itself(rig: DowntimeRig) -> None:
    """It loses its buttons and comes again."""
    schedule(rig)
    rig.decide_by_code(BEN)
    rig.go_to(when(2, 2, 1))
    message = list_channel(rig)[-1]
    choice = find_element(message, "asm-snooze")["options"][3]["value"]
    rig.world.act("click", user=BEN, channel=CHANNEL, ts=message["ts"], action_id="asm-snooze", value=choice)
    rig.settle()
    rig.go_to(when(2, 3, 10))
    shown = list_channel(rig)
    assert "Snoozed for 1 h by <@U0BEN00002>" in str(next(m for m in shown if m["ts"] == message["ts"])["blocks"])
    assert len([one for one in shown if " starts in " in str(one["text"])]) == 2


def test_a_reminder_moves_its_upgrade_by_the_form(rig: DowntimeRig) -> None:
    """Filled with the time that stands, the evening before in ben's zone; a wrong one is answered at its field."""
    schedule(rig)
    rig.go_to(when(2, 2, 1))
    message = list_channel(rig)[-1]
    rig.world.act("click", user=BEN, channel=CHANNEL, ts=message["ts"], action_id="asm-schedule:open")
    view = rig.world.wait_for_form(BEN)
    wrong = rig.world.act("view-submit", user=BEN, view_id=view["id"], values={"date": {"date": "2026-12-01"}})
    assert "is past" in str(wrong)
    rig.world.act("view-submit", user=BEN, view_id=view["id"], values={"date": {"date": "2026-12-05"}})
    rig.settle()
    appointment = rig.bot.schedules.find_appointment("cluster-x-1")
    assert appointment is not None
    assert appointment.starts == when(6, 2)


def test_the_form_offers_zones_by_what_is_typed(rig: DowntimeRig) -> None:
    """A city is enough."""
    rig.world.act("command", user=ANA, channel=CHANNEL, text="/asm-upgrade schedule cluster-x")
    view = rig.world.wait_for_form(ANA)
    block = next(block for block in view["blocks"] if block.get("block_id") == "zone")
    offered = rig.world.act(
        "suggest", user=ANA, view_id=view["id"], action_id=block["element"]["action_id"], block_id="zone", value="seo"
    )
    assert "Asia/Seoul" in str(offered)


def test_a_cancelled_upgrade_is_not_reminded_of_again(rig: DowntimeRig) -> None:
    """Cancel aborts what has not begun."""
    schedule(rig)
    rig.go_to(when(2, 2, 1))
    message = list_channel(rig)[-1]
    rig.world.act("click", user=BEN, channel=CHANNEL, ts=message["ts"], action_id="asm:abort")
    view = rig.world.wait_for_form(BEN)
    rig.world.act("view-submit", user=BEN, view_id=view["id"], values={"reason": {"reason": "the shop has a sale"}})
    rig.run_until(lambda: rig.bot.journal.find_open_upgrade("cluster-x") is None)
    before = len(list_channel(rig))
    rig.go_to(when(3, 3))
    assert len(list_channel(rig)) == before


def test_windows_and_calendar_are_answered_in_private(rig: DowntimeRig) -> None:
    """Without windows that is said."""
    schedule(rig)
    assert "may be changed at any time" in rig.command(ANA, "windows")
    assert "2026-12-03 11:00-14:00 Asia/Seoul: Mesh upgrade cluster-x-1 to" in rig.command(ANA, "calendar")


@pytest.mark.parametrize(
    ("user", "text", "answer"),
    [
        (
            ANA,
            "schedule cluster-q",
            "There is no cluster `cluster-q` in clusters.toml. Did you mean `cluster-x`? Known ones: cluster-x.",
        ),
        (DEE, "schedule cluster-x", "You are not among this cluster's requesters"),
        (ANA, "schedule cluster-x 2026-12-03", "Name date and time"),
        (ANA, "schedule cluster-x 2026-12-03 11:00 KST", "`KST` is an abbreviation"),
        (ANA, "schedule cluster-x 2026-11-03 11:00 Asia/Seoul", "is past; now it is"),
    ],
)
def test_what_cannot_be_scheduled_is_answered_at_once(rig: DowntimeRig, user: str, text: str, answer: str) -> None:
    """Without a form, and nothing is started."""
    assert answer in rig.command(user, text)
    assert rig.world.state()["views"].get(user, []) == []
    assert rig.bot.journal.list_upgrades() == []


def test_the_only_cluster_needs_no_name(rig: DowntimeRig) -> None:
    """The form is opened for it."""
    rig.world.act("command", user=ANA, channel=CHANNEL, text="/asm-upgrade schedule")
    assert "cluster-x" in str(rig.world.wait_for_form(ANA)["blocks"][0])


def test_who_may_not_schedule_gets_no_form_from_a_reminder(rig: DowntimeRig) -> None:
    """Dee is told why."""
    schedule(rig)
    rig.go_to(when(2, 2, 1))
    ts = list_channel(rig)[-1]["ts"]
    rig.world.act("click", user=DEE, channel=CHANNEL, ts=ts, action_id="asm-schedule:open")
    rig.run_until(lambda: bool(rig.private(DEE)))
    assert "You are none of those who may act on this cluster" in rig.private(DEE)[-1]["text"]


def test_the_form_names_both_moments_of_a_time_that_comes_twice(rig: DowntimeRig) -> None:
    """At its field, whole."""
    rig.world.act("command", user=ANA, channel=CHANNEL, text="/asm-upgrade schedule cluster-x")
    view = rig.world.wait_for_form(ANA)
    answer = rig.world.act(
        "view-submit",
        user=ANA,
        view_id=view["id"],
        values={"date": {"date": "2027-10-31"}, "time": {"time": "02:30"}, "zone": {"asm-schedule:zone": BERLIN}},
    )
    assert "2027-10-31 00:30 UTC is the first, 2027-10-31 01:30 UTC the second." in str(answer)


def test_the_calendar_shows_each_readers_own_time(rig: DowntimeRig) -> None:
    """In the private answer, as blocks with Slack's date format."""
    schedule(rig)
    rig.command(ANA, "calendar")
    assert f"<!date^{int(when(3, 2).timestamp())}^" in str(rig.private(ANA)[-1]["blocks"])


def test_the_home_tab_shows_the_calendar(rig: DowntimeRig) -> None:
    """Of the whole fleet, to whoever opens it."""
    schedule(rig)
    rig.world.act("home", user=BEN)
    rig.world.wait_for("home", lambda state: state["homes"].get(BEN), rig.bot.home_tabs.turn)
    rig.run_until(lambda: rig.bot.home_tabs.turn() is None)
    home = str(rig.world.state()["homes"][BEN])
    assert "The next 30 days" in home
    assert "Mesh upgrade cluster-x-1" in home


def test_the_thread_holds_a_calendar_file(rig: DowntimeRig) -> None:
    """It arrives as it was written, and again when the upgrade is moved."""
    schedule(rig)
    rig.command(ANA, "schedule cluster-x 2026-12-05 11:00 Asia/Seoul for 3h")
    rig.run_until(lambda: len(list_calendar_files(rig)) == 2)
    texts = list_calendar_files(rig)
    events: list[Any] = [Calendar.from_ical(text.decode()).walk("VEVENT")[0] for text in texts]
    assert [event["DTSTART"].dt for event in events] == [when(3, 2), when(5, 2)]
    assert texts[-1].endswith(b"END:VCALENDAR\r\n")


def list_calendar_files(rig: DowntimeRig) -> list[bytes]:
    """The calendar files in the thread as they can be downloaded."""
    files = [file for message in rig.world.messages() for file in message.get("files", [])]
    found = [file["url_private"] for file in files if file["name"].endswith(".ics")]
    return [rig.world.page.download(url, rig.authorize()) for url in found]


@pytest.mark.slow
def test_a_window_that_closes_while_sidecars_move_is_respected_and_extended(rig: DowntimeRig) -> None:
    """What is in flight lands, then a person extends with a reason, and the upgrade ends whole."""
    schedule(rig, "2026-12-01 02:20 UTC for 25m")
    rig.go_to(when(1, 2, 20))
    while standing(rig) != "sidecars/approve":
        rig.run_until(lambda: rig._stands_still("cluster-x"))
        if standing(rig) != "sidecars/approve":
            rig.decide_by_code(BEN)
            rig.settle()
    rig.go_to(when(1, 2, 44))
    rig.world.clock.advance(57)
    rig.decide_by_code(BEN)
    rig.run_until(lambda: "is over" in rig.bot.journal.find_upgrade("cluster-x-1").sentence)  # type: ignore[union-attr]
    answer = rig.command(BEN, "extend cluster-x 1h almost done")
    assert answer.startswith("cluster-x-1 may act until")
    rig.upgrade_all(BEN)
    counts = rig.bot.journal.count_ledger("cluster-x-1")
    assert set(counts) == {"upgraded", "manual"}


def standing(rig: Rig) -> str:
    """The step at which the upgrade stands."""
    row = rig.bot.journal.find_upgrade("cluster-x-1")
    return row.step if row else ""
