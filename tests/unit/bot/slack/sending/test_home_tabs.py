"""Home tabs cost what changes: drawn when opened, and again once something that they show is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.discovery.readings import ClusterReadings, FormReading
from bot.journal.outbox import Outbox
from bot.orders.cluster_views import ClusterView
from bot.orders.fleet import Fleet
from bot.orders.timetable import Timetable
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.slack.sending.home_tabs import HomeTabs
from steps.contract.options import UpgradeOptions
from steps.mesh import ClusterAddress
from tests.unit.bot.slack.samples import EVERYBODYS
from tests.unit.bot.slack.stand_in import HandClock, LocalSlack, run_slack
from tests.unit.bot.workbench import ANA, BEN, CAI, Engine, build_engine, find_nothing_else

CLUSTER = Cluster(
    "cluster-x",
    ClusterAddress("cluster-x"),
    "C0MESHOPS1",
    "1.4.10-asm.18",
    Policy(frozenset({ANA}), frozenset({BEN})),
    UpgradeOptions(),
)


class CountedFleet(Fleet):
    """A fleet that counts for whom it was read."""

    read_for: tuple[str, ...] = ()

    def list_clusters(self, user: str) -> tuple[ClusterView, ...]:
        """The clusters, with one more reader."""
        self.read_for = (*self.read_for, user)
        return super().list_clusters(user)


@dataclass
class Watching:
    """Two people who look at their tabs; each drawing takes `costs` seconds of the processor."""

    engine: Engine
    slack: LocalSlack
    clusters: dict[str, Cluster]
    fleet: CountedFleet
    costs: list[float] = field(default_factory=lambda: [0.0])
    spent: float = 0.0

    def __post_init__(self) -> None:
        """Open both tabs."""
        posting = self.slack.posting()
        self.tabs = HomeTabs(self.fleet, posting, self.engine.clock, EVERYBODYS, self._measure)
        for user in (ANA, BEN):
            self.tabs.open(user, "")
        self.watch(1)

    def watch(self, seconds: int) -> tuple[str, ...]:
        """Turn once a second; for whom the fleet was read meanwhile."""
        self.fleet.read_for = ()
        for _ in range(seconds):
            self.tabs.turn()
            self.engine.clock.advance(1)
        return tuple(sorted(self.fleet.read_for))

    def _measure(self) -> float:
        self.spent += self.costs[0] / 2
        return self.spent


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """Two tabs over a journal with nothing in it."""
    engine = build_engine(tmp_path, {})
    clusters = {"cluster-x": CLUSTER}
    targets = find_nothing_else(engine.journal, clusters, engine.clock)
    timetable = Timetable(engine.journal, engine.schedules, engine.chronicle, engine.clock, clusters)
    readings = ClusterReadings(lambda _address: FormReading(), engine.clock)
    read_thread = Outbox(engine.store).read_thread
    fleet = CountedFleet(targets, engine.journal, engine.views, read_thread, timetable, readings)
    with run_slack(HandClock()) as slack:
        yield Watching(engine, slack, clusters, fleet)
    engine.store.close()


def test_nothing_is_drawn_again_while_nothing_changes(watching: Watching) -> None:
    """Each tab was drawn when it was opened, and then never."""
    assert watching.watch(600) == ()


@pytest.mark.parametrize("change", ["upgrade", "cluster", "people"])
def test_all_tabs_are_drawn_once_after_a_change(watching: Watching, change: str) -> None:
    """Of the journal, of clusters.toml, or of who may do what."""
    watching.watch(5)
    match change:
        case "upgrade":
            watching.engine.add_upgrade(["prepare/identify"])
        case "cluster":
            watching.clusters["cluster-x"] = replace(CLUSTER, release="1.4.10-asm.19")
        case _:
            watching.clusters["cluster-x"] = replace(CLUSTER, policy=Policy(frozenset({CAI}), frozenset({BEN})))
    assert watching.watch(60) == (ANA, BEN)


def test_tabs_that_take_long_rest_for_so_long_that_they_cost_a_twentieth(watching: Watching) -> None:
    """What changes meanwhile is drawn afterwards; who opens a tab waits for nobody's rest."""
    watching.costs[0] = 1.0
    watching.engine.add_upgrade(["prepare/identify"])
    assert watching.watch(10) == (ANA, BEN)
    watching.engine.journal.change_upgrade("cluster-x-1", sentence="goes on")
    assert watching.watch(5) == ()
    watching.tabs.open(CAI, "")
    assert watching.watch(1) == (CAI,)
    assert watching.watch(60) == (ANA, BEN)
