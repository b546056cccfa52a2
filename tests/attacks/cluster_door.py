"""What stands in a cluster, as its API server answers: objects of others, and a server that lies."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from steps.contract.errors import StepError
from steps.install.policies import read_policies
from steps.install.recovery import read_mesh_config
from steps.mesh import ClusterAddress, WorkloadRef
from steps.workloads.injection import parse_injector
from tests.attacks.table import Attack, Kind
from tests.unit.bot.gateways.loopback import HandClock, Loopback, Reply, Reset, write_kubeconfig

AMPLE = TimeLimits(connect=10.0, read=10.0)
MOST_BYTES = 50 * 2**20
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)
Look = Callable[[KubernetesGateway], object]
Pod = dict[str, Any]


@dataclass
class Cluster:
    """A server that answers what an attack wants, and a kubeconfig that leads to it."""

    server: Loopback
    address: ClusterAddress

    def look(self, answer: object, look: Look) -> str:
        """What became of it, by a gateway that has seen nothing else."""
        with self.connect() as gateway:
            return self.look_again(gateway, answer, look)

    @contextmanager
    def connect(self) -> Iterator[KubernetesGateway]:
        """A gateway to the server, whose waits take no time."""
        clock = HandClock()
        retries = ReadRetries(clock=clock, sleep=clock.sleep)
        gateway = KubernetesGateway(ApiServer(KubeconfigConnection(self.address), AMPLE, retries))
        try:
            yield gateway
        finally:
            gateway.close()

    def look_again(self, gateway: KubernetesGateway, answer: object, look: Look) -> str:
        """What became of it: read, or refused in a sentence; never a fault of the bot, and within bounds."""
        reply = answer if isinstance(answer, Reply | Reset) else Reply.of(answer)
        self.server.answer = lambda _request: reply
        weighed = tracemalloc.is_tracing()
        tracemalloc.start()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            look(gateway)
        except StepError as fault:
            return "" if str(fault) else "it was refused without a word"
        finally:
            most = tracemalloc.get_traced_memory()[1] - before
            if not weighed:
                tracemalloc.stop()
        return f"it took {most // 2**20} MB" if most > MOST_BYTES else ""


@contextmanager
def open_cluster(folder: Path) -> Iterator[Cluster]:
    """One server for all that is tried."""
    with Loopback(lambda _request: Reply()) as server:
        yield Cluster(server, ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(folder, server.url))))


def look_at_pods(gateway: KubernetesGateway) -> object:
    """Read all pods."""
    return list(gateway.list_pods())


def look_at_workloads(gateway: KubernetesGateway) -> object:
    """Read all Deployments."""
    return gateway.list_workloads("shop", ("Deployment",))


def look_at_injector(gateway: KubernetesGateway) -> object:
    """Read the injector's configuration, as before each restart."""
    return parse_injector(gateway.read_config_map("istio-system", "istio-sidecar-injector"), "injector")


def look_at_mesh(gateway: KubernetesGateway) -> object:
    """Read the mesh's configuration, as when options are recovered."""
    return read_mesh_config(gateway.read_config_map("istio-system", "istio"))


def look_at_policies(gateway: KubernetesGateway) -> object:
    """Read the policies of the authorization phase."""
    return read_policies(gateway)


def answer(kind: Kind, name: str, content: object, look: Look) -> Attack:
    """An attack by what the server answers."""
    return Attack("cluster", kind, name, lambda cluster: cluster.look(content, look))


def list_of(*items: object) -> dict[str, Any]:
    """A list of objects."""
    return {"metadata": {"resourceVersion": "1"}, "items": list(items)}


def pod(**parts: Any) -> Pod:
    """A pod of the namespace shop."""
    return {"metadata": {"name": "web", "namespace": "shop", "uid": "u", **parts.pop("metadata", {})}, **parts}


def deployment(spec: object, **parts: Any) -> dict[str, Any]:
    """A Deployment of the namespace shop."""
    return {"metadata": {"name": "web", "namespace": "shop", "uid": "u"}, "spec": spec, "status": {}, **parts}


def config(**texts: object) -> dict[str, Any]:
    """A ConfigMap."""
    return {"kind": "ConfigMap", "metadata": {"name": "istio"}, "data": texts}


