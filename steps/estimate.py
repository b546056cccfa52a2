"""How long an upgrade takes, as a range: from what upgrades really took, else from the guide's figures."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from steps.options import Limits
from steps.release import Release
from steps.wording import describe_seconds

# Minutes: the top is at most twice the bottom.
Range: TypeAlias = tuple[float, float]

# A pod that is made, injected and ready, where nothing was measured: what makes 8 workloads at once 100 pods a minute.
GUIDE_ROUND_SECONDS = 15.0
# The first restarted workload is looked at before others follow, and each look is some seconds after the last.
LOOK_SECONDS = 2.0
MEASURED_SPREAD = (0.75, 1.5)
GUIDE_SPREAD = (1.0, 1.5)
# Access, download, preview, validation and the end, approvals not counted.
OTHER_MINUTES: Range = (3.0, 6.0)


@dataclass(frozen=True)
class Piece:
    """A workload to restart: `rounds` one after the other, each with `ready_seconds` of minReadySeconds on top."""

    pods: int
    rounds: int
    wave: str = ""
    ready_seconds: float = 0.0


@dataclass(frozen=True)
class Measured:
    """What earlier upgrades took; 0 where none did. The sources are for people: `this cluster's own`."""

    round_seconds: float = 0.0
    pods_per_minute: float = 0.0
    sidecars_source: str = ""
    control_plane_minutes: float = 0.0
    control_plane_source: str = ""


@dataclass(frozen=True)
class Forecast:
    """What is known about time when a card is drawn.

    `window_minutes` is what is left of the open window, or the length of the next; None where nothing ends it. `took`
    are minutes by phase, waiting for people not counted.
    """

    measured: Measured = field(default_factory=Measured)
    window_minutes: float | None = None
    took: Mapping[str, float] = field(default_factory=dict)


def estimate_control_plane(release: Release, measured: Measured = Measured()) -> Range:
    """Minutes for the control plane: as measured, else from the release's file (the guide: 5 to 10)."""
    if measured.control_plane_minutes:
        return _spread(measured.control_plane_minutes, MEASURED_SPREAD)
    return release.control_plane_minutes


def estimate_sidecars(
    release: Release,
    pieces: Iterable[Piece],
    limits: Limits = Limits(),  # noqa: B008 - frozen
    measured: Measured = Measured(),
) -> Range:
    """Minutes for re-injecting the pods, strategies, widths, soaks and limits counted."""
    moving = [piece for piece in pieces if piece.pods]
    if not moving:
        return (0, 0)
    if measured.round_seconds:
        return _spread(simulate(moving, limits, measured.round_seconds) / 60, MEASURED_SPREAD)
    pods = sum(piece.pods for piece in moving)
    seconds = max(simulate(moving, limits, GUIDE_ROUND_SECONDS), pods / release.pods_per_minute * 60)
    return _spread(seconds / 60, GUIDE_SPREAD)


def simulate(pieces: Sequence[Piece], limits: Limits, round_seconds: float) -> float:
    """Seconds that the pieces take where a round takes so long: the first alone, the others side by side."""
    apart = bool(limits.soak_seconds)
    waves: dict[str, list[Piece]] = {}
    for piece in pieces:
        waves.setdefault(piece.wave if apart else "", []).append(piece)
    total, first = 0.0, True
    for own in waves.values():
        total += _simulate_wave(own, limits, round_seconds, first) + limits.soak_seconds
        first = False
    pods = sum(piece.pods for piece in pieces)
    paced = pods / limits.pods_per_minute * 60 if limits.pods_per_minute else 0.0
    return max(total, paced)


def measure_round(pieces: Sequence[Piece], limits: Limits, seconds: float) -> float:
    """The round that makes the pieces take as long as they took; what `simulate` is turned round for."""
    low, high = 0.0, 3600.0
    for _ in range(40):
        middle = (low + high) / 2
        if simulate(pieces, limits, middle) < seconds:
            low = middle
        else:
            high = middle
    return high


def describe_range(minutes: Range) -> str:
    """`5–10 min`, `1 min` where both ends agree; halves below 5."""
    low, high = _round(minutes[0], up=False), _round(minutes[1], up=True)
    return f"{low:g} min" if low == high else f"{low:g}–{high:g} min"


