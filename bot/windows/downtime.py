"""When a cluster may be changed: recurring windows, freezes, and what both come to in UTC. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
# A window that opens in none of the coming days is never found; a year holds every weekday and clock change.
HORIZON = timedelta(days=370)


@dataclass(frozen=True, order=True)
class Span:
    """From `start` up to, but without, `end`; both UTC."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in the span."""
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Window:
    """A window that recurs on weekdays (0 is Monday); it closes on the next day where `closes` is not after `opens`."""

    days: tuple[int, ...]
    opens: time
    closes: time
    zone: str

    def describe(self) -> str:
        """`mon, tue 22:00-04:00 Europe/Berlin`."""
        days = "every day" if len(self.days) == len(DAYS) else ", ".join(DAYS[day] for day in self.days)
        return f"{days} {self.opens:%H:%M}-{self.closes:%H:%M} {self.zone}"

    def find_span(self, day: date) -> Span | None:
        """The window that opens on this day, None where there is none.

        Where a clock change makes an end mean two moments, or none, the part is taken that every reading agrees on.
        """
        if day.weekday() not in self.days:
            return None
        last = day if self.closes > self.opens else day + DAY
        start = max(_read_both(day, self.opens, self.zone))
        end = min(_read_both(last, self.closes, self.zone))
        return Span(start, end) if start < end else None


@dataclass(frozen=True)
class Freeze:
    """Days on which nothing is changed, from the first to the last of them, in a zone."""

    first: date
    last: date
    zone: str
    reason: str

    @property
    def span(self) -> Span:
        """From the first midnight to the one after the last day, the longest that every reading of them gives."""
        start = min(_read_both(self.first, time(), self.zone))
        return Span(start, max(_read_both(self.last + DAY, time(), self.zone)))

    def describe(self) -> str:
        """`2026-12-20 to 2027-01-03 Europe/Berlin: year end`."""
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{days} {self.zone}: {self.reason}"


@dataclass(frozen=True)
class Downtime:
    """What a cluster's team has set: windows (none means always), freezes, and when people are reminded.

    `leads` are the times before an upgrade's window; `repeats` those after an approval was asked for.
    """

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    leads: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=1), timedelta(minutes=10))
    repeats: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=12))

    def find_freeze(self, moment: datetime) -> Freeze | None:
        """The freeze in force at a moment, the one that lasts longest where there are several."""
        held = [freeze for freeze in self.freezes if freeze.span.holds(moment)]
        return max(held, key=lambda freeze: freeze.span.end, default=None)

    def list_openings(self, start: datetime, end: datetime) -> list[Span]:
        """The spans between two moments in which the cluster may be changed, in order, joined where they touch."""
        spans = [Span(start, end)] if not self.windows else list(self._list_window_spans(start, end))
        return cut_spans(join_spans(spans), [freeze.span for freeze in self.freezes])

    def find_opening(self, now: datetime, shortest: timedelta = timedelta()) -> Span | None:
        """The opening that holds now, or the next one, that has `shortest` left; None within a year."""
        for days in (8, HORIZON.days):
            for span in self.list_openings(now, now + timedelta(days=days)):
                # the search's own end is no end of an opening
                if span.end - max(span.start, now) >= max(shortest, timedelta(microseconds=1)) and (
                    days == HORIZON.days or span.end < now + timedelta(days=days)
                ):
                    return span
        return None

    def _list_window_spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        for window in self.windows:
            day = (start - 2 * DAY).date()
            while day <= (end + DAY).date():
                span = window.find_span(day)
                if span and span.end > start and span.start < end:
                    yield span
                day += DAY


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, with those that overlap or touch made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def cut_spans(spans: Iterable[Span], without: Iterable[Span]) -> list[Span]:
    """What is left of the spans outside of others."""
    left = list(spans)
    for hole in without:
        left = [
            part
            for span in left
            for part in (Span(span.start, min(span.end, hole.start)), Span(max(span.start, hole.end), span.end))
            if part.start < part.end
        ]
    return sorted(left)


def find_moments(day: date, at: time, zone: str) -> tuple[datetime, ...]:
    """What a local time means in UTC: one moment, two where clocks are put back over it, none where they skip it."""
    local = datetime.combine(day, at)
    known = {moment for moment in _read_both(day, at, zone) if _show(moment, zone) == local}
    return tuple(sorted(known))


def find_clock_change(day: date, at: time, zone: str) -> tuple[datetime, datetime]:
    """The clock change that makes a local time skipped or doubled: what clocks show before and after it."""
    first, second = sorted(_read_both(day, at, zone))
    low, high = first - DAY / 8, second + DAY / 8
    offset = low.astimezone(ZoneInfo(zone)).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(ZoneInfo(zone)).utcoffset() == offset:
            low = middle
        else:
            high = middle
    moment = high.replace(microsecond=0)
    return _show(moment - timedelta(minutes=1), zone) + timedelta(minutes=1), _show(moment, zone)


def _show(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def _read_both(day: date, at: time, zone: str) -> tuple[datetime, datetime]:
    """Both readings of a local time; they differ only at a clock change."""
    local = datetime.combine(day, at, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
