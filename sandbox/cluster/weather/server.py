"""The API server and the injector on a bad day."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cluster.objects.objects import name_of, namespace_of
from sandbox.cluster.server.faults import RequestFault
from sandbox.cluster.simulation import Simulation


@dataclass(frozen=True)
class InjectorDown:
    """The injector's webhook does not answer."""

    def begin(self, cluster: Simulation) -> None:
        _switch_injector(cluster, down=True)

    def end(self, cluster: Simulation) -> None:
        _switch_injector(cluster, down=False)


@dataclass(frozen=True)
class Latency:
    """Each answer takes longer by so many real seconds."""

    seconds: float = 2.0

    def begin(self, cluster: Simulation) -> None:
        cluster.faults.latency = self.seconds

    def end(self, cluster: Simulation) -> None:
        cluster.faults.latency = 0.0


@dataclass(frozen=True)
class LostRequests:
    """Some of the requests that are not the administrator's fail with a status."""

    percent: float = 5.0
    status: int = 503

    def begin(self, cluster: Simulation) -> None:
        cluster.faults.requests.append(self._fault())

    def end(self, cluster: Simulation) -> None:
        if self._fault() in cluster.faults.requests:
            cluster.faults.requests.remove(self._fault())

    def _fault(self) -> RequestFault:
        return RequestFault(status=self.status, percent=self.percent)


def _switch_injector(cluster: Simulation, *, down: bool) -> None:
    cluster.injector.down = down
    for endpoints in list(cluster.store.each("endpoints")):
        cluster.engine.look_again("endpoints", namespace_of(endpoints), name_of(endpoints))
