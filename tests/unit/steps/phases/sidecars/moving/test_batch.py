from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from steps.contract.errors import TryAgain
from steps.contract.options import Limits
from steps.contract.step import Done, Waiting
from steps.mesh import Eviction, WorkloadRef
from steps.phases.sidecars.moving import batch as acting
from tests.unit.steps.paper_cluster import OLD, PaperCluster
from tests.unit.steps.rig import Rig, start


def approved(cluster: PaperCluster, **options: Any) -> Rig[PaperCluster]:
    """A planned and approved phase without limits."""
    cluster.move_control_plane()
    rig = start(cluster, **{"limits": Limits(workloads_at_once=0, pods_per_minute=0), **options})
    rig.approve("approve")
    return rig


def refuse(cluster: PaperCluster, name: str, fault: TryAgain) -> list[float]:
    """Refuse every restart of the workload; the seconds at which it was asked for."""
    asked: list[float] = []
    restart = cluster.restart_workload
    begin = cluster.now

    def restart_workload(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        if ref.name == name:
            asked.append((cluster.now - begin).total_seconds())
            raise fault
        restart(ref, stamp, resource_version)

    cluster.restart_workload = restart_workload  # type: ignore[method-assign]
    return asked


def refuse_evictions(cluster: PaperCluster) -> Callable[[], None]:
    """Refuse every eviction until the returned function is called."""
    evict = cluster.evict_pod

    def evict_pod(namespace: str, name: str, uid: str) -> Eviction:
        raise TryAgain("throttled")

    def let_through() -> None:
        cluster.evict_pod = evict  # type: ignore[method-assign]

    cluster.evict_pod = evict_pod  # type: ignore[method-assign]
    return let_through


def turn_for(rig: Rig[PaperCluster], cluster: PaperCluster, seconds: int) -> None:
    """Turn once a second."""
    for _ in range(seconds):
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(1)


def test_a_refused_workload_is_asked_for_less_and_less_often(cluster: PaperCluster) -> None:
    """2, 4, 8 s and so on, 60 s at most."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    asked = refuse(cluster, "web", TryAgain("the API server is away"))
    turn_for(rig, cluster, 200)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_a_refusal_that_names_a_time_is_taken_at_its_word(cluster: PaperCluster) -> None:
    """Retry-After of the API server."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    asked = refuse(cluster, "web", TryAgain("throttled", 25))
    turn_for(rig, cluster, 60)
    assert asked == [0, 25, 50]


def test_a_refused_workload_holds_up_nobody_else(cluster: PaperCluster) -> None:
    """The others of the same batch are restarted."""
    cluster.add("Deployment", "shop", "aaa", 1)
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "shop", "zzz", 3)
    rig = approved(cluster)
    refuse(cluster, "web", TryAgain("the API server is away"))
    turn_for(rig, cluster, 30)
    assert [ref.name for ref, _ in cluster.restarts] == ["aaa", "zzz"]


def test_one_call_that_went_through_ends_the_pauses(cluster: PaperCluster) -> None:
    """The next refusal begins with 2 s again."""
    cluster.add("ReplicaSet", "shop", "web", 3)
    cluster.add("Deployment", "shop", "first", 1)
    rig = approved(cluster)
    let_through = refuse_evictions(cluster)
    turn_for(rig, cluster, 40)
    assert rig.memory.values["sidecars/backoff/shop/ReplicaSet/web"]
    let_through()
    assert isinstance(rig.run("restart"), Done)
    assert not any(value for key, value in rig.memory.values.items() if key.startswith("sidecars/backoff/"))


def test_a_refused_workload_keeps_its_slot(cluster: PaperCluster) -> None:
    """It is on its way all the same: no more than two at once means one beside it."""
    cluster.add("Deployment", "shop", "first", 1)
    cluster.add("ReplicaSet", "shop", "web", 2)
    refuse_evictions(cluster)
    others = [cluster.add("Deployment", "shop", name, 10, pace=1).ref for name in ("a", "b", "c")]
    rig = approved(cluster, limits=Limits(workloads_at_once=2, pods_per_minute=0))
    most = 0
    for _ in range(150):
        rig.turn("restart")
        begun = {ref for ref, _ in cluster.restarts if ref in others}
        most = max(most, sum(1 for ref in begun if OLD in cluster.versions_of(ref)))
        cluster.tick(1)
    assert most == 1
    assert all(OLD not in cluster.versions_of(ref) for ref in others)


def test_a_batch_ends_after_five_seconds(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow calls must not keep a turn; what is left goes in the next one, at once."""
    cluster.add("Deployment", "shop", "first", 1)
    for number in range(6):
        cluster.add("Deployment", "shop", f"web-{number}", 2)
    rig = approved(cluster)
    while not rig.said:
        rig.turn("restart")
        cluster.tick(1)
    before = len(cluster.restarts)
    seconds = iter(range(0, 100, 2))
    monkeypatch.setattr(acting, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert (len(cluster.restarts) - before, outcome.retry_in) == (2, 0.0)


def test_a_workload_edited_since_it_was_looked_at_is_looked_at_again(cluster: PaperCluster) -> None:
    """The restart names the version that was seen, so the API server refuses it."""
    web = cluster.add("Deployment", "shop", "web", 2).ref
    rig = approved(cluster)
    restart = cluster.restart_workload

    def edit_first(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        cluster.restart_workload = restart  # type: ignore[method-assign]
        cluster.change(ref, paused=True, resource_version="2")
        restart(ref, stamp, resource_version)

    cluster.restart_workload = edit_first  # type: ignore[method-assign]
    assert isinstance(rig.run("restart"), Done)
    assert any("its rollout is paused" in said for said in rig.said)
    assert web not in [ref for ref, _ in cluster.restarts]
