"""Clusters drawn by number, with what goes wrong in them, upgraded by a person who answers whatever is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.controllers.workloads.argo_rollouts import rollout_definition
from sandbox.cluster.seeds.objects import (
    budget,
    daemon_set,
    deployment,
    namespace,
    pod,
    run_to_completion,
    stateful_set,
)
from sandbox.cluster.server.faults import PodFault
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ledger import LedgerEntry
from steps.contract.options import Limits, UpgradeOptions
from steps.contract.release import Release
from steps.contract.step import Ask, Blocked, Done, Outcome
from tests.unit.steps.phases.sidecars.ledger_truth import Bystander, find_lies
from tests.unit.steps.phases.sidecars.varied_clusters import VariedMesh, Variety
from tests.unit.steps.rig import Rig

Json = dict[str, Any]
# A weather lasts at most so many questions; after twice as many the person leaves out what does not come.
NEG_READY = "cloud.google.com/load-balancer-neg-ready"
PATIENT_QUESTIONS = 3
MOST_QUESTIONS = 40
HOSTNAME = "kubernetes.io/hostname"
KINDS = ("Deployment",) * 5 + ("StatefulSet",) * 2 + ("DaemonSet", "ReplicaSet", "Pod", "Job", "Rollout", "CloneSet")
GATES = ("plan", "approve-canary", "canary", "approve", "restart", "acknowledge")


@dataclass(frozen=True)
class Trouble:
    """A weather of the table with its fields; it begins with the restarts, or was there before."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)
    before: bool = False


@dataclass(frozen=True)
class Drawn:
    """A cluster and what goes wrong in it."""

    variety: Variety
    troubles: tuple[Trouble, ...]
    broken: tuple[PodFault, ...]


def draw(number: int) -> Drawn:
    """The cluster of this number; the same each time."""
    dice = random.Random(f"drawn {number}")
    spaces = [f"team-{n}" for n in range(dice.randint(1, 2))]
    objects = [rollout_definition(), _define_foreign(), *(namespace(space, injected=True) for space in spaces)]
    made = [one for space in spaces for one in _fill(dice, space)]
    workloads = [one for one in made if one["kind"] not in ("PersistentVolumeClaim", "CloneSet")]
    evicted = tuple(space for space in spaces if dice.random() < 0.25)
    limits = replace(
        Limits(),
        workloads_at_once=dice.choice([0, 2, 4, 8]),
        pods_per_minute=dice.choice([0, 40, 300]),
        workload_patience_seconds=120,
    )
    options = UpgradeOptions(evict_namespaces=evicted, limits=limits)
    pace = Pace(create=dice.uniform(1, 4), ready=dice.uniform(1, 20), stop=dice.uniform(1, 20), slower={})
    variety = Variety(number, dice.randint(2, 5), (*objects, *made), pace, options)
    return Drawn(variety, tuple(_draw_troubles(dice, workloads)), tuple(_draw_broken(dice, workloads)))


def _fill(dice: random.Random, space: str) -> Iterator[Json]:
    for number in range(dice.randint(1, 4)):
        name = f"app-{number}"
        replicas = dice.choice([0, 1, 1, 2, 3, 4, 6])
        match dice.choice(KINDS):
            case "Deployment":
                yield from _draw_disk(dice, _draw_deployment(dice, deployment(space, name, replicas)))
            case "StatefulSet":
                yield _draw_apart(dice, _draw_stateful(dice, stateful_set(space, name, replicas)))
            case "DaemonSet":
                yield _update(daemon_set(space, name), dice.choice([{"type": "OnDelete"}, {}, {}, _rolling("50%")]))
            case "ReplicaSet":
                yield {**deployment(space, name, replicas), "kind": "ReplicaSet"}
            case "Job":
                yield _draw_job(dice, run_to_completion(space, name))
            case "Rollout":
                yield {**deployment(space, name, replicas), "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1"}
            case "CloneSet":
                yield from _draw_foreign(space, name, replicas or 1)
            case _:
                yield pod(space, name)
        if replicas and dice.random() < 0.3:
            yield budget(space, name, min_available=dice.choice([1, max(replicas - 1, 1), replicas]))


