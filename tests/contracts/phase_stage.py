"""The sidecars phase over a mesh that a test made on either cluster."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from steps.contract.errors import TryAgain
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.ports import Kubernetes
from steps.contract.step import Blocked, Done, Outcome, Waiting
from tests.contracts.ground import Ground
from tests.contracts.shapes import bare_pod, named
from tests.unit.steps.rig import Rig, load_release

OLD, NEW = "1.4.6-asm.0", "1.4.7-asm.0"


CONFIG = "/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector"
LIMITS = Limits(workloads_at_once=0, pods_per_minute=0, workload_patience_seconds=60)
# How much sooner the bot's clock gets on where its patience has to run out.
HURRY_SECONDS = 5.0


class GroundMesh:
    """A cluster of the contracts as a stage for the phase: its injector is on NEW, which is what is upgraded to."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.release = dataclasses.replace(load_release(), version=NEW)
        self.kubernetes: Kubernetes = ground.gateway
        self.ahead = 0.0

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ground.now() + self.ahead, UTC)

    def tick(self, seconds: float = 5.0) -> None:
        """Let the cluster act; of real time only a moment."""
        self.ground.pause(min(max(seconds, 0.2), 0.5))


@dataclasses.dataclass
class Stage:
    """One namespace with pods on OLD, and the phase over it alone."""

    mesh: GroundMesh
    space: str
    rig: Rig[GroundMesh]

    @property
    def ground(self) -> Ground:
        """The cluster."""
        return self.mesh.ground

    def approve(self, **options: Any) -> None:
        """Plan and approve."""
        others = tuple(one.name for one in self.ground.gateway.list_namespaces() if one.name != self.space)
        self.rig.options = UpgradeOptions(**{"limits": LIMITS, "skip_namespaces": others, **options})
        assert isinstance(self.rig.run("plan"), Done)
        assert isinstance(self.rig.approve("approve"), Done)

    @contextmanager
    def middle(self, turns: int = 2) -> Iterator[None]:
        """In the middle of it, however fast the cluster is beside the bot: no new pod finds a node until the end."""
        with cordoned(self.ground):
            for _ in range(turns):
                assert isinstance(self.turn(), Waiting | None)
            yield

    def turn(self) -> Outcome | None:
        """One turn as the runner takes it: None where it is tried again."""
        try:
            outcome = self.rig.turn("restart")
        except TryAgain:
            self.rig.commit()
            outcome = None
        self.mesh.tick(outcome.retry_in if isinstance(outcome, Waiting) else 0.2)
        return outcome

    def run(self) -> Outcome:
        """On to the end or to a question."""
        for _ in range(1500):
            outcome = self.turn()
            if outcome is not None and not isinstance(outcome, Waiting):
                return outcome
        raise AssertionError(f"never ended: {self.rig.waits[-1:]}")

    def block(self) -> Blocked:
        """On to where a person is asked; nobody waits for a patience to run out."""
        for _ in range(300):
            outcome = self.turn()
            if isinstance(outcome, Blocked):
                return outcome
            assert isinstance(outcome, Waiting | None), outcome
            self.mesh.ahead += HURRY_SECONDS
        raise AssertionError("never blocked")

    def remove_broken(self) -> None:
        """Delete the pods that don't run, as a person does after mending what ailed them."""
        for pod in self.ground.list_live(self.space):
            if pod.ready < pod.total:
                assert self.ground.send("DELETE", f"/api/v1/namespaces/{self.space}/pods/{pod.name}").is_success

    def count(self) -> Counter[str]:
        """How the pods of the namespace ended."""
        return Counter(entry.state for entry in self.rig.ledger.read_entries() if entry.namespace == self.space)

    def versions(self) -> set[str]:
        """The sidecars that run now."""
        return {pod.proxy_image.rpartition(":")[2] for pod in self.ground.list_live(self.space)}


@contextmanager
def cordoned(ground: Ground) -> Iterator[None]:
    """No node takes new pods."""
    names = [node["metadata"]["name"] for node in ground.send("GET", "/api/v1/nodes").json()["items"]]

    def cordon(value: bool) -> None:
        for name in names:
            answer = ground.send(
                "PATCH", f"/api/v1/nodes/{name}", {"spec": {"unschedulable": value}}, "application/merge-patch+json"
            )
            assert answer.is_success, answer.text

    cordon(True)
    try:
        yield
    finally:
        cordon(False)


@contextmanager
def old_injector(ground: Ground, space: str) -> Iterator[None]:
    """Let the injector give OLD sidecars."""
    change_injector(ground, space, NEW, OLD)
    try:
        yield
    finally:
        change_injector(ground, space, OLD, NEW)


def change_injector(ground: Ground, space: str, before: str, after: str) -> None:
    """Have another sidecar injected from now on; pods of this namespace show when the injector has read it."""
    held = ground.send("GET", CONFIG).json()["data"]
    changed = {name: text.replace(before, after) for name, text in held.items()}
    answer = ground.send("PATCH", CONFIG, {"data": changed}, "application/merge-patch+json")
    assert answer.status_code == 200, answer.text
    ground.until(lambda: probe_injector(ground, space) == after)


def probe_injector(ground: Ground, space: str) -> str:
    """The version of the sidecar that a new pod gets; the pod goes again."""
    ground.create(bare_pod(space, "probe"))
    (pod,) = (one for one in ground.gateway.list_pods(space) if one.name == "probe")
    path = f"/api/v1/namespaces/{space}/pods/probe"
    ground.until(lambda: ground.send("DELETE", path, {"gracePeriodSeconds": 0}).status_code == 404)
    return pod.proxy_image.rpartition(":")[2]


def build_stage(ground: Ground, *make: Callable[[str], Any]) -> Stage:
    """Workloads with OLD sidecars in a namespace of their own."""
    space = ground.make_space(injected=True)
    with old_injector(ground, space):
        made = [build(space) for build in make]
        ground.create(*made)
        for one in made:
            if one["kind"] in ("Deployment", "StatefulSet"):
                ground.settle(named(space, one["kind"], one["metadata"]["name"]))
    mesh = GroundMesh(ground)
    stage = Stage(mesh, space, Rig(mesh))
    assert stage.versions() == {OLD}
    return stage
