"""What upgrades really took, read from the journal: this cluster's own where there is one, else the fleet's."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.store import Store, StoredCopy
from steps.estimate import Measured, measure_round
from steps.options import UpgradeOptions
from steps.waves import CANARY, load_workloads

LATEST = 20
PLAN = "sidecars/plan"
SIDECARS = "sidecars/restart"
PLANE_FIRST, PLANE_LAST = "control-plane/backup", "control-plane/rollout"


@dataclass(frozen=True)
class Took:
    """What one ended upgrade took; 0 where a person had to help, which would measure the person."""

    cluster: str
    round_seconds: float
    pods_per_minute: float
    control_plane_minutes: float


class Paces:
    """Measures ended upgrades; each once."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._read = store.read
        self._known: dict[str, Took] = {}

    def find_measured(self, cluster: str) -> Measured:
        """What is known for a cluster."""
        took = self._list_took()
        sidecars, sidecars_source = _choose([one for one in took if one.round_seconds], cluster)
        plane, plane_source = _choose([one for one in took if one.control_plane_minutes], cluster)
        return Measured(
            round_seconds=_middle([one.round_seconds for one in sidecars]),
            pods_per_minute=_middle([one.pods_per_minute for one in sidecars]),
            sidecars_source=sidecars_source,
            control_plane_minutes=_middle([one.control_plane_minutes for one in plane]),
            control_plane_source=plane_source,
        )

    def measure_took(self, upgrade: str) -> Mapping[str, float]:
        """Minutes of an upgrade by phase, without the steps that wait for people."""
        took: dict[str, float] = {}
        for row in self._read("select * from steps where upgrade = ? order by rowid", [upgrade]):
            phase, _, name = row["step"].partition("/")
            if row["ended_at"] is not None and not name.startswith(("approve", "acknowledge")):
                took[phase] = took.get(phase, 0.0) + (row["ended_at"] - row["started_at"]) / 60
        return took

    def _list_took(self) -> list[Took]:
        rows = self._read(
            "select id, cluster, options from upgrades where state = 'upgraded' order by ended_at desc limit ?",
            [LATEST],
        )
        for row in rows:
            if row["id"] not in self._known:
                self._known[row["id"]] = self._measure(row)
        return [self._known[row["id"]] for row in rows]

    def _measure(self, upgrade: Mapping[str, Any]) -> Took:
        rows = self._read("select step, started_at, ended_at from steps where upgrade = ?", [upgrade["id"]])
        times = {row["step"]: (row["started_at"], row["ended_at"]) for row in rows if row["ended_at"] is not None}
        helped = self._list_helped(upgrade["id"])
        plane = 0.0
        if {PLANE_FIRST, PLANE_LAST} <= set(times) and not any(step.startswith("control-plane/") for step in helped):
            plane = (times[PLANE_LAST][1] - times[PLANE_FIRST][0]) / 60
        seconds = times[SIDECARS][1] - times[SIDECARS][0] if SIDECARS in times and SIDECARS not in helped else 0.0
        round_seconds, pace = self._measure_sidecars(upgrade, seconds) if seconds else (0.0, 0.0)
        return Took(upgrade["cluster"], round_seconds, pace, plane)

    def _measure_sidecars(self, upgrade: Mapping[str, Any], seconds: float) -> tuple[float, float]:
        rows = self._read("select value from memory where upgrade = ? and key = ?", [upgrade["id"], PLAN])
        workloads = load_workloads(json.loads(rows[0]["value"])) if rows else ()
        pieces = [one.piece for one in workloads if one.pods and one.wave != CANARY]
        if not pieces:
            return 0.0, 0.0
        options = msgspec.json.decode(upgrade["options"], type=UpgradeOptions)
        return measure_round(pieces, options.limits, seconds), sum(piece.pods for piece in pieces) / seconds * 60

    def _list_helped(self, upgrade: str) -> set[str]:
        """The steps at which a person had to help, or that stood still outside of a window."""
        rows = self._read("select step from approvals where upgrade = ? and kind = 'blocked'", [upgrade])
        held = self._read("select step from held_steps where upgrade = ?", [upgrade])
        return {row["step"] for row in (*rows, *held)}


def _choose(took: Sequence[Took], cluster: str) -> tuple[Sequence[Took], str]:
    own = [one for one in took if one.cluster == cluster]
    if own:
        return own[:1], "this cluster's own"
    return took, "the fleet's" if took else ""


def _middle(numbers: Sequence[float]) -> float:
    return statistics.median(numbers) if numbers else 0.0
