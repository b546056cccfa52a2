"""How long an upgrade takes, as a range: from what upgrades really took, else from the guide's figures."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from steps.contract.forecast import Forecast, Measured
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.release import Release
from steps.contract.wording import describe_seconds, name_phase

# Minutes: the top is at most twice the bottom.
Range: TypeAlias = tuple[float, float]

# A pod that is made, injected and ready, where nothing was measured: what makes 8 workloads at once 100 pods a minute.
GUIDE_ROUND_SECONDS = 15.0
# The first restarted workload is looked at before others follow, and each look is some seconds after the last.
LOOK_SECONDS = 2.0
# So far a limit in pods a minute may be overdrawn.
SLACK_SECONDS = 15.0
MEASURED_SPREAD = (0.7, 1.3)
GUIDE_SPREAD = (0.7, 1.35)
SEEN_SPREAD = (0.8, 1.25)
# Minutes are told in tenths below 2, in halves below 10: finer would claim more than is known.
TENTHS_BELOW, HALVES_BELOW = 2.0, 10.0
# Access, download, preview, validation and the end, approvals not counted.
OTHER_MINUTES: Range = (3.0, 6.0)


@dataclass(frozen=True)
class Piece:
    """A workload to restart: `rounds` one after the other, each with `ready_seconds` of minReadySeconds on top.

    A canary is over before anything else begins, whether waves are kept apart or not.
    """

    pods: int
    rounds: float
    wave: str = ""
    ready_seconds: float = 0.0
    canary: bool = False


def estimate_control_plane(release: Release, measured: Measured = Measured(), nodes: int = 0) -> Range:
    """Minutes for the control plane: as measured, else from the release's file (the guide: 5 to 10).

    The node agent is replaced on one node after the other (its DaemonSet's maxUnavailable is 1), so many nodes take
    longer than either.
    """
    if measured.control_plane_minutes:
        grown = nodes / measured.control_plane_nodes if measured.control_plane_nodes else 1.0
        return _spread(measured.control_plane_minutes * max(1.0, grown), MEASURED_SPREAD)
    by_nodes = _spread(nodes * GUIDE_ROUND_SECONDS / 60, GUIDE_SPREAD)
    low, high = release.control_plane_minutes
    return max(low, by_nodes[0]), max(high, by_nodes[1])


def estimate_sidecars(
    release: Release,
    pieces: Iterable[Piece],
    options: UpgradeOptions = UpgradeOptions(),
    measured: Measured = Measured(),
) -> Range:
    """Minutes for re-injecting the pods, strategies, widths, soaks and limits counted."""
    moving = [piece for piece in pieces if piece.pods]
    if not moving:
        return (0, 0)
    if measured.round_seconds:
        return _simulate_range(moving, options, measured.round_seconds, MEASURED_SPREAD)
    low, high = _simulate_range(moving, options, GUIDE_ROUND_SECONDS, GUIDE_SPREAD)
    paced = _spread(sum(piece.pods for piece in moving) / release.pods_per_minute, GUIDE_SPREAD)
    return max(low, paced[0]), max(high, paced[1])


def estimate_left(
    release: Release, pieces: Iterable[Piece], options: UpgradeOptions, measured: Measured, seen_seconds: float
) -> Range:
    """Minutes for what is left of a begun phase, by the round seen in it so far; as before where none was seen (0)."""
    moving = [piece for piece in pieces if piece.pods]
    if not moving or not seen_seconds:
        return estimate_sidecars(release, moving, options, measured)
    return _simulate_range(moving, options, seen_seconds, SEEN_SPREAD, begun=True)


def simulate(pieces: Sequence[Piece], options: UpgradeOptions, round_seconds: float, *, begun: bool = False) -> float:
    """Seconds that the pieces take where a round takes so long: the first alone, the others side by side."""
    waves: dict[str, list[Piece]] = {}
    for piece in pieces:
        waves.setdefault(piece.wave if options.keeps_waves_apart or piece.canary else "", []).append(piece)
    at, moved = 0.0, 0
    for own in waves.values():
        # the first pod of the smallest is checked before the others follow
        alone = not begun and not moved and len(own) > 1
        at = _simulate_wave(own, options.limits, round_seconds, at + alone * (round_seconds + LOOK_SECONDS), moved)
        canary = any(piece.canary for piece in own) and not begun
        at += max(options.limits.soak_seconds, options.canary_soak_seconds if canary else 0.0)
        moved += sum(piece.pods for piece in own)
    return at


def state_range(minutes: Range) -> Range:
    """The range as people are told it: rounded outwards, and still with a top of at most twice its bottom."""
    high = _round(minutes[1], math.ceil)
    low = max(_round(minutes[0], math.floor), _round(high / 2, math.ceil))
    return low, high


def describe_range(minutes: Range) -> str:
    """`5–10 min`, `about 1 min` where both ends agree, `12–24 s` where it begins below a minute."""
    low, high = state_range(minutes)
    if 0 < low < 1:
        return f"{low * 60:.0f}–{high * 60:.0f} s" if low < high else f"about {low * 60:.0f} s"
    return f"about {low:g} min" if low == high else f"{low:g}–{high:g} min"


def describe_overrun(minutes: Range, window_minutes: float | None) -> str:
    """`, will overrun the window by about 20 min`, "" where it fits."""
    if window_minutes is None or minutes[1] <= window_minutes:
        return ""
    over = math.ceil(minutes[1] - window_minutes)
    if minutes[0] <= window_minutes:
        return f"; may overrun the window by up to {over} min"
    return f"; will overrun the window by about {math.ceil(sum(minutes) / 2 - window_minutes)} min"


def describe_sidecars(release: Release, pieces: Sequence[Piece], options: UpgradeOptions, forecast: Forecast) -> str:
    """The estimate on the card of the sidecars, with its source."""
    minutes = estimate_sidecars(release, pieces, options, forecast.measured)
    source = name_sidecars_source(release, forecast.measured)
    return f"{describe_range(minutes)} ({source}){describe_overrun(minutes, forecast.window_minutes)}"


def describe_control_plane(release: Release, forecast: Forecast, ahead: Range) -> str:
    """The estimate on the card of the control plane; `ahead` is what follows it."""
    measured = forecast.measured
    minutes = estimate_control_plane(release, measured, forecast.nodes)
    source = measured.control_plane_source or "the guide"
    total = (minutes[0] + ahead[0], minutes[1] + ahead[1])
    overrun = describe_overrun(total, forecast.window_minutes)
    return f"{describe_range(minutes)} ({source}), with the sidecars {describe_range(total)}{overrun}"


def describe_estimate(
    release: Release,
    pieces: Sequence[Piece],
    options: UpgradeOptions = UpgradeOptions(),
    forecast: Forecast = Forecast(),
) -> str:
    """One sentence with each part, their sum and the source of the figures."""
    measured = forecast.measured
    plane = estimate_control_plane(release, measured, forecast.nodes)
    sidecars = estimate_sidecars(release, pieces, options, measured)
    total = sum_ranges(plane, sidecars, OTHER_MINUTES)
    source = measured.control_plane_source or "the guide"
    pods = sum(piece.pods for piece in pieces)
    return (
        f"control plane {describe_range(plane)} ({source}), {pods} sidecars {describe_range(sidecars)} "
        f"({name_sidecars_source(release, measured)}), the rest {describe_range(OTHER_MINUTES)}: "
        f"{describe_range(total)} in all without the approvals{describe_overrun(total, forecast.window_minutes)}"
    )


def compare_estimate(estimated: Range, took: Mapping[str, float]) -> str:
    """`estimated 9–18 min, took 12 min: control plane 7 min, sidecars 2 min`."""
    telling = {name: minutes for name, minutes in took.items() if minutes >= 0.5}
    parts = ", ".join(f"{name_phase(name)} {describe_seconds(minutes * 60)}" for name, minutes in telling.items())
    told = f"took {describe_seconds(sum(took.values()) * 60)}" + (f": {parts}" if parts else "")
    return f"estimated {describe_range(estimated)}, {told}" if estimated[1] else told


def sum_ranges(*ranges: Range) -> Range:
    """Both ends added up."""
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def name_sidecars_source(release: Release, measured: Measured) -> str:
    """Where the pace comes from: `this cluster's own 96 pods/min`."""
    if not measured.round_seconds:
        return f"the guide's {release.pods_per_minute} pods/min"
    if not measured.pods_per_minute:
        return measured.sidecars_source
    return f"{measured.sidecars_source} {measured.pods_per_minute:.0f} pods/min"


def _simulate_range(
    pieces: Sequence[Piece],
    options: UpgradeOptions,
    round_seconds: float,
    spread: tuple[float, float],
    *,
    begun: bool = False,
) -> Range:
    """Minutes with quicker and slower rounds; soaks and limits last what they last."""
    low, high = (simulate(pieces, options, round_seconds * share, begun=begun) / 60 for share in spread)
    return low, high


def _simulate_wave(pieces: Sequence[Piece], limits: Limits, round_seconds: float, at: float, moved: int) -> float:
    """When the wave ends that begins at `at`, after so many pods were moved."""
    slots = [at] * max(1, min(limits.workloads_at_once or len(pieces), len(pieces)))
    end = at
    for piece in pieces:
        paced = moved / limits.pods_per_minute * 60 - SLACK_SECONDS if limits.pods_per_minute else 0.0
        lasting = piece.rounds * (round_seconds + piece.ready_seconds) + LOOK_SECONDS
        start = max(heapq.heappop(slots), paced)
        heapq.heappush(slots, start + lasting)
        end, moved = max(end, start + lasting), moved + piece.pods
    return end


def _spread(minutes: float, share: tuple[float, float]) -> Range:
    return minutes * share[0], minutes * share[1]


def _round(minutes: float, turn: Callable[[float], int]) -> float:
    steps = 10 if minutes < TENTHS_BELOW else 2 if minutes < HALVES_BELOW else 1
    return turn(round(minutes * steps, 6)) / steps
