"""Which use case obeys which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.clicks.orders import (
    Abort,
    Approve,
    BreakGlass,
    Decide,
    Deny,
    Extend,
    Order,
    Pause,
    ReadCalendar,
    ReadHelp,
    ReadHistory,
    ReadStatus,
    ReadWindows,
    Resume,
    Retry,
    Rollback,
    Schedule,
    Snooze,
    Start,
)
from bot.orders.cards import CardCopy
from bot.orders.controls import Controls, Rollbacks
from bot.orders.decisions import Decisions
from bot.orders.fleet import Fleet
from bot.orders.scheduling import Scheduling
from bot.orders.starts import Starts
from bot.orders.targets import Refusal
from bot.orders.timetable import Timetable
from bot.schedule.agenda import Section, write_agenda


@dataclass(frozen=True)
class Answer:
    """What is told to the person: a text, an agenda where one was asked for, a copy of a card that is to be read."""

    text: str
    agenda: tuple[Section, ...] = ()
    copy: CardCopy | None = None


@dataclass(frozen=True)
class UseCases:
    """All of them; each joins the transaction of whoever brings an order."""

    starts: Starts
    rollbacks: Rollbacks
    decisions: Decisions
    controls: Controls
    scheduling: Scheduling
    timetable: Timetable
    fleet: Fleet

    def obey(self, order: Order, by: str, received_at: datetime) -> Answer:
        """Do what a person ordered at that time, or say why not."""
        try:
            told = self._obey(order, by, received_at)
        except Refusal as refusal:
            return Answer(str(refusal))
        match told:
            case str():
                return Answer(told)
            case CardCopy():
                return Answer(told.text, copy=told)
            case _:
                return Answer(write_agenda(told), told)

    def _obey(self, order: Order, by: str, received_at: datetime) -> str | tuple[Section, ...] | CardCopy:
        match order:
            case Start():
                return self.starts.start(order, by)
            case Rollback():
                return self.rollbacks.roll_back(order, by, received_at)
            case Approve() | Deny() | Decide() | BreakGlass():
                return self.decisions.decide(order, by, received_at)
            case Pause() | Resume() | Retry() | Abort():
                return self.controls.control(order, by)
            case Schedule() | Extend() | Snooze():
                return self.scheduling.settle(order, by, self.starts.start)
            case ReadWindows():
                return self.timetable.describe_windows(order.target)
            case ReadCalendar():
                return self.timetable.read_agenda(order.target)
            case ReadStatus() | ReadHistory():
                return self.fleet.describe(order, by)
            case ReadHelp():
                return ""
            case _:
                assert_never(order)
