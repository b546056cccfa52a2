"""How long things take in the simulated cluster, in simulated seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sandbox.cluster.objects.objects import Json, digest, namespace_of, uid_of

_SLOWER: Mapping[str, float] = MappingProxyType({"istio-system": 2.5})


@dataclass(frozen=True)
class Pace:
    """Delays of kubelets and controllers. `spread` varies a pod's delays by up to that share, the same each time."""

    create: float = 1.5  # scheduled until the containers run
    ready: float = 2.0  # running until ready, where a container has a readiness probe
    stop: float = 2.0  # deletion until gone, at most the grace period
    crash: float = 1.0  # a crashing container's life
    back_off: float = 10.0  # first wait of a crash loop; doubles up to back_off_most
    back_off_most: float = 300.0
    pull_retry: float = 15.0
    create_retry: float = 2.0  # a controller's first wait after a refused pod; doubles up to create_retry_most
    create_retry_most: float = 1000.0  # as in Kubernetes (client-go, DefaultControllerRateLimiter)
    webhook_repair: float = 1.0  # the injector puts its CA bundle back
    load_balancer: float = 3.0
    autoscaler: float = 15.0
    spread: float = 0.4
    slower: Mapping[str, float] = field(default_factory=lambda: _SLOWER)

    def varied(self, seconds: float, pod: Json) -> float:
        """Return a delay for one pod: its namespace's pace, and a variation that its uid decides."""
        share = digest(uid_of(pod))[0] / 255
        return seconds * self.slower.get(namespace_of(pod), 1.0) * (1 - self.spread / 2 + self.spread * share)
