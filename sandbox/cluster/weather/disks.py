"""A workload on a disk that one node can have at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.cluster.objects.objects import Json
from sandbox.cluster.seeds.objects import deployment
from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from sandbox.cluster.simulation import Simulation

_DEPLOYMENTS, _CLAIMS = "deployments.apps", "persistentvolumeclaims"


@dataclass(frozen=True)
class SingleDisk:
    """A Deployment of one pod on a ReadWriteOnce claim: its rollout is a deadlock, or with Recreate a brief outage."""

    strategy: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    namespace: str = "shop"
    workload: str = "files"

    def begin(self, cluster: Simulation) -> None:
        spec: Json = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
        claim = {"metadata": {"name": self.workload}, "spec": spec}
        cluster.api.create(cluster.resources.by_key(_CLAIMS), self.namespace, claim)
        made = deployment(self.namespace, self.workload, 1)
        made["spec"]["strategy"] = {"type": self.strategy}
        volume = {"name": "disk", "persistentVolumeClaim": {"claimName": self.workload}}
        made["spec"]["template"]["spec"]["volumes"] = [volume]
        cluster.api.create(cluster.resources.by_key(_DEPLOYMENTS), self.namespace, made, version="v1")

    def end(self, cluster: Simulation) -> None:
        for key in (_DEPLOYMENTS, _CLAIMS):
            held = cluster.store.find(key, self.namespace, self.workload)
            if held is not None:
                delete_object(cluster.api, cluster.resources.by_key(key), held, DeleteOptions(admitted=True))
