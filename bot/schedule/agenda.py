"""The next 30 days in sections, as people read them: what is planned, what is frozen, what the windows are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.journal.bodies import AgendaLine, AgendaSection
from bot.schedule.calendar import CalendarEntry
from bot.settings.clusters import Cluster
from bot.windows.appointments import choose_zone, write_span
from bot.windows.downtime import Span

LISTED = timedelta(days=14)
OPENINGS_SHOWN = 5
NOTHING = "Nothing is scheduled in the next 30 days, and no cluster has windows or freezes."


@dataclass(frozen=True)
class SpanLine:
    """`text` with the span that it is about, where there is one; `in_words` is the same span in a zone's time."""

    text: str
    span: Span | None = None
    has_end: bool = True
    in_words: str = ""


@dataclass(frozen=True)
class SpanSection:
    """A heading and its lines."""

    title: str
    lines: tuple[SpanLine, ...]


def build_agenda(
    upgrades: Sequence[CalendarEntry], downtime: Sequence[CalendarEntry], clusters: Mapping[str, Cluster]
) -> tuple[SpanSection, ...]:
    """The sections that have something in them."""
    freezes = [entry for entry in downtime if entry.kind == "freeze"]
    sections = (
        SpanSection("Upgrades", tuple(_line(one, f"{one.title}, {one.standing}") for one in upgrades)),
        SpanSection("Freezes", tuple(_line(one, one.title) for one in freezes)),
        SpanSection("Windows", tuple(_list_windows(downtime, clusters))),
    )
    return tuple(section for section in sections if section.lines)


def write_agenda(sections: Iterable[SpanSection]) -> str:
    """The agenda in plain words, times in the zones in which they were set."""
    parts = [line for section in sections for line in _write_section(section)]
    return "\n".join(["*The next 30 days*", *parts]) if parts else NOTHING


def show_agenda(sections: Iterable[SpanSection]) -> tuple[AgendaSection, ...]:
    """The sections as a message or a Home tab shows them, each moment in the reader's own time."""
    return tuple(AgendaSection(section.title, tuple(map(_show_line, section.lines))) for section in sections)


def _show_line(line: SpanLine) -> AgendaLine:
    if line.span is None:
        return AgendaLine(line.text)
    return AgendaLine(line.text, line.span.start, line.span.end if line.has_end else None)


def _write_section(section: SpanSection) -> list[str]:
    lines = [f"• {line.in_words}: {line.text}" if line.in_words else f"• {line.text}" for line in section.lines]
    return [f"*{section.title}*", *lines]


def _line(entry: CalendarEntry, text: str) -> SpanLine:
    return SpanLine(text, entry.span, entry.has_end, entry.describe_span())


def _list_windows(downtime: Sequence[CalendarEntry], clusters: Mapping[str, Cluster]) -> Iterable[SpanLine]:
    """One line per cluster with its rules and next opening; those without windows share one."""
    following: dict[str, CalendarEntry] = {}
    for entry in downtime:
        if entry.kind == "window":
            following.setdefault(entry.cluster, entry)
    for key, cluster in clusters.items():
        rules = " and ".join(window.describe() for window in cluster.downtime.windows)
        opening = following.get(key)
        if rules:
            yield _line(opening, f"next of {key}, {rules}") if opening else SpanLine(f"none of {key} opens, {rules}")
    free = [key for key, cluster in clusters.items() if not cluster.downtime.windows]
    if free and (len(free) < len(clusters) or any(clusters[key].downtime.freezes for key in free)):
        yield SpanLine(f"at any time: {', '.join(free)}")


def describe_windows(cluster: Cluster, now: datetime) -> Sequence[str]:
    """The windows of one cluster in lines."""
    downtime = cluster.downtime
    if not downtime.windows and not downtime.freezes:
        return [f"*{cluster.key}* may be changed at any time: clusters.toml sets no windows and no freezes."]
    zone = choose_zone(downtime, None)
    lines = [f"*{cluster.key}*"]
    lines += [f"• window: {window.describe()}" for window in downtime.windows] or ["• no windows: any time"]
    lines += [f"• freeze: {freeze.describe()}" for freeze in downtime.freezes if freeze.span.end > now]
    openings = downtime.list_openings(now, now + LISTED)[:OPENINGS_SHOWN]
    if downtime.windows:
        shown = "; ".join(write_span(span.start, span.end, zone) for span in openings)
        lines.append(f"• next: {shown or 'none within two weeks'}")
    return lines
