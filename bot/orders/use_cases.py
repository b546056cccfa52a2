"""Which use case obeys which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

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
    ReadLog,
    ReadOrder,
    ReadStatus,
    ReadWindows,
    Relocate,
    Resume,
    Retry,
    Rollback,
    Schedule,
    Snooze,
    Start,
)
from bot.journal.bodies import Line, ThreadPlace
from bot.journal.outbox import OutboxView
from bot.orders.cards import CardCopy
from bot.orders.controls import Controls, Rollbacks
from bot.orders.decisions import Decisions
from bot.orders.fleet import Fleet, History
from bot.orders.scheduling import Scheduling
from bot.orders.starts import Starts
from bot.orders.targets import Refusal, Targets
from bot.orders.timetable import Timetable
from bot.schedule.agenda import SpanSection, write_agenda
from bot.telling.logs import read_lines
from steps.contract.wording import count_things


@dataclass(frozen=True)
class Log:
    """All that was told of an upgrade, with a sentence that names it."""

    text: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Logs:
    """The logs of all upgrades."""

    targets: Targets
    outbox: OutboxView

    def read_log(self, order: ReadLog) -> Log:
        """All that was told of an upgrade, or of the latest one of a cluster."""
        row = self.targets.find_latest(order.target)
        lines = read_lines(self.outbox, row.id)
        return Log(f"The log of {row.id} to {row.release}, {count_things(len(lines), 'line')}:", lines)


Told: TypeAlias = str | tuple[SpanSection, ...] | CardCopy | Log | History


@dataclass(frozen=True)
class Answer:
    """What is told to the person: a text, the agenda or log that was asked for, a copy of a card that is to be read.

    `threads` are those of the upgrades that it tells of.
    """

    text: str
    agenda: tuple[SpanSection, ...] = ()
    copy: CardCopy | None = None
    log: tuple[Line, ...] = ()
    threads: tuple[ThreadPlace, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The orders that only read."""

    timetable: Timetable
    fleet: Fleet
    logs: Logs

    def read(self, order: ReadOrder, by: str) -> Told:
        """What the person wants to know."""
        match order:
            case ReadWindows():
                return self.timetable.describe_windows(order.target)
            case ReadCalendar():
                return self.timetable.read_agenda(order.target)
            case ReadStatus():
                return self.fleet.describe(order, by)
            case ReadHistory():
                return self.fleet.read_history(order)
            case ReadLog():
                return self.logs.read_log(order)
            case ReadHelp():
                return ""
            case _:
                assert_never(order)


@dataclass(frozen=True)
class UseCases:
    """All of them; each joins the transaction of whoever brings an order."""

    starts: Starts
    rollbacks: Rollbacks
    decisions: Decisions
    controls: Controls
    scheduling: Scheduling
    answers: Answers

    def obey(self, order: Order, by: str, received_at: datetime) -> Answer:
        """Do what a person ordered at that time, or say why not."""
        try:
            told = self._obey(order, by, received_at)
        except Refusal as refusal:
            return Answer(str(refusal))
        match told:
            case str():
                return Answer(told)
            case Log():
                return Answer(told.text, log=told.lines)
            case History():
                return Answer(told.text, threads=told.threads)
            case CardCopy():
                return Answer(told.text, copy=told)
            case _:
                return Answer(write_agenda(told), told)

    def _obey(self, order: Order, by: str, received_at: datetime) -> Told:
        match order:
            case Start():
                return self.starts.start(order, by)
            case Rollback():
                return self.rollbacks.roll_back(order, by, received_at)
            case Approve() | Deny() | Decide() | BreakGlass():
                return self.decisions.decide(order, by, received_at)
            case Pause() | Resume() | Retry() | Abort() | Relocate():
                return self.controls.control(order, by)
            case Schedule() | Extend() | Snooze():
                return self.scheduling.settle(order, by, self.starts.start)
            case ReadWindows() | ReadCalendar() | ReadStatus() | ReadHistory() | ReadLog() | ReadHelp():
                return self.answers.read(order, by)
            case _:
                assert_never(order)
