"""All controllers of the simulated cluster, joined."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.controllers.autoscaling import Autoscalers
from sandbox.cluster.controllers.disruption import DisruptionBudgets
from sandbox.cluster.controllers.endpoints import EndpointsController, LoadBalancers
from sandbox.cluster.controllers.engine import Controller, Engine
from sandbox.cluster.controllers.garbage import Definitions, GarbageCollector, Namespaces
from sandbox.cluster.controllers.nodes.kubelet import Kubelet
from sandbox.cluster.controllers.nodes.lifecycle import NodeLifecycle
from sandbox.cluster.controllers.nodes.pool import NodePool
from sandbox.cluster.controllers.nodes.scheduler import Scheduler
from sandbox.cluster.controllers.pace import Pace
from sandbox.cluster.controllers.quotas import Quotas
from sandbox.cluster.controllers.readiness_gates import ReadinessGates
from sandbox.cluster.controllers.reverting import RevertingOwners
from sandbox.cluster.controllers.webhook_repair import WebhookRepair
from sandbox.cluster.controllers.workloads.argo_rollouts import Rollouts
from sandbox.cluster.controllers.workloads.batch import CronRuns, RunsToCompletion
from sandbox.cluster.controllers.workloads.daemon_sets import DaemonSets
from sandbox.cluster.controllers.workloads.deployments import Deployments
from sandbox.cluster.controllers.workloads.replica_sets import ReplicaSets
from sandbox.cluster.controllers.workloads.replicas import PodMaker
from sandbox.cluster.controllers.workloads.stateful_sets import StatefulSets
from sandbox.cluster.server.apiserver import ApiServer
from sandbox.cluster.server.events import Recorder
from sandbox.cluster.server.faults import PodFaults
from sandbox.cluster.server.injection import Injector


@dataclass(frozen=True)
class ControlLoops:
    """The controllers that others talk to; the rest only run."""

    kubelet: Kubelet
    nodes: NodeLifecycle
    pool: NodePool
    scheduler: Scheduler
    budgets: DisruptionBudgets
    autoscalers: Autoscalers
    owners: RevertingOwners
    gates: ReadinessGates


def start_controllers(
    api: ApiServer, engine: Engine, injector: Injector, pod_faults: PodFaults, pace: Pace
) -> ControlLoops:
    """Add every controller to the engine."""
    recorder = Recorder(api)
    maker = PodMaker(api, engine, recorder, pace)
    kubelet = Kubelet(api, engine, recorder, pod_faults, pace)
    loops = ControlLoops(
        kubelet,
        NodeLifecycle(api, engine, kubelet),
        NodePool(api, engine),
        Scheduler(api, engine, recorder),
        DisruptionBudgets(api, engine),
        Autoscalers(api, engine, recorder, pace),
        RevertingOwners(api, engine),
        ReadinessGates(api, engine),
    )
    others: list[Controller] = [
        ReplicaSets(maker, key="replicasets.apps", kind="ReplicaSet"),
        ReplicaSets(maker, key="replicationcontrollers", kind="ReplicationController"),
        Deployments(api, engine, recorder),
        StatefulSets(maker),
        DaemonSets(maker),
        RunsToCompletion(maker),
        CronRuns(maker),
        Rollouts(maker),
        Quotas(api),
        EndpointsController(api),
        LoadBalancers(api, engine, pace),
        GarbageCollector(api),
        Namespaces(api, engine),
        Definitions(api),
        WebhookRepair(api, engine, injector, pace),
    ]
    first: list[Controller] = [loops.scheduler, loops.kubelet, loops.nodes, loops.pool]
    for controller in [*first, *others, loops.budgets, loops.autoscalers, loops.owners, loops.gates]:
        engine.add(controller)
    return loops