DEEP = b"[" * 200_000
ATTACKS: list[Attack] = [
    answer("overload", "a ConfigMap that is a bomb", config(config=BOMB, values=BOMB), look_at_injector),
    answer("overload", "a mesh configuration that is a bomb", config(mesh=BOMB), look_at_mesh),
    answer("overload", "a mesh configuration without a bottom", config(mesh="a: " + "[" * 50_000), look_at_mesh),
    answer(
        "overload", "values without a bottom", config(config="policy: enabled", values="[" * 50_000), look_at_injector
    ),
    answer("overload", "an answer without a bottom", Reply(200, DEEP), look_at_pods),
    answer("overload", "an object without a bottom", Reply(200, b'{"items":[{"metadata":' + DEEP), look_at_pods),
    answer("overload", "a number without an end", config(mesh="a: " + "9" * 100_000), look_at_mesh),
    answer(
        "overload",
        "labels without an end",
        list_of(pod(metadata={"labels": {f"k{n}": "v" for n in range(20_000)}})),
        look_at_pods,
    ),
    answer("break", "a pod that is a number", list_of(5), look_at_pods),
    answer("break", "a pod without a name", list_of({"metadata": {}}), look_at_pods),
    answer("break", "containers that are text", list_of(pod(spec={"containers": "x"})), look_at_pods),
    answer("break", "annotations that are lists", list_of(pod(metadata={"annotations": [1]})), look_at_pods),
    answer("break", "a time that is none", list_of(pod(metadata={"creationTimestamp": "soon"})), look_at_pods),
    answer("break", "items that are none", {"items": "x"}, look_at_pods),
    answer("break", "bytes that are no text", Reply(200, b"\xff\xfe"), look_at_pods),
    answer("break", "nothing at all", Reply(200, b""), look_at_pods),
    answer("break", "half an answer", Reply(200, b'{"items":[{"metadata"', cut=10), look_at_pods),
    answer("break", "a hung up connection", Reset(), look_at_pods),
    answer(
        "break", "HTML of a proxy", Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html"}), look_at_pods
    ),
    answer("break", "replicas beyond all", list_of(deployment({"replicas": 10**30})), look_at_workloads),
    answer("break", "replicas below zero", list_of(deployment({"replicas": -5})), look_at_workloads),
    answer("break", "a selector that is a list", list_of(deployment({"selector": [5]})), look_at_workloads),
    answer(
        "break",
        "a surge without an end",
        list_of(deployment({"strategy": {"rollingUpdate": {"maxSurge": "9" * 500 + "%"}}})),
        look_at_workloads,
    ),
    answer(
        "break",
        "a quantity beyond all",
        list_of(
            deployment(
                {"template": {"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1e999999"}}}]}}}
            )
        ),
        look_at_workloads,
    ),
    answer("break", "a version that is none", {"gitVersion": ["v1"]}, lambda gateway: gateway.read_server_version()),
    answer("break", "policies that are numbers", list_of(5), look_at_policies),
    answer("inject", "a name that is a path", list_of(pod(metadata={"name": "../../escape"})), look_at_pods),
    answer(
        "inject",
        "a ConfigMap that is a Python object",
        config(mesh="!!python/object/apply:os.system ['touch owned']"),
        look_at_mesh,
    ),
    answer("inject", "a ConfigMap that merges", config(mesh="a: &a {x: 1}\nb: {<<: *a}\n"), look_at_mesh),
    answer("lead astray", "a redirect", Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), look_at_pods),
    answer(
        "lead astray",
        "a list that never ends",
        {"metadata": {"continue": "again"}, "items": [{"metadata": {"name": "a"}}]},
        lambda gateway: [next(gateway.list_pods()) for _ in range(3)],
    ),
    answer(
        "forge",
        "a workload of another name",
        {"metadata": {"name": "other"}},
        lambda gateway: gateway.read_workload(WorkloadRef("shop", "Deployment", "web")),
    ),
    answer(
        "forge",
        "a refusal in words of its own",
        Reply(403, json.dumps({"message": "<!channel> " * 10_000}).encode()),
        look_at_pods,
    ),
]