def _draw_deployment(dice: random.Random, made: Json) -> Json:
    rolling = [_surge(1, 0), _surge("100%", 0), _surge(0, 1), _surge("25%", "50%")]
    made["spec"]["strategy"] = dice.choice([{}, {}, *rolling, {"type": "Recreate"}])
    made["spec"] |= dice.choice([{}, {}, {}, {"minReadySeconds": 10}, {"paused": True}])
    if dice.random() < 0.15:
        made["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": NEG_READY}]
    return _draw_apart(dice, made)


def _draw_apart(dice: random.Random, made: Json) -> Json:
    """Sometimes no node may have two of its pods, so that one too many waits before and a rollout may find no room."""
    if dice.random() < 0.15:
        term = {"labelSelector": made["spec"]["selector"], "topologyKey": HOSTNAME}
        apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        made["spec"]["template"]["spec"]["affinity"] = apart
    return made


def _draw_disk(dice: random.Random, made: Json) -> Iterator[Json]:
    """Sometimes all its pods share a disk that one node can have at a time."""
    place = {"name": made["metadata"]["name"], "namespace": made["metadata"]["namespace"]}
    if dice.random() < 0.15:
        made["spec"]["template"]["spec"]["volumes"] = [
            {"name": "disk", "persistentVolumeClaim": {"claimName": place["name"]}}
        ]
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
        yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": place, "spec": spec}
    yield made


def _draw_job(dice: random.Random, made: Json) -> Json:
    """Its own container has ended before, ends in the middle, or runs for hours; its proxy lives for ever."""
    seconds = dice.choice([60, 60, 2900, 21600])
    made["spec"]["template"]["spec"]["containers"][0]["command"] = ["sleep", str(seconds)]
    return made


def _define_foreign() -> Json:
    """The definition of a kind that owns pods and that the bot knows nothing of."""
    made = rollout_definition()
    names = {"kind": "CloneSet", "plural": "clonesets", "singular": "cloneset"}
    spec = {**made["spec"], "group": "apps.kruise.io", "names": names}
    return {**made, "metadata": {"name": "clonesets.apps.kruise.io"}, "spec": spec}


def _draw_foreign(space: str, name: str, replicas: int) -> Iterator[Json]:
    """An owner whose controller plays no part, and its pods; their reference to it gets its uid where it is made."""
    api = "apps.kruise.io/v1alpha1"
    yield {**deployment(space, name, replicas), "kind": "CloneSet", "apiVersion": api}
    reference = {"apiVersion": api, "kind": "CloneSet", "name": name, "controller": True}
    for number in range(replicas):
        made = pod(space, f"{name}-{number}")
        made["metadata"] |= {"labels": {"app": name}, "ownerReferences": [reference]}
        yield made


def _draw_stateful(dice: random.Random, made: Json) -> Json:
    made["spec"]["podManagementPolicy"] = dice.choice(["OrderedReady", "Parallel"])
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    return _update(made, dice.choice([{}, {}, {}, {"type": "OnDelete"}, partition]))


def _update(made: Json, strategy: Json) -> Json:
    if strategy:
        made["spec"]["updateStrategy"] = strategy
    return made


def _surge(surge: int | str, away: int | str) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": away}}


def _rolling(away: int | str) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": away}}


def _draw_troubles(dice: random.Random, workloads: list[Json]) -> Iterator[Trouble]:
    owned = [made for made in workloads if made["kind"] in ("Deployment", "StatefulSet", "DaemonSet")]
    space = dice.choice(workloads)["metadata"]["namespace"]
    choices = [
        Trouble("lost-node", before=dice.random() < 0.5),
        Trouble("quota", {"namespace": space, "pods": dice.randint(1, 12)}),
        Trouble("policy-denies"),
        Trouble("policy-down"),
        Trouble("policy-mutates"),
        Trouble("policy-denies", {"resources": ["pods"], "operations": ["DELETE"]}),
        Trouble("policy-down", {"resources": ["pods"], "operations": ["DELETE"]}),
        Trouble("policy-denies", {"resources": ["pods/eviction"]}),
        Trouble("node-upgrade"),
        Trouble("injector-down"),
        Trouble("slow-pods", {"ready": 60.0, "stop": 25.0}),
        Trouble("lost-requests"),
        Trouble("gitops-reverts", {"namespace": space, "after": dice.choice([0.0, 5.0])}, before=True),
    ]
    if owned:
        made = dice.choice(owned)
        place = {"namespace": made["metadata"]["namespace"], "workload": made["metadata"]["name"], "kind": made["kind"]}
        choices.append(Trouble("operator-reverts", {**place, "after": dice.choice([0.0, 2.0])}, before=True))
    yield from dice.sample(choices, dice.choice([0, 0, 1, 1, 2]))


