"""What people keep in the mesh's own namespace, past istioctl."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass

from sandbox.cluster.mesh.values import NAMESPACE
from sandbox.cluster.objects.objects import Json
from sandbox.cluster.simulation import Simulation

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
EDITED = (
    ("configmaps", "istio"),
    ("configmaps", "istio-sidecar-injector"),
    ("horizontalpodautoscalers.autoscaling", "istio-ingressgateway"),
)


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


@dataclass(frozen=True)
class HandEdits:
    """Edits since the install, as reports tell of them: outbound policy, a preStop in the template, a gateway's bounds.

    kubectl's note of the last apply stays as it was.
    """

    policy: str = "REGISTRY_ONLY"
    least: int = 5
    most: int = 20

    def begin(self, cluster: Simulation) -> None:
        for (key, name), change in zip(EDITED, (self._set_policy, self._add_hook, self._widen), strict=True):
            live = cluster.api.get(cluster.resources.by_key(key), NAMESPACE, name)
            self._patch(cluster, key, name, change(live))

    def end(self, cluster: Simulation) -> None:
        """Set back by the note of the last apply."""
        for key, name in EDITED:
            live = cluster.api.get(cluster.resources.by_key(key), NAMESPACE, name)
            applied = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
            self._patch(cluster, key, name, {part: applied[part] for part in ("data", "spec") if part in applied})

    def _patch(self, cluster: Simulation, key: str, name: str, patch: Json) -> None:
        cluster.api.patch(cluster.resources.by_key(key), NAMESPACE, name, patch, "application/merge-patch+json")

    def _set_policy(self, live: Json) -> Json:
        return {"data": {"mesh": live["data"]["mesh"].replace("mode: ALLOW_ANY", f"mode: {self.policy}")}}

    def _add_hook(self, live: Json) -> Json:
        hook = '    lifecycle: {preStop: {exec: {command: ["sleep", "20"]}}}'
        name = "  - name: istio-proxy\n"
        return {"data": {"config": live["data"]["config"].replace(name, f"{name}{hook}\n")}}

    def _widen(self, live: Json) -> Json:
        return {"spec": {"minReplicas": self.least, "maxReplicas": self.most}}
