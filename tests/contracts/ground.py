"""The clusters that contracts are checked on, behind one face: everything goes through the Kubernetes API."""

from __future__ import annotations

import dataclasses
import itertools
import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.cluster.mesh.manifests import render_mesh
from sandbox.cluster.objects.objects import name_of
from sandbox.cluster.seeds.cluster_x import INSTALLED, mesh_options
from sandbox.cluster.seeds.objects import api_service, namespace, node, rbac_defaults
from sandbox.cluster.server.faults import PodFault
from sandbox.cluster.server.policies import Policy
from sandbox.release.tools.kube_api import read_access
from sandbox.web.sites import serve_in_thread
from steps.mesh import ClusterAddress, Pod, Workload, WorkloadRef
from tests.realcluster.control_plane import BOT_TOKEN, BOT_USER, ControlPlane

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
START = 1_700_000_000.0
SERVER_VERSION = "v1.20.2"
PATIENCE = 60.0
NOBODY = "https://127.0.0.1:1"  # a port of loopback where nothing listens
UNKNOWN_TOKEN = "nobody-knows-this"
INJECTED = {"istio-injection": "enabled"}


class Ground:
    """A cluster. `powers` are what tests may do behind the API: see `need`."""

    name = ""
    powers: frozenset[str] = frozenset()

    def __init__(self, kubeconfig: Path, stack: ExitStack) -> None:
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(2)
        self._spaces: list[str] = []
        self._served: dict[tuple[str, str], Json] = {}
        self.kubeconfig = kubeconfig
        access = read_access(str(kubeconfig))
        self.gateway = open_gateway(kubeconfig, stack)
        self.http = stack.enter_context(open_http(access.server, access.trust, access.bearer()))

    @property
    def bot(self) -> KubernetesGateway:
        """A gateway as BOT_USER, an account without rights of its own."""
        raise NotImplementedError

    def need(self, power: str) -> None:
        """Skip the test, with the reason in sight, where this cluster can't be treated so."""
        if power not in self.powers:
            pytest.skip(f"the {self.name} cluster has no power '{power}'")

    def pause(self, seconds: float) -> None:
        """Let the cluster's time pass."""
        raise NotImplementedError

    def now(self) -> float:
        """The cluster's time in Unix seconds."""
        return time.time()

    def until(self, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait until a condition holds. AssertionError after these seconds of the cluster's time."""
        for _ in range(int(seconds * 5)):
            if holds():
                return
            self.pause(0.2)
        raise AssertionError(f"not reached in {seconds:g} s on the {self.name} cluster")

    def create(self, *objects: Mapping[str, Any]) -> None:
        """Create objects as they are written; a kind that was defined just now may take a moment to be served."""
        for made in objects:
            spoken = {**made, "apiVersion": self.policy} if made["kind"] == "PodDisruptionBudget" else made
            self.until(lambda spoken=spoken: self._create(spoken), 20)  # type: ignore[misc]

    @property
    def policy(self) -> str:
        """The group-version of budgets: the old one where it is served."""
        return "policy/v1beta1" if self.send("GET", "/apis/policy/v1beta1").is_success else "policy/v1"

    def post(self, made: Mapping[str, Any]) -> httpx.Response:
        """The answer to the creation of an object of a kind that is served."""
        path = self._find_path(made)
        assert path is not None, f"{made['kind']} of {made['apiVersion']} is not served"
        return self.send("POST", path, made)

    def _create(self, made: Mapping[str, Any]) -> bool:
        if self._find_path(made) is None:
            return False
        answer = self.post(made)
        assert answer.is_success or answer.status_code == 404, f"{made['kind']} refused: {answer.text}"
        return answer.is_success

    def _find_path(self, made: Mapping[str, Any]) -> str | None:
        version, kind = str(made["apiVersion"]), str(made["kind"])
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._served:
            rows = self.send("GET", base).json().get("resources") or ()
            self._served |= {(version, row["kind"]): row for row in rows if "/" not in row["name"]}
        row = self._served.get((version, kind))
        if row is None:
            return None
        space = f"/namespaces/{made['metadata']['namespace']}" if row["namespaced"] else ""
        return f"{base}{space}/{row['name']}"

    def make_space(self, injected: bool = False) -> str:
        """Create a namespace that no other test uses."""
        name = f"contract-{self._run}-{next(self._numbers)}"
        self._spaces.append(name)
        labels = INJECTED if injected else {}
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        return name

    def send(self, method: str, path: str, body: Any = None, kind: str = "", **query: str) -> httpx.Response:
        """A request as the administrator, past the gateway."""
        headers = {"Content-Type": kind or "application/json"}
        return self.http.request(method, path, json=body, params=query, headers=headers)

    def clear(self) -> None:
        """Delete the namespaces that tests made: what they leave takes room on the nodes."""
        while self._spaces:
            self.gateway.delete_namespace(self._spaces.pop())

    def read(self, ref: WorkloadRef) -> Workload:
        """A workload that must exist."""
        found = self.gateway.read_workload(ref)
        assert found is not None, f"{ref} does not exist"
        return found

    def list_live(self, space: str, selector: str = "") -> list[Pod]:
        """The pods of a namespace that are not on their way out, by name."""
        pods = (pod for pod in self.gateway.list_pods(space, selector) if not pod.terminating)
        return sorted(pods, key=lambda pod: pod.name)

    def settle(self, ref: WorkloadRef) -> Workload:
        """Wait until a workload has rolled out: every pod updated and available, none besides."""
        self.until(lambda: is_settled(self.read(ref)))
        return self.read(ref)

    def patch(self, ref: WorkloadRef, change: Json) -> None:
        """Merge a change into a workload of apps/v1 as somebody else would."""
        path = f"/apis/apps/v1/namespaces/{ref.namespace}/{ref.kind.lower()}s/{ref.name}"
        answer = self.send("PATCH", path, change, MERGE)
        assert answer.status_code == 200, answer.text

    def break_images(self, never_ready: Sequence[str] = (), crashing: Sequence[str] = ()) -> None:
        """Let containers of these images go wrong from now on; none by default."""
        raise NotImplementedError

    def switch_injector(self, down: bool) -> None:
        """End the injector, or start it again."""
        raise NotImplementedError

    def play_webhook(self, webhook: str, policy: Policy) -> Json:
        """Let somebody else's webhook answer so from now on; returns the clientConfig that leads to it."""
        raise NotImplementedError

    def lose_nodes(self, *names: str) -> None:
        """Let the kubelets of these nodes be heard no more, and those of all others be heard."""
        raise NotImplementedError

    def compact(self) -> None:
        """Forget all history."""
        raise NotImplementedError

    def restart_api_server(self) -> None:
        """End the API server, and with it what it remembers, and start it again."""
        raise NotImplementedError


class SimulatedGround(Ground):
    """The sandbox's cluster over TLS; its time moves only while a test waits."""

    name = "simulated"
    powers = frozenset({"mesh", "faults", "compact", "restart", "bot", "webhooks"})

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._seconds = START
        self.cluster = SimulatedCluster(lambda: self._seconds, seed_fn=None, server_version=SERVER_VERSION)
        self.cluster.tokens.register(BOT_TOKEN, BOT_USER)
        certificate = ensure_certificate(folder / "tls")
        site = serve_in_thread(self.cluster.app(background=False), certificate.server_context())
        stack.callback(site.stop)
        paths = {token: folder / f"{token}.json" for token in (self.cluster.tokens.admin, BOT_TOKEN)}
        for token, path in paths.items():
            write_kubeconfig(path, server=site.url, ca_base64=certificate.ca_base64, token=token)
        super().__init__(paths[self.cluster.tokens.admin], stack)
        self._bot = open_gateway(paths[BOT_TOKEN], stack)
        self.create(namespace("default"), namespace("kube-system"), api_service(), *rbac_defaults())
        self.create(*(node(number, SERVER_VERSION) for number in range(1, 5)))

    @property
    def bot(self) -> KubernetesGateway:
        return self._bot

    def pause(self, seconds: float) -> None:
        self._seconds += seconds
        self.cluster.tick()

    def now(self) -> float:
        return self._seconds

    def break_images(self, never_ready: Sequence[str] = (), crashing: Sequence[str] = ()) -> None:
        with self.cluster.lock:
            self.cluster.faults.pods.active[:] = [
                *(PodFault("never-ready", image) for image in never_ready),
                *(PodFault("crashing", image) for image in crashing),
            ]

    def switch_injector(self, down: bool) -> None:
        with self.cluster.lock:
            self.cluster.injector.down = down

    def play_webhook(self, webhook: str, policy: Policy) -> Json:
        with self.cluster.lock:
            self.cluster.api.policies.set(webhook, policy)
        return {"url": f"{NOBODY}/{webhook}"}

    def lose_nodes(self, *names: str) -> None:
        with self.cluster.lock:
            for one in list(self.cluster.store.each("nodes")):
                turn = self.cluster.loops.nodes.lose if name_of(one) in names else self.cluster.loops.nodes.recover
                turn(name_of(one))

    def compact(self) -> None:
        self.cluster.expire_watches()

    def restart_api_server(self) -> None:
        # Of a restart, watches notice that history is gone.
        self.cluster.expire_watches()


class RealGround(Ground):
    """A control plane that the tests started."""

    name = "real"
    powers = frozenset({"mesh", "faults", "compact", "restart", "bot", "webhooks"})

    def __init__(self, plane: ControlPlane, stack: ExitStack) -> None:
        super().__init__(plane.kubeconfig, stack)
        self._plane = plane
        self._bot = open_gateway(plane.bot_kubeconfig, stack)

    @property
    def bot(self) -> KubernetesGateway:
        return self._bot

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def break_images(self, never_ready: Sequence[str] = (), crashing: Sequence[str] = ()) -> None:
        self._plane.change_fleet(never_ready=list(never_ready), crashing=list(crashing))

    def switch_injector(self, down: bool) -> None:
        self._plane.change_fleet(injector_down=down)

    def play_webhook(self, webhook: str, policy: Policy) -> Json:
        told = self._plane.change_fleet(policies={webhook: dataclasses.asdict(policy)})
        url = NOBODY if policy.kind == "down" else told["policies"]
        return {"url": f"{url}/{webhook}", "caBundle": self._plane.certificate.ca_base64}

    def lose_nodes(self, *names: str) -> None:
        self._plane.change_fleet(lost=list(names))

    def compact(self) -> None:
        self._plane.compact()

    def restart_api_server(self) -> None:
        self._plane.restart_api_server()


class GivenGround(Ground):
    """Somebody's cluster by kubeconfig, such as kind or k3d: nothing is done behind its API, nothing is left there."""

    name = "given"

    def __init__(self, kubeconfig: Path, stack: ExitStack) -> None:
        super().__init__(kubeconfig, stack)
        stack.callback(self.clear)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


def open_gateway(kubeconfig: Path, stack: ExitStack) -> KubernetesGateway:
    """The bot's gateway by kubeconfig."""
    connection = KubeconfigConnection(ClusterAddress("cluster-x", kubeconfig=str(kubeconfig)))
    gateway = KubernetesGateway(ApiServer(connection, TimeLimits(5, 30)))
    stack.callback(gateway.close)
    return gateway


def open_http(server: str, verify: ssl.SSLContext | None, token: str) -> httpx.Client:
    """A plain client with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=server, verify=verify or True, headers=headers, timeout=30, trust_env=False)


def is_settled(found: Workload) -> bool:
    """Whether every pod that is wanted is updated and available, and none is there besides."""
    # Before Kubernetes 1.22 a StatefulSet does not count what is available.
    ready = found.ready if found.ref.kind == "StatefulSet" else found.available
    return found.observed_generation >= found.generation and found.updated == ready == found.replicas == found.current


def install_mesh(ground: Ground) -> None:
    """Install the control plane of ASM 1.4.7 and wait until its injector answers."""
    ground.create(*render_mesh(INSTALLED, mesh_options()))
    ground.until(lambda: _has_injector(ground))


def _has_injector(ground: Ground) -> bool:
    webhook = ground.gateway.read_webhook("istio-sidecar-injector")
    ready = ground.gateway.count_ready_endpoints("istio-system", "istio-sidecar-injector")
    return bool(webhook and webhook.has_ca_bundle and ready)