def describe_overrun(minutes: Range, window_minutes: float | None) -> str:
    """`, will overrun the window by about 20 min`, "" where it fits."""
    if window_minutes is None or minutes[1] <= window_minutes:
        return ""
    over = math.ceil(minutes[1] - window_minutes)
    if minutes[0] <= window_minutes:
        return f"; may overrun the window by up to {over} min"
    return f"; will overrun the window by about {math.ceil(sum(minutes) / 2 - window_minutes)} min"


def describe_sidecars(
    release: Release, pieces: Sequence[Piece], limits: Limits, measured: Measured, window_minutes: float | None
) -> str:
    """The estimate on the card of the sidecars, with its source."""
    minutes = estimate_sidecars(release, pieces, limits, measured)
    source = name_sidecars_source(release, measured)
    return f"{describe_range(minutes)} ({source}){describe_overrun(minutes, window_minutes)}"


def describe_control_plane(release: Release, forecast: Forecast, ahead: Range) -> str:
    """The estimate on the card of the control plane; `ahead` is what follows it."""
    measured = forecast.measured
    minutes = estimate_control_plane(release, measured)
    source = measured.control_plane_source or "the guide"
    total = (minutes[0] + ahead[0], minutes[1] + ahead[1])
    overrun = describe_overrun(total, forecast.window_minutes)
    return f"{describe_range(minutes)} ({source}), with the sidecars {describe_range(total)}{overrun}"


def describe_estimate(
    release: Release,
    pieces: Sequence[Piece],
    limits: Limits = Limits(),  # noqa: B008 - frozen
    forecast: Forecast = Forecast(),
) -> str:
    """One sentence with each part, their sum and the source of the figures."""
    measured = forecast.measured
    plane = estimate_control_plane(release, measured)
    sidecars = estimate_sidecars(release, pieces, limits, measured)
    total = sum_ranges(plane, sidecars, OTHER_MINUTES)
    source = measured.control_plane_source or "the guide"
    pods = sum(piece.pods for piece in pieces)
    return (
        f"control plane {describe_range(plane)} ({source}), {pods} sidecars {describe_range(sidecars)} "
        f"({name_sidecars_source(release, measured)}), the rest {describe_range(OTHER_MINUTES)}: "
        f"{describe_range(total)} in all without the approvals{describe_overrun(total, forecast.window_minutes)}"
    )


def describe_outcome(estimated: Range, took: Mapping[str, float]) -> str:
    """`estimated 9–18 min, took 12 min: control plane 7 min, sidecars 2 min`."""
    telling = {name: minutes for name, minutes in took.items() if minutes >= 0.5}
    parts = ", ".join(f"{name} {describe_seconds(minutes * 60)}" for name, minutes in telling.items())
    told = f"took {describe_seconds(sum(took.values()) * 60)}" + (f": {parts}" if parts else "")
    return f"estimated {describe_range(estimated)}, {told}" if estimated[1] else told


def sum_ranges(*ranges: Range) -> Range:
    """Both ends added up."""
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def name_sidecars_source(release: Release, measured: Measured) -> str:
    """Where the pace comes from: `this cluster's own 96 pods/min`."""
    if not measured.round_seconds:
        return f"the guide's {release.pods_per_minute} pods/min"
    return f"{measured.sidecars_source} {measured.pods_per_minute:.0f} pods/min"


def _simulate_wave(pieces: Sequence[Piece], limits: Limits, round_seconds: float, first: bool) -> float:
    lasting = [piece.rounds * (round_seconds + piece.ready_seconds) + LOOK_SECONDS for piece in pieces]
    begun = 0.0
    if first and len(pieces) > 1:
        # the first pod of the smallest is checked before the others follow
        begun = round_seconds + LOOK_SECONDS
    slots = [begun] * max(1, min(limits.workloads_at_once or len(lasting), len(lasting)))
    ends = [0.0]
    for seconds in lasting:
        start = heapq.heappop(slots)
        heapq.heappush(slots, start + seconds)
        ends.append(start + seconds)
    return max(ends)


def _spread(minutes: float, share: tuple[float, float]) -> Range:
    return minutes * share[0], minutes * share[1]


def _round(minutes: float, *, up: bool) -> float:
    step = 1 if minutes >= 5 else 2
    turned = math.ceil(minutes * step) if up else math.floor(minutes * step)
    return max(turned / step, 0.5) if minutes else 0.0
