"""A cluster on paper: enough of controllers, injector and evictions to drive the sidecars phase without a server."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from steps.contract.errors import StepError, TryAgain
from steps.contract.release import Release
from steps.mesh import (
    WORKLOAD_KINDS,
    Autoscaler,
    DisruptionBudget,
    Event,
    Evicted,
    Eviction,
    EvictionRefused,
    InjectorWebhook,
    Namespace,
    Node,
    Owner,
    Pod,
    PodGone,
    Workload,
    WorkloadRef,
)
from steps.workloads.injection import INJECT, PROXY
from tests.unit.steps.paper_server import PaperServer

HUB = "gcr.io/gke-release/asm"
OLD = "1.4.7-asm.0"
WEBHOOK = InjectorWebhook("istio-sidecar-injector", True, "Fail", "istio-system", "istio-sidecar-injector", {})
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Controller:
    """A workload and the revision of its template; `pace` pods are replaced a tick, `stuck` ones never get ready."""

    shape: Workload
    revision: int = 1
    pace: int = 1000
    stuck: bool = False
    problem: str = ""

    @property
    def ref(self) -> WorkloadRef:
        return self.shape.ref


@dataclass
class PaperCluster(PaperServer):
    """Holds controllers and pods; `tick` lets controllers act. Requests are counted by verb."""

    release: Release
    tag: str = OLD
    now: datetime = START
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    controllers: dict[WorkloadRef, Controller] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    withdrawn: list[WorkloadRef] = field(default_factory=list)
    budgets: list[DisruptionBudget] = field(default_factory=list)
    autoscalers: list[Autoscaler] = field(default_factory=list)
    changes: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    webhook: InjectorWebhook | None = WEBHOOK
    endpoints: int = 1
    injects: bool = True
    policy: str = "enabled"
    requests: Counter[str] = field(default_factory=Counter)
    restarts: list[tuple[WorkloadRef, str]] = field(default_factory=list)
    evictions: list[str] = field(default_factory=list)
    faults: list[StepError] = field(default_factory=list)
    serial: int = 0

    def __post_init__(self) -> None:
        self.add_namespace("istio-system", injected=False)
        for own in self.release.workloads:
            self.add(own.kind, self.release.namespace, own.name, images={"main": f"{HUB}/x:{OLD}"})

    @property
    def kubernetes(self) -> PaperCluster:
        return self

    def move_control_plane(self, version: str = "") -> None:
        """Put control plane and injector on the version (the release's by default)."""
        self.tag = version or self.release.version
        for controller in self.controllers.values():
            if controller.ref.namespace == self.release.namespace:
                images = {"main": f"{HUB}/x:{self.tag}"}
                controller.shape = dataclasses.replace(controller.shape, images=images)

    def add_namespace(self, name: str, *, injected: bool = True) -> None:
        labels = {"istio-injection": "enabled"} if injected else {}
        self.namespaces[name] = Namespace(name, labels)

    def add(
        self, kind: str, namespace: str, name: str, replicas: int = 1, *, pace: int = 1000, **more: object
    ) -> Controller:
        """A workload with its pods, all ready, with today's sidecar."""
        if namespace not in self.namespaces:
            self.add_namespace(namespace)
        shape = Workload(
            ref=WorkloadRef(namespace, kind, name),
            uid=f"uid-{namespace}-{kind}-{name}",
            resource_version="1",
            generation=1,
            observed_generation=1,
            replicas=replicas,
            current=replicas,
            updated=replicas,
            ready=replicas,
            available=replicas,
            selector={"app": name},
            template_labels={"app": name},
            images={"app": f"example.com/{name}:1"},
        )
        shape = dataclasses.replace(shape, **more)  # type: ignore[arg-type]
        controller = Controller(shape, pace=pace)
        self.controllers[controller.ref] = controller
        for ordinal in range(replicas):
            self._make_pod(controller, ordinal)
        self._get_ready()
        return controller

    def add_bare_pod(self, namespace: str, name: str) -> Pod:
        if namespace not in self.namespaces:
            self.add_namespace(namespace)
        pod = Pod(
            namespace, name, self._next("uid"), None, f"{HUB}/proxyv2:{self.tag}", ("example.com/x:1",), 2, 2, True,
            "Running", False, self.now,
        )  # fmt: skip
        self.pods[pod.uid] = pod
        return pod

    def tick(self, seconds: float = 5.0) -> None:
        """Let time pass: pods get ready, terminating ones vanish, controllers replace and refill."""
        self.now += timedelta(seconds=seconds)
        self.pods = {uid: pod for uid, pod in self.pods.items() if not pod.terminating}
        self._get_ready()
        groups = self._group_pods()
        for controller in list(self.controllers.values()):
            self._reconcile(controller, groups.get(self._key(controller), []))

    def delete_workload(self, ref: WorkloadRef, *, orphan: bool = False) -> None:
        pods = self.pods_of(self.controllers.pop(ref))
        for pod in pods:
            if orphan:
                self.pods[pod.uid] = dataclasses.replace(pod, owner=None)
            else:
                del self.pods[pod.uid]

    def scale(self, ref: WorkloadRef, replicas: int) -> None:
        self.change(ref, replicas=replicas)

    def change(self, ref: WorkloadRef, **more: object) -> None:
        controller = self.controllers[ref]
        controller.shape = dataclasses.replace(controller.shape, **more)  # type: ignore[arg-type]

    def pods_of(self, controller: Controller) -> list[Pod]:
        return self._group_pods().get(self._key(controller), [])

    def _group_pods(self) -> dict[tuple[str, Owner | None], list[Pod]]:
        groups: dict[tuple[str, Owner | None], list[Pod]] = {}
        for pod in self.pods.values():
            groups.setdefault((pod.namespace, pod.owner), []).append(pod)
        return groups

    def _key(self, controller: Controller) -> tuple[str, Owner | None]:
        return controller.ref.namespace, self._owner(controller.shape)

    def versions_of(self, ref: WorkloadRef) -> list[str]:
        """The sidecar tags of a workload's pods, "" for none."""
        pods = self.pods_of(self.controllers[ref])
        return sorted(pod.proxy_image.rpartition(":")[2] for pod in pods if not pod.terminating)

    # what the phase reads

    def list_namespaces(self) -> tuple[Namespace, ...]:
        self._count("list")
        return tuple(self.namespaces.values())

    def list_pods(self, namespace: str = "", selector: str = "") -> Iterator[Pod]:
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        found = [
            pod for pod in self.pods.values()
            if namespace in ("", pod.namespace) and wanted.items() <= dict(pod.labels).items()
        ]  # fmt: skip
        self._count("list pods", 1 + len(found) // 500)
        return iter(found)

    def list_workloads(self, namespace: str = "", kinds: Sequence[str] = WORKLOAD_KINDS) -> tuple[Workload, ...]:
        self._count("list workloads", len(kinds))
        groups = self._group_pods()
        shapes = [self._describe(c, groups.get(self._key(c), [])) for c in self.controllers.values()]
        shapes += [shape for c in self.controllers.values() if (shape := self._describe_replica_set(c))]
        return tuple(s for s in shapes if namespace in ("", s.ref.namespace) and s.ref.kind in kinds)

    def read_workload(self, ref: WorkloadRef) -> Workload | None:
        self._count("get")
        controller = self.controllers.get(ref)
        return self._describe(controller, self.pods_of(controller)) if controller else None

    def list_disruption_budgets(self, namespace: str = "") -> tuple[DisruptionBudget, ...]:
        self._count("list budgets")
        return tuple(b for b in self.budgets if namespace in ("", b.namespace))

    def list_autoscalers(self, namespace: str = "") -> tuple[Autoscaler, ...]:
        self._count("list")
        return tuple(self.autoscalers)

    def list_nodes(self) -> tuple[Node, ...]:
        self._count("list")
        return tuple(self.nodes)

    def list_changes(self, namespace: str = "") -> Mapping[tuple[str, str, str], datetime]:
        self._count("list", 2)
        return dict(self.changes)

    def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        self._count("guard")
        values = {"global": {"hub": HUB, "tag": self.tag, "proxy": {"image": "proxyv2"}}}
        return {"config": f"policy: {self.policy}\ntemplate: |-\n  containers:\n", "values": json.dumps(values)}

    def read_webhook(self, name: str) -> InjectorWebhook | None:
        self._count("guard")
        return self.webhook

    def count_ready_endpoints(self, namespace: str, service: str) -> int:
        self._count("guard")
        return self.endpoints

    def read_events(self, namespace: str, kind: str, name: str) -> tuple[Event, ...]:
        self._count("read events")
        return (Event(kind, "Failed", f"{name} has an event"),)

    # what the phase changes

    def restart_workload(self, ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        self._count("patch")
        controller = self.controllers[ref]
        if resource_version and resource_version != controller.shape.resource_version:
            raise TryAgain(f"{ref} was changed in the meantime")
        self.restarts.append((ref, stamp))
        if controller.shape.restarted_at == stamp:
            return
        controller.revision += 0 if ref.kind == "Rollout" else 1
        self.change(
            ref,
            restarted_at=stamp,
            generation=controller.shape.generation + 1,
            resource_version=str(int(controller.shape.resource_version) + 1),
        )

    def withdraw_restart(self, ref: WorkloadRef, before: str, resource_version: str) -> None:
        controller = self.controllers[ref]
        if resource_version != controller.shape.resource_version:
            raise TryAgain(f"{ref} was changed in the meantime")
        self.withdrawn.append(ref)
        self.take_back(ref, before)

    def take_back(self, ref: WorkloadRef, before: str = "") -> None:
        """Put the template back as it was before its last restart: pods made by that are of no revision then."""
        controller = self.controllers[ref]
        for uid, revision in list(self.revisions.items()):
            if revision == controller.revision and ref.kind != "Rollout":
                self.revisions[uid] = -1
        controller.revision -= 0 if ref.kind == "Rollout" else 1
        self.change(
            ref,
            restarted_at=before,
            generation=controller.shape.generation + 1,
            resource_version=str(int(controller.shape.resource_version) + 1),
        )

    def evict_pod(self, namespace: str, name: str, uid: str) -> Eviction:
        self._count("evict")
        pod = self.pods.get(uid)
        if pod is None:
            return PodGone()
        covering = [b for b in self.budgets if b.namespace == namespace and b.selector.items() <= pod.labels.items()]
        if len(covering) > 1:
            return EvictionRefused("more than one disruption budget", permanent=True)
        if covering and covering[0].disruptions_allowed < 1:
            return EvictionRefused(f"disruption budget {covering[0].name} allows no eviction now")
        self.evictions.append(name)
        self.pods[uid] = dataclasses.replace(pod, terminating=True)
        return Evicted()

    # the controllers

    def _count(self, verb: str, times: int = 1) -> None:
        self.requests[verb] += times
        if self.faults:
            raise self.faults.pop(0)

    def _next(self, what: str) -> str:
        self.serial += 1
        return f"{what}-{self.serial:05d}"

    def _owner(self, shape: Workload) -> Owner:
        if shape.ref.kind in ("Deployment", "Rollout"):
            return Owner("ReplicaSet", f"{shape.ref.name}-rs")
        return Owner(shape.ref.kind, shape.ref.name)

    def _describe_replica_set(self, controller: Controller) -> Workload | None:
        ref = controller.ref
        if ref.kind not in ("Deployment", "Rollout"):
            return None
        own = WorkloadRef(ref.namespace, "ReplicaSet", f"{ref.name}-rs")
        return dataclasses.replace(controller.shape, ref=own, owner=Owner(ref.kind, ref.name))

    def _make_pod(self, controller: Controller, ordinal: int) -> None:
        shape, ref = controller.shape, controller.ref
        labelled = "istio-injection" in self.namespaces[ref.namespace].labels
        injected = self.injects and labelled and shape.template_annotations.get(INJECT) != "false"
        proxy = f"{HUB}/proxyv2:{self.tag}" if injected else shape.images.get(PROXY, "")
        revision = f"{ref.name}-{controller.revision}"
        name = f"{ref.name}-{ordinal}" if ref.kind == "StatefulSet" else self._next(ref.name)
        pod = Pod(
            namespace=ref.namespace,
            name=name,
            uid=self._next("uid"),
            owner=self._owner(shape),
            proxy_image=proxy,
            images=tuple(shape.images.values()) + ((proxy,) if proxy else ()),
            ready=0,
            total=2 if proxy else 1,
            is_ready=False,
            phase="Running",
            terminating=False,
            created=self.now,
            labels={**shape.template_labels, "controller-revision-hash": revision},
            annotations={k: v for k, v in shape.template_annotations.items() if "istio.io/" in k},
        )
        self.pods[pod.uid] = pod
        self.revisions[pod.uid] = controller.revision

    def _get_ready(self) -> None:
        groups = self._group_pods()
        for controller in self.controllers.values():
            for pod in groups.get(self._key(controller), []):
                bad = controller.stuck and self.revisions[pod.uid] == controller.revision > 1
                whole = {"ready": pod.total, "is_ready": True, "problem": ""}
                changed = {"problem": controller.problem, "restarts": 5} if bad else whole
                if not bad and pod.is_ready:
                    continue
                self.pods[pod.uid] = dataclasses.replace(pod, **changed)  # type: ignore[arg-type]

    def _reconcile(self, controller: Controller, group: list[Pod]) -> None:
        shape = controller.shape
        live = [pod for pod in group if not pod.terminating]
        if not shape.paused and shape.strategy != "OnDelete" and shape.ref.kind != "Rollout":
            self._replace(controller, live)
        if shape.ref.kind == "Rollout" and shape.restarted_at:
            for pod in live[: controller.pace]:
                if pod.created <= datetime.fromisoformat(shape.restarted_at):
                    self.pods[pod.uid] = dataclasses.replace(pod, terminating=True)
        live = [pod for pod in live if not self.pods[pod.uid].terminating]
        for pod in live[shape.replicas :]:
            self.pods[pod.uid] = dataclasses.replace(pod, terminating=True)
        if not shape.failure:
            taken = {pod.name for pod in live}
            free = (n for n in range(10**6) if f"{shape.ref.name}-{n}" not in taken)
            for _ in range(shape.replicas - len(live)):
                self._make_pod(controller, next(free))
        self.change(controller.ref, observed_generation=shape.generation)

    def _replace(self, controller: Controller, live: list[Pod]) -> None:
        shape = controller.shape
        old = [pod for pod in live if self.revisions[pod.uid] != controller.revision]
        if shape.failure or any(not pod.is_ready for pod in live):
            return
        keep = [pod for pod in old if pod.name.rpartition("-")[2].isdecimal()] if shape.partition else []
        kept = {p.uid for p in keep if int(p.name.rpartition("-")[2]) < shape.partition}
        for pod in [pod for pod in old if pod.uid not in kept][: controller.pace]:
            self.pods[pod.uid] = dataclasses.replace(pod, terminating=True)

    def _describe(self, controller: Controller, group: list[Pod]) -> Workload:
        pods = [pod for pod in group if not pod.terminating]
        new = [pod for pod in pods if self.revisions[pod.uid] == controller.revision]
        ready = sum(1 for pod in pods if pod.is_ready)
        name = controller.ref.name
        rolled = len(new) == len(pods)
        return dataclasses.replace(
            controller.shape,
            current=len(pods),
            updated=len(new),
            ready=ready,
            available=ready,
            update_revision=f"{name}-{controller.revision}",
            current_revision=f"{name}-{controller.revision}" if rolled else f"{name}-{controller.revision - 1}",
        )
