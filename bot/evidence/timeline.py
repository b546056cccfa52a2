"""An upgrade over time as a picture: its phases, where it waited for people, and the pods that were sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import drawsvg

from bot.evidence.record import CallMade, ChangeRecord, find_open_time
from bot.telling.views import PhaseView, list_phases
from steps.plan import name_phases

WIDTH, LEFT, RIGHT = 960, 120, 24
LANE, BAR, TOP, AXIS = 26, 16, 12, 26
CURVE = 110
WORK, WAIT, LINE, INK, FAINT = "#2f6fb7", "#e3a23b", "#2b8a57", "#1d1c1d", "#d9d9de"
# Between two marks on the axis; the first that leaves at most this many.
MOST_MARKS = 8
MARKS = tuple(
    timedelta(seconds=s) for s in (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 604800)
)


@dataclass(frozen=True)
class Scale:
    """Where a moment stands from left to right."""

    begin: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """The x of a moment; one outside the scale is put at its edge."""
        whole = max((self.end - self.begin).total_seconds(), 1.0)
        part = min(max((at - self.begin).total_seconds() / whole, 0.0), 1.0)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)


def draw_timeline(record: ChangeRecord) -> str:
    """The picture as SVG, 960 wide; texts of others are escaped by the library."""
    phases = [phase for phase in list_phases(record.upgrade, list(record.steps)) if phase.started_at]
    scale = Scale(record.upgrade.created_at, record.ended_at)
    curve_top = TOP + LANE * len(phases)
    bottom = curve_top + CURVE
    drawing = drawsvg.Drawing(WIDTH, bottom + AXIS, font_family="system-ui, sans-serif")
    _draw_axis(drawing, scale, bottom)
    for number, phase in enumerate(phases):
        _draw_phase(drawing, scale, phase, TOP + LANE * number, record)
    _draw_curve(drawing, scale, count_moves(record), curve_top, bottom)
    return str(drawing.as_svg(header=""))


def _draw_axis(drawing: drawsvg.Drawing, scale: Scale, bottom: float) -> None:
    for mark in list_marks(scale):
        x = scale.place(mark)
        drawing.append(drawsvg.Line(x, TOP, x, bottom, stroke=FAINT))
        words = f"{mark:%H:%M:%S}" if scale.end - scale.begin < timedelta(hours=1) else f"{mark:%d %b %H:%M}"
        drawing.append(drawsvg.Text(words, 11, x, bottom + 16, text_anchor="middle", fill=INK))


def list_marks(scale: Scale) -> list[datetime]:
    """Round times for the axis, at most eight."""
    span = scale.end - scale.begin
    pace = next((pace for pace in MARKS if span <= pace * MOST_MARKS), span)
    first = scale.begin.timestamp() // pace.total_seconds() + 1
    found = datetime.fromtimestamp(first * pace.total_seconds(), scale.begin.tzinfo)
    marks: list[datetime] = []
    while found <= scale.end and len(marks) < MOST_MARKS:
        marks.append(found)
        found += pace
    return marks


def _draw_phase(drawing: drawsvg.Drawing, scale: Scale, phase: PhaseView, y: float, record: ChangeRecord) -> None:
    drawing.append(drawsvg.Text(phase.title, 12, LEFT - 10, y + 12, text_anchor="end", fill=INK))
    begun = phase.started_at or scale.begin
    _draw_bar(drawing, scale, (begun, phase.ended_at or scale.end), y, WORK, phase.title)
    shown = name_phases(record.upgrade.plan)
    for asked in record.questions:
        if shown.get(asked.question.step) == phase.name:
            wait = find_open_time(record, asked.question)
            _draw_bar(drawing, scale, wait, y, WAIT, f"waited for people: {asked.question.question}")


def _draw_bar(
    drawing: drawsvg.Drawing, scale: Scale, span: tuple[datetime, datetime], y: float, colour: str, title: str
) -> None:
    x, end = scale.place(span[0]), scale.place(span[1])
    bar = drawsvg.Rectangle(x, y, max(end - x, 1.5), BAR, fill=colour, rx=2)
    bar.append_title(title)
    drawing.append(bar)


def _draw_curve(
    drawing: drawsvg.Drawing, scale: Scale, moves: Sequence[tuple[datetime, int]], top: float, bottom: float
) -> None:
    drawing.append(drawsvg.Text("Pods sent", 12, LEFT - 10, top + 24, text_anchor="end", fill=INK))
    drawing.append(drawsvg.Line(LEFT, bottom, WIDTH - RIGHT, bottom, stroke=INK))
    if not moves:
        drawing.append(drawsvg.Text("none", 12, LEFT - 10, bottom - 4, text_anchor="end", fill=INK))
        return
    most, height = moves[-1][1], bottom - top - 24
    path = drawsvg.Path(stroke=LINE, stroke_width=2, fill="none")
    path.M(scale.place(moves[0][0]), bottom)
    for at, count in moves:
        path.H(scale.place(at)).V(round(bottom - height * count / most, 1))
    path.H(WIDTH - RIGHT)
    drawing.append(path)
    drawing.append(drawsvg.Text(str(most), 12, WIDTH - RIGHT, top + 18, text_anchor="end", fill=LINE))


def count_moves(record: ChangeRecord) -> list[tuple[datetime, int]]:
    """Each moment at which pods were sent for a new sidecar, with how many had been sent by then.

    Only pods that have it in the end count: a restart sends all pods of its workload, an eviction sends one.
    """
    places = _list_places(record)
    sent: set[str] = set()
    moves: list[tuple[datetime, int]] = []
    for call in record.calls:
        if born := places.get(_name_place(call), frozenset()) - sent:
            sent |= born
            moves.append((call.at, len(sent)))
    return moves


def _list_places(record: ChangeRecord) -> Mapping[str, frozenset[str]]:
    """The upgraded pods' uids, by their workload and by their own name."""
    places: dict[str, set[str]] = defaultdict(set)
    for entry in record.ledger:
        if entry.state == "upgraded":
            places[entry.workload].add(entry.uid)
            places[f"{entry.namespace} {entry.pod}"].add(entry.uid)
    return {place: frozenset(uids) for place, uids in places.items()}


def _name_place(call: CallMade) -> str:
    if call.result != "accepted":
        return ""
    match call.did:
        case "restart workload":
            return call.to.partition(" ")[0]
        case "evict pod":
            return " ".join(call.to.split(" ")[:2])
        case _:
            return ""
