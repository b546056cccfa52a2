"""A real control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and a node fleet."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.cluster.http.tls import ServingCertificate, ensure_certificate, write_kubeconfig
from tests.realcluster.programs import Program, find_free_ports

ADMIN_TOKEN = "lab-admin"
BOT_TOKEN = "lab-bot"
BOT_USER = "asm-upgrade-bot"
SERVICES = "127.96.0.0/16"  # a loopback range, so that the API server reaches a webhook's Service without a network
WEBHOOK_NAMES = ("istio-sidecar-injector.istio-system.svc",)
# After so long without a beat a node counts as lost; the fleet's nodes beat every ten seconds.
NODE_GRACE_SECONDS = 40
LEFT_OUT = (
    "nodeipam", "route", "service", "cloud-node-lifecycle", "ttl", "attachdetach", "persistentvolume-binder",
    "persistentvolume-expander", "csrsigning", "csrapproving", "csrcleaner", "bootstrapsigner", "tokencleaner",
)  # fmt: skip


@dataclass(frozen=True)
class FleetSettings:
    """How the fake kubelets behave; seconds."""

    nodes: int = 4
    pods_per_node: int = 250
    ready: float = 0.2
    grace: float = 0.2


FLEET = FleetSettings()


@dataclass
class ControlPlane:
    """A running control plane. `kubeconfig` is the administrator's."""

    url: str
    folder: Path
    certificate: ServingCertificate
    http: httpx.Client = field(repr=False)
    etcd_url: str = ""
    fleet_url: str = ""
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.json"

    @property
    def bot_kubeconfig(self) -> Path:
        """The kubeconfig of a user without any rights of its own."""
        return self.folder / "bot.json"

    def is_ready(self) -> bool:
        """Whether the API server says so."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def compact(self) -> None:
        """Forget all history, so that every watch and continue token in use is too old."""
        current = self._ask_etcd("range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": current, "physical": True})

    def restart_api_server(self) -> None:
        """End the API server and start it again under the same address."""
        self.programs["kube-apiserver"].stop()
        self.programs["kube-apiserver"].start()
        self.programs["kube-apiserver"].wait_until(self.is_ready)

    def change_fleet(self, **switches: Any) -> Any:
        """Set switches of the fleet: tests/realcluster/fleet.py names them. Returns what it says of itself."""
        answer = httpx.post(f"{self.fleet_url}/switches", json=switches, timeout=10, trust_env=False)
        return answer.raise_for_status().json()

    def _ask_etcd(self, what: str, body: dict[str, Any]) -> Any:
        answer = httpx.post(f"{self.etcd_url}/v3/kv/{what}", json=body, timeout=10, trust_env=False)
        return answer.raise_for_status().json()


@contextmanager
def run_control_plane(programs: Path, folder: Path, fleet: FleetSettings | None = FLEET) -> Iterator[ControlPlane]:
    """Start everything and end it by process id; without a fleet it has no nodes, no injector, no load balancer.

    Raises NotReady with the log of what did not start.
    """
    etcd, peer, secure = find_free_ports(3)
    certificate = ensure_certificate(folder / "tls", WEBHOOK_NAMES)
    write_credentials(folder)
    url = f"https://127.0.0.1:{secure}"
    with ExitStack() as stack:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        trust = ssl.create_default_context(cafile=certificate.ca_file)
        http = stack.enter_context(
            httpx.Client(base_url=url, verify=trust, headers=headers, timeout=30, trust_env=False)
        )
        plane = ControlPlane(url, folder, certificate, http, etcd_url=f"http://127.0.0.1:{etcd}")
        for path, token in ((plane.kubeconfig, ADMIN_TOKEN), (plane.bot_kubeconfig, BOT_TOKEN)):
            user = "admin" if token == ADMIN_TOKEN else BOT_USER
            write_kubeconfig(path, server=url, ca_base64=certificate.ca_base64, token=token, user=user)

        def start(name: str, *flags: str) -> Program:
            program = Program([str(programs / name), *flags], folder / "logs" / f"{name}.log")
            stack.callback(program.stop)
            plane.programs[name] = program
            program.start()
            return program

        start("etcd", *name_etcd_flags(folder, plane.etcd_url, f"http://127.0.0.1:{peer}"))
        api_server = start("kube-apiserver", *name_api_server_flags(folder, plane.etcd_url, secure))
        api_server.wait_until(plane.is_ready)
        start("kube-controller-manager", *name_controller_flags(folder, plane.kubeconfig))
        start("kube-scheduler", *name_scheduler_flags(folder, plane.kubeconfig))
        if fleet:
            stack.callback(_start_fleet(plane, fleet).stop)
        yield plane


def _start_fleet(plane: ControlPlane, settings: FleetSettings) -> Program:
    told = plane.folder / "fleet.json"
    told.write_text(
        json.dumps({"kubeconfig": str(plane.kubeconfig), "tls": str(plane.certificate.folder), **vars(settings)})
    )
    announced = plane.folder / "fleet-address"
    command = [sys.executable, "-m", "tests.realcluster.fleet", str(told), str(announced)]
    program = Program(command, plane.folder / "logs" / "fleet.log")
    plane.programs["fleet"] = program
    program.start()
    try:
        program.wait_until(lambda: announced.exists() and bool(announced.read_text()))
    except BaseException:
        program.stop()
        raise
    plane.fleet_url = announced.read_text()
    return program


def write_credentials(folder: Path) -> None:
    """Write the key that signs service accounts' tokens and the file of users' tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "accounts.pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / "tokens.csv").write_text(
        f'{ADMIN_TOKEN},admin,admin,"system:masters"\n{BOT_TOKEN},{BOT_USER},{BOT_USER}\n'
    )


def name_etcd_flags(folder: Path, client: str, peer: str) -> list[str]:
    """The flags of a single member that need not survive a power cut."""
    return [
        f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync", "--log-level=error",
    ]  # fmt: skip


def name_api_server_flags(folder: Path, etcd: str, port: int) -> list[str]:
    """The flags of an API server with tokens from a file and RBAC; pods need no service account."""
    tls = folder / "tls"
    return [
        f"--etcd-servers={etcd}", f"--secure-port={port}", "--bind-address=127.0.0.1", "--insecure-port=0",
        f"--tls-cert-file={tls / 'tls.crt'}", f"--tls-private-key-file={tls / 'tls.key'}",
        f"--cert-dir={folder / 'api-server'}", f"--service-account-key-file={folder / 'accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc", f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC", f"--service-cluster-ip-range={SERVICES}",
        "--disable-admission-plugins=ServiceAccount", "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000", "--endpoint-reconciler-type=none",
    ]  # fmt: skip


def name_controller_flags(folder: Path, kubeconfig: Path) -> list[str]:
    """The flags of a controller manager without clouds, certificates and the loops that need real nodes."""
    return [
        f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={folder / 'accounts.key'}", "--use-service-account-credentials=false",
        "--leader-elect=false", "--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20", f"--cert-dir={folder / 'controller-manager'}", "--port=0",
        "--secure-port=0", f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
        "--controllers=" + ",".join(["*", *(f"-{name}" for name in LEFT_OUT)]),
    ]  # fmt: skip


def name_scheduler_flags(folder: Path, kubeconfig: Path) -> list[str]:
    """The flags of a scheduler."""
    return [
        f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--kube-api-qps=1000", "--kube-api-burst=2000",
        f"--cert-dir={folder / 'scheduler'}", "--port=0", "--secure-port=0",
    ]  # fmt: skip
