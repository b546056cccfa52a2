"""What a controller stumbles over is told, tried again later, and stops nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sandbox.cluster.controllers.engine import Engine
from sandbox.cluster.server.store import Change, Store
from sandbox.hosted_cluster import HostedCluster
from sandbox.state_folder import StateFolder
from tests.unit.sandbox.cluster.yard import HandClock, make_yard, workload

Place = tuple[str, str]


class Clumsy:
    """A controller of ConfigMaps that fails over those whose name begins with `bad`."""

    name = "clumsy"
    watches = ("configmaps",)

    def __init__(self, engine: Engine) -> None:
        self.seen: list[str] = []
        self.mended = False
        self._engine = engine

    def affected(self, change: Change) -> Iterable[Place]:
        if change.obj["metadata"]["name"] == "unspeakable":
            raise TypeError("no name for it")
        return ((change.obj["metadata"]["namespace"], change.obj["metadata"]["name"]),)

    def reconcile(self, namespace: str, name: str) -> None:
        self.seen.append(name)
        if name.startswith("bad") and not self.mended:
            raise ValueError("it is bad")
        if name == "restless":
            self._engine.look_at(self.name, namespace, name)


class Bench:
    """An engine with the clumsy controller, and what was told."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.store = Store()
        self.engine = Engine(self.clock, self.store)
        self.controller = Clumsy(self.engine)
        self.engine.add(self.controller)
        self.told: list[str] = []
        self.engine.on_fault = lambda fault: self.told.append(fault.sentence())

    def put(self, *names: str) -> None:
        for name in names:
            self.store.put("configmaps", {"metadata": {"name": name, "namespace": "shop"}})
        self.engine.tick()

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.engine.tick()


def test_the_others_go_on_and_it_is_told_once() -> None:
    """The sentence names the controller, the object and the cause."""
    bench = Bench()
    bench.put("bad", "good")
    bench.wait(4000)
    assert bench.controller.seen[:2] == ["bad", "good"]
    assert bench.told == ["The clumsy of the simulated cluster can't handle shop/bad: ValueError: it is bad."]


def test_it_is_tried_again_ever_later() -> None:
    """Five seconds at first, five minutes at most."""
    bench = Bench()
    bench.put("bad")
    bench.wait(3600)
    assert 15 < bench.controller.seen.count("bad") < 20


def test_what_is_mended_is_forgotten() -> None:
    """The fault in force goes with its cause."""
    bench = Bench()
    bench.put("bad")
    assert len(bench.engine.faults) == 1
    bench.controller.mended = True
    bench.wait(10)
    assert bench.engine.faults == {}


def test_one_that_never_comes_to_rest_is_put_aside() -> None:
    """It is looked at again later, and the others meanwhile."""
    bench = Bench()
    bench.put("restless", "good")
    assert (bench.controller.seen[1], len(bench.told)) == ("good", 1)
    assert "never comes to rest" in bench.told[0]


def test_a_change_that_a_controller_does_not_understand_stops_no_writer() -> None:
    """The object is written, and the fault told."""
    bench = Bench()
    bench.put("unspeakable", "good")
    assert bench.store.find("configmaps", "shop", "unspeakable") is not None
    assert bench.controller.seen[0] == "good"
    assert bench.told == [
        "The clumsy of the simulated cluster can't handle shop/unspeakable: TypeError: no name for it."
    ]


def test_it_says_when_it_is_given_work_and_not_while_it_works() -> None:
    """So that nobody needs to ask a cluster whether anything is due: a change, and an object for later."""
    bench, given = Bench(), list[str]()
    bench.engine.on_work = lambda: given.append("work")
    bench.put("bad")  # which the controller fails over, and so looks at again later
    assert given == ["work"]
    bench.engine.look_later(5, bench.controller.name, "shop", "good")
    assert given == ["work"] * 2


def test_the_page_hears_of_it(tmp_path: Path, certificate: object) -> None:
    """Also of what was stumbled over before the page listened."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=1))
    cluster = yard.cluster
    hosted = HostedCluster(StateFolder(tmp_path), cluster, "https://x", certificate)  # type: ignore[arg-type]
    broken = {**yard.get("deployments.apps", "web"), "spec": {"replicas": "three"}}
    told: list[str] = []
    for _ in range(2):
        cluster.store.put("deployments.apps", broken)
        cluster.tick()
        hosted.report_faults(told.append)
    assert [sentence.startswith("The deployment-controller of the simulated cluster") for sentence in told] == [
        True
    ] * 2