def _draw_broken(dice: random.Random, workloads: list[Json]) -> Iterator[PodFault]:
    if dice.random() < 0.25:
        made = dice.choice(workloads)
        kind = dice.choice(["never-ready", "crashing", "stuck-terminating"])
        image = f"*/{made['metadata']['name']}:*"
        yield PodFault(kind, image, made["metadata"]["namespace"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ended:
    """How the phase ended: what is wrong with its ledger, what fell below its rules, and where a person gave up."""

    number: int
    lies: tuple[str, ...]
    fallen: tuple[str, ...]
    stuck: str = ""

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lies or self.fallen or self.stuck)


class RandomUpgrade:
    """The sidecars phase on one drawn cluster."""

    def __init__(self, drawn: Drawn, release: Release, stack: ExitStack) -> None:
        self._drawn = drawn
        self._dice = random.Random(f"answers {drawn.variety.number}")
        self._mesh = VariedMesh(drawn.variety, release, stack)
        self._mesh.control(lambda cluster: cluster.faults.pods.active.extend(drawn.broken))
        self._begin(before=True)
        self._mesh.tick(60)
        self._bystander = Bystander(self._mesh.cluster, drawn.variety.options.evict_namespaces)
        self._rig = Rig(self._mesh, drawn.variety.options)
        self._questions = 0

    def run(self) -> Ended:
        """Go through every step as the runner does, a person answering."""
        stuck = ""
        for name in GATES:
            if name == "canary":
                self._begin(before=False)
            stuck = stuck or self._pass(name)
        entries: tuple[LedgerEntry, ...] = self._rig.ledger.read_entries()
        lies = tuple(find_lies(self._mesh.cluster, entries, self._mesh.release.version))
        return Ended(self._drawn.variety.number, lies, tuple(self._bystander.fallen), stuck)

    def _begin(self, *, before: bool) -> None:
        for trouble in self._drawn.troubles:
            if trouble.before == before:
                self._mesh.control(lambda cluster, one=trouble: cluster.sky.begin(one.name, one.fields))  # type: ignore[misc]

    def _pass(self, name: str) -> str:
        outcome = self._run(name)
        while not isinstance(outcome, Done):
            self._questions += 1
            if self._questions > MOST_QUESTIONS:
                return f"{name}: {outcome.why if isinstance(outcome, Blocked) else outcome}"
            if self._questions == PATIENT_QUESTIONS:
                self._mesh.control(lambda cluster: cluster.sky.end())
            self._mesh.tick(60)
            self._answer(outcome)
            outcome = self._run(name)
        self._rig.decision = None
        return ""

    def _run(self, name: str) -> Outcome:
        """As the runner takes it: what may go through later is tried again, what a person must mend blocks."""
        while True:
            try:
                return self._rig.run(name, turns=2000)
            except TryAgain:
                self._rig.commit()
                self._mesh.tick(10)
            except GiveUp as fault:
                self._rig.commit()
                return Blocked(fault.why, fault.remedy)

    def _answer(self, outcome: Outcome) -> None:
        if isinstance(outcome, Ask):
            self._rig.decide(outcome)
            return
        assert isinstance(outcome, Blocked)
        offered = [choice.id for choice in outcome.choices]
        weary = self._questions > 2 * PATIENT_QUESTIONS
        chosen = self._dice.choice(offered) if offered and (weary or self._dice.random() < 0.4) else ""
        if chosen == "evict":
            self._bystander.note_evictions(outcome.why)
        if chosen:
            self._rig.decide(outcome, chosen, "its team knows")
        else:
            self._rig.decision = None
