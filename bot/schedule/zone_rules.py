"""An appointment is a local time: where the rules of its zone have moved since, that is told, with how to move it."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import Clock, Interval
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from bot.schedule.tables import Schedules, Wall
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import mention
from bot.windows.appointments import Appointment, write_length, write_wall

BETWEEN = timedelta(hours=1)


class ZoneRules:
    """Looks every hour at what is scheduled; a change is told once, and nothing is moved but by a person."""

    def __init__(self, journal: Journal, schedules: Schedules, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._schedules = schedules
        self._chronicle = chronicle
        self._clock = clock
        self._interval = Interval(BETWEEN, clock)

    def turn(self) -> None:
        """Look once, unless that was a moment ago."""
        if not self._interval.begin():
            return
        for row in self._journal.list_open_upgrades():
            appointment = self._schedules.find_appointment(row.id)
            if appointment and appointment.starts > self._clock.now():
                self._look(row, appointment)

    def _look(self, row: UpgradeRow, appointment: Appointment) -> None:
        wall, now_there = self._schedules.find_wall(row.id), write_wall(appointment.starts, appointment.zone)
        if wall.shown == now_there:
            return
        with self._journal.transact():
            self._schedules.note_shown(row.id, now_there)
            # what an earlier version scheduled is held to its rules of today
            if wall.written and wall.written != now_there:
                self._chronicle.tell(row, describe_move(row, appointment, wall), self._clock.now())


def describe_move(row: UpgradeRow, appointment: Appointment, wall: Wall) -> str:
    """What people meant, what it is by now, and the command that moves it."""
    zone, there = appointment.zone, write_wall(appointment.starts, appointment.zone)
    length = f" for {write_length(appointment.ends - appointment.starts)}" if appointment.ends else ""
    return (
        f"the rules of {zone} have changed: {row.id} was scheduled for {wall.written} there, and that moment, "
        f"{appointment.starts:%Y-%m-%d %H:%M} UTC, is {there} now. Nothing was moved; "
        f"`/asm-upgrade schedule {row.cluster} {wall.written} {zone}{length}` keeps the local time. {mention(wall.by)}"
    )
