"""Workloads that fill the nodes there are, so that a rollout finds none for one pod more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.objects import deployment
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.simulation import Simulation

HOSTNAME = "kubernetes.io/hostname"
_KEY = "deployments.apps"


@dataclass(frozen=True)
class Crowded:
    """A Deployment with as many pods as there are nodes, kept apart by a rule of its own."""

    rule: Literal["anti-affinity", "host-port", "topology"] = "anti-affinity"
    namespace: str = "shop"
    workload: str = "edge"

    def begin(self, cluster: Simulation) -> None:
        count = cluster.store.count("nodes", "")
        made = deployment(self.namespace, self.workload, count)
        made["spec"]["template"]["spec"] |= self._ask(made["spec"]["template"]["spec"])
        made["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        cluster.api.create(cluster.resources.by_key(_KEY), self.namespace, made, version="v1")

    def end(self, cluster: Simulation) -> None:
        held = cluster.store.find(_KEY, self.namespace, self.workload)
        if held is not None:
            delete_object(cluster.api, cluster.resources.by_key(_KEY), held, DeleteOptions(admitted=True))

    def _ask(self, spec: Json) -> Json:
        selector = {"matchLabels": {"app": self.workload}}
        if self.rule == "host-port":
            return {"containers": [{**spec["containers"][0], "ports": [{"containerPort": 8443, "hostPort": 8443}]}]}
        if self.rule == "topology":
            row = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule"}
            return {"topologySpreadConstraints": [{**row, "labelSelector": selector}]}
        term = {"labelSelector": selector, "topologyKey": HOSTNAME}
        return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
