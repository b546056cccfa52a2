"""What people keep in the mesh's own namespace, past istioctl."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from sandbox.cluster.mesh.values import NAMESPACE
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.simulation import Simulation


@dataclass(frozen=True)
class OwnGateway:
    """A Deployment like the ingress gateway's, without the operator's labels; it keeps the proxy that it names."""

    gateway: str = "team-gateway"
    model: str = "istio-ingressgateway"

    def begin(self, cluster: Simulation) -> None:
        self.end(cluster)
        resource = cluster.resources.by_key("deployments.apps")
        model = cluster.api.get(resource, NAMESPACE, self.model)
        labels = {"app": self.gateway}
        spec: Json = copy.deepcopy(model["spec"])
        spec |= {"replicas": 1, "selector": {"matchLabels": labels}}
        spec["template"]["metadata"]["labels"] = labels
        body = {"metadata": {"name": self.gateway, "labels": labels}, "spec": spec}
        cluster.api.create(resource, NAMESPACE, body)

    def end(self, cluster: Simulation) -> None:
        held = cluster.store.find("deployments.apps", NAMESPACE, self.gateway)
        if held is not None:
            cluster.store.remove("deployments.apps", held)
