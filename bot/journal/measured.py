"""What upgrades really took, read from the journal: this cluster's own where there is one, else the fleet's."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bot.journal.journal import JournalView
from bot.journal.store import Row, Store, StoredCopy
from steps.contract.forecast import Measured
from steps.contract.options import UpgradeOptions
from steps.notes.prepare import NODES
from steps.notes.sidecars import ROUNDS

LATEST = 20
CONTROL_PLANE = ("control-plane/backup", "control-plane/apply", "control-plane/rollout")
SIDECARS = ("sidecars/canary", "sidecars/restart")
NEEDED = ("control-plane/rollout", "sidecars/restart")
ENDED = "select id, cluster, options from upgrades where state = 'upgraded'"


@dataclass(frozen=True)
class Took:
    """What one ended upgrade took; 0 where a person had to help, which would measure the person."""

    cluster: str
    round_seconds: float
    pods_per_minute: float
    control_plane_minutes: float
    nodes: int


class Paces:
    """Measures ended upgrades; each once."""

    def __init__(self, store: Store | StoredCopy) -> None:
        self._read = store.read
        self._notes = JournalView(store)
        self._known: dict[str, Took] = {}

    def find_measured(self, cluster: str) -> Measured:
        """What is known for a cluster: its latest upgrade's figures, else the median of the fleet's latest."""
        own = self._list_took(f"{ENDED} and cluster = ? order by ended_at desc limit ?", [cluster, LATEST])
        fleet = self._list_took(f"{ENDED} order by ended_at desc limit ?", [LATEST])
        sidecars, sidecars_source = _choose(own, fleet, lambda one: one.round_seconds)
        plane, plane_source = _choose(own, fleet, lambda one: one.control_plane_minutes)
        return Measured(
            round_seconds=_middle([one.round_seconds for one in sidecars]),
            pods_per_minute=_middle([one.pods_per_minute for one in sidecars]),
            sidecars_source=sidecars_source,
            control_plane_minutes=_middle([one.control_plane_minutes for one in plane]),
            control_plane_source=plane_source,
            control_plane_nodes=int(_middle([one.nodes for one in plane])),
        )

    def measure_took(self, upgrade: str) -> Mapping[str, float]:
        """Minutes of an upgrade by phase, without the time in which it waited for people or for its window."""
        took: dict[str, float] = {}
        for row in self._read("select step, busy from whole_steps where upgrade = ? order by place", [upgrade]):
            phase, _, name = row["step"].partition("/")
            if not name.startswith(("approve", "acknowledge")):
                took[phase] = took.get(phase, 0.0) + row["busy"] / 60
        return took

    def _list_took(self, query: str, values: Sequence[str | int]) -> list[Took]:
        rows = self._read(query, values)
        for row in rows:
            if row["id"] not in self._known:
                self._known[row["id"]] = self._measure(row)
        return [self._known[row["id"]] for row in rows]

    def _measure(self, upgrade: Row) -> Took:
        rows = self._read(
            "select step, busy from whole_steps where upgrade = ? and ended_at is not null", [upgrade["id"]]
        )
        busy = {row["step"]: float(row["busy"]) for row in rows}
        missing = set(NEEDED) - set(busy) | self._list_helped(upgrade["id"])
        plane = 0.0 if missing & set(CONTROL_PLANE) else sum(busy.get(step, 0.0) for step in CONTROL_PLANE) / 60
        round_seconds, pace = 0.0, 0.0
        if not missing & set(SIDECARS):
            round_seconds, pace = self._measure_sidecars(upgrade, sum(busy.get(step, 0.0) for step in SIDECARS))
        return Took(upgrade["cluster"], round_seconds, pace, plane, self._notes.recall(upgrade["id"], NODES) or 0)

    def _measure_sidecars(self, upgrade: Row, seconds: float) -> tuple[float, float]:
        """The mean round in seconds, and pods a minute with the soaks left out; zeros where no workload was timed."""
        seen = self._notes.recall(upgrade["id"], ROUNDS)
        moved = self._read(
            "select count(*) as pods, count(distinct wave) as waves from whole_ledger"
            " where upgrade = ? and state = 'upgraded' and evidence not like 'already on %'",
            [upgrade["id"]],
        )[0]
        options = msgspec.json.decode(upgrade["options"], type=UpgradeOptions)
        soaked = options.limits.soak_seconds * moved["waves"]
        if options.canary_namespaces:
            soaked += max(0.0, options.canary_soak_seconds - options.limits.soak_seconds)
        moving = seconds - soaked
        if not seen or seen.rounds <= 0 or moving <= 0:
            return 0.0, 0.0
        return seen.round_seconds, moved["pods"] / moving * 60

    def _list_helped(self, upgrade: str) -> set[str]:
        """The steps at which a person had to help, that were paused, or that stood still outside of a window."""
        rows = self._read(
            """
            select step from whole_approvals where upgrade = :upgrade and kind = 'blocked'
            union select step from held_steps where upgrade = :upgrade
            union select whole_steps.step from whole_steps join audit on audit.upgrade = whole_steps.upgrade
                where whole_steps.upgrade = :upgrade and audit.action = 'pause'
                and audit.at between whole_steps.started_at and whole_steps.ended_at
            """,
            {"upgrade": upgrade},
        )
        return {row["step"] for row in rows}


def _choose(
    own: Sequence[Took], fleet: Sequence[Took], measured: Callable[[Took], float]
) -> tuple[Sequence[Took], str]:
    """The cluster's latest that was measured, else all of the fleet that were, and what that is called."""
    if latest := [one for one in own if measured(one)][:1]:
        return latest, "this cluster's own"
    others = [one for one in fleet if measured(one)]
    return others, "the fleet's" if others else ""


def _middle(numbers: Sequence[float]) -> float:
    return statistics.median(numbers) if numbers else 0.0
