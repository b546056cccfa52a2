"""What is known about time, for a step's cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measured:
    """What earlier upgrades took; 0 where none did. The sources are for people: `this cluster's own`."""

    round_seconds: float = 0.0
    pods_per_minute: float = 0.0
    sidecars_source: str = ""
    control_plane_minutes: float = 0.0
    control_plane_source: str = ""
    control_plane_nodes: int = 0


@dataclass(frozen=True)
class Forecast:
    """What is known about time when a card is drawn.

    `window_minutes` is what is left of the open window, or the length of the next; None where nothing ends it. `took`
    are minutes by phase, waiting for people not counted. `nodes` is how many of them the node agent is on.
    """

    measured: Measured = field(default_factory=Measured)
    window_minutes: float | None = None
    took: Mapping[str, float] = field(default_factory=dict)
    nodes: int = 0
