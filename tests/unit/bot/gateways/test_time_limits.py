"""No outside call without a time limit: every method of the ports meets a server that never answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bot.gateways
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from bot.gateways.releases.release_files import ReleaseFilesGateway
from sandbox.google.account import ServiceAccount
from steps.contract.errors import TryAgain
from steps.contract.ports import Gke, Kubernetes
from steps.contract.release import Archive
from steps.mesh import Binding, ClusterAddress, Right, WorkloadRef
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Silence, in_order, write_kubeconfig
from tests.unit.bot.gateways.project import ADDRESS, Google, refuse_kubeconfigs

LIMIT = 0.05
WEB = WorkloadRef("shop", "Deployment", "web")
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}

KUBERNETES_CALLS: Mapping[str, Callable[[KubernetesGateway], object]] = {
    "read_server_version": lambda k: k.read_server_version(),
    "read_account": lambda k: k.read_account(),
    "find_missing_rights": lambda k: k.find_missing_rights([Right("list", "pods")]),
    "find_missing_rights_of": lambda k: k.find_missing_rights_of("viewer", [Right("list", "pods")]),
    "list_namespaces": lambda k: k.list_namespaces(),
    "list_pods": lambda k: list(k.list_pods()),
    "list_workloads": lambda k: k.list_workloads(),
    "read_workload": lambda k: k.read_workload(WEB),
    "list_disruption_budgets": lambda k: k.list_disruption_budgets(),
    "list_autoscalers": lambda k: k.list_autoscalers(),
    "list_nodes": lambda k: k.list_nodes(),
    "list_changes": lambda k: k.list_changes(),
    "read_config_map": lambda k: k.read_config_map("shop", "a"),
    "read_webhook": lambda k: k.read_webhook("a"),
    "count_ready_endpoints": lambda k: k.count_ready_endpoints("shop", "a"),
    "read_ingress_address": lambda k: k.read_ingress_address("shop", "a"),
    "read_object": lambda k: k.read_object("v1", "ConfigMap", "shop", "a"),
    "list_objects": lambda k: k.list_objects("v1", "ConfigMap"),
    "apply_object": lambda k: k.apply_object(CONFIG_MAP),
    "read_events": lambda k: k.read_events("shop", "Pod", "web-1"),
    "restart_workload": lambda k: k.restart_workload(WEB, "2026-01-01T00:00:00Z"),
    "withdraw_restart": lambda k: k.withdraw_restart(WEB, "", "17"),
    "evict_pod": lambda k: k.evict_pod("shop", "web-1", "uid"),
    "read_binding": lambda k: k.read_binding("a"),
    "create_binding": lambda k: k.create_binding(Binding("a", "cluster-admin", ("bot",))),
    "revise_binding": lambda k: k.revise_binding(Binding("a", "cluster-admin", ())),
    "delete_binding": lambda k: k.delete_binding("a"),
    "delete_namespace": lambda k: k.delete_namespace("a"),
    "delete_object": lambda k: k.delete_object("v1", "ConfigMap", "a", "b", "uid"),
}
# What asks nobody: it only tells where a connection leads. Opening one is held by the tests of tokens and of GKE.
LOCAL = {"read_server"}
GKE_CALLS: Mapping[str, Callable[[GkeGateway], object]] = {
    "describe_cluster": lambda g: g.describe_cluster(ADDRESS),
    "discover_clusters": lambda g: g.discover_clusters("example-project"),
    "list_operations": lambda g: g.list_operations(ADDRESS),
    "list_exclusions": lambda g: g.list_exclusions(ADDRESS),
    "list_disabled_services": lambda g: g.list_disabled_services("example-project", ["a"]),
}
# Every way out of the gateways, with the argument that bounds it. A new one must be added here.
DOORS: Mapping[str, str] = {
    "urlopen": "timeout",
    "requests.get": "timeout",
    "httpx.Client": "timeout",
    "httpx.Timeout": "connect",
    "get_cluster": "timeout",
    "list_clusters": "timeout",
    "list_operations": "timeout",
}
# What would be another way out.
WAYS_OUT = {"socket", "urllib", "http", "urllib3", "requests", "httpx", "subprocess", "ssl", "aiohttp"}
# The modules that may have one, all covered by the tests here, in test_programs or in test_mesh_tools.
MODULES = {
    "credentials.py": {"requests"},
    "bounded_answers.py": {"requests"},
    "gke.py": {"requests"},
    "google_rest.py": {"requests"},
    "web_files.py": {"httpx"},
    "web_faults.py": {"httpx"},
    "probes.py": {"httpx"},
    "slices.py": {"httpx"},
    "webhook_posts.py": {"httpx"},
    "long_programs.py": {"subprocess"},
    "short_programs.py": {"subprocess"},
    "api_server.py": {"urllib3"},
    # They tell exceptions apart, and ask nobody.
    "verdicts.py": {"requests", "ssl", "urllib3"},
    # It reads whom to trust from the disk.
    "trust.py": {"httpx", "ssl", "urllib3"},
}


@pytest.fixture
def silent(serve: Serve) -> str:
    """Give the address of a server that never answers."""
    return serve(in_order(Silence())).url


@pytest.fixture
def silent_kubernetes(silent: str, tmp_path: Path) -> Iterator[KubernetesGateway]:
    """Connect to an API server that never answers."""
    address = ClusterAddress("cluster-x", kubeconfig=str(write_kubeconfig(tmp_path, silent)))
    limits = TimeLimits(10.0, LIMIT)
    gateway = KubernetesGateway(ApiServer(KubeconfigConnection(address), limits, ReadRetries(limit=0)))
    yield gateway
    gateway.close()


@pytest.fixture
def silent_gke(silent: str, google: Google) -> Iterator[GkeGateway]:
    """Connect to a Google that hands out tokens and then never answers."""
    endpoints = GoogleEndpoints(silent, silent, silent)
    gateway = GkeGateway(google.credentials, refuse_kubeconfigs, endpoints, LIMIT, ReadRetries(limit=0))
    yield gateway
    gateway.close()


def methods_of(port: type) -> set[str]:
    """The methods of a Protocol."""
    return {name for name in vars(port) if not name.startswith("_")}


def test_every_method_of_the_kubernetes_port_is_tried() -> None:
    """A new method must show that it ends."""
    assert set(KUBERNETES_CALLS) == methods_of(Kubernetes) - LOCAL


def test_every_method_of_the_gke_port_is_tried() -> None:
    """A new method must show that it ends."""
    assert set(GKE_CALLS) == methods_of(Gke)


@pytest.mark.parametrize("name", KUBERNETES_CALLS)
def test_no_kubernetes_call_waits_for_ever(silent_kubernetes: KubernetesGateway, name: str) -> None:
    """A half-open connection becomes TryAgain."""
    with pytest.raises(TryAgain, match="gave no answer"):
        KUBERNETES_CALLS[name](silent_kubernetes)


@pytest.mark.parametrize("name", GKE_CALLS)
def test_no_gke_call_waits_for_ever(silent_gke: GkeGateway, name: str) -> None:
    """A half-open connection becomes TryAgain."""
    with pytest.raises(TryAgain, match=r"gave no answer|could not be reached.*ConnectTimeout"):
        GKE_CALLS[name](silent_gke)


def test_no_download_waits_for_ever(silent: str, tmp_path: Path) -> None:
    """Neither for the archive nor for its signature."""
    files = ReleaseFilesGateway(tmp_path, limits=(LIMIT, LIMIT))
    archive = Archive("1", "a.tar.gz", f"{silent}/a.tar.gz", f"{silent}/a.tar.gz.1.sig", "", "istio-1")
    with pytest.raises(TryAgain, match="gave no answer"):
        files.fetch_archive(archive)
    files.close()


def test_no_token_is_waited_for_for_ever(silent: str, account: ServiceAccount, tmp_path: Path) -> None:
    """google-auth's own limit is two minutes, the bot's is seconds, of a request and of all requests together."""
    account.write_key(tmp_path / "key.json", f"{silent}/token")

    def load() -> Any:
        from google.oauth2 import service_account

        return service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            tmp_path / "key.json", scopes=["a"]
        )

    with pytest.raises(TryAgain, match=r"could not be reached|did not end within"):
        GoogleCredentials(load, limit=LIMIT).read_token()


def gateway_modules() -> Iterator[tuple[Path, ast.Module]]:
    """All modules of the gateways."""
    folder = Path(next(iter(bot.gateways.__path__)))
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def test_every_door_states_its_limit() -> None:
    """Each call that leaves the program names its time limit where it stands."""
    unbounded = [
        f"{path.name}:{node.lineno} {ast.unparse(node.func)}"
        for path, tree in gateway_modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (limit := find_limit(node)) and limit not in {k.arg for k in node.keywords}
    ]
    assert unbounded == []


def find_limit(call: ast.Call) -> str:
    """The argument that bounds a call, "" for one that stays inside."""
    name = ast.unparse(call.func)
    if name.startswith("self.") and "_client()" not in name:
        return ""
    return next((limit for door, limit in DOORS.items() if name == door or name.endswith(f".{door}")), "")


def test_no_module_has_a_door_of_its_own() -> None:
    """What leaves the program does so where these tests look."""
    for path, tree in gateway_modules():
        assert imported_ways_out(tree) <= MODULES.get(path.name, set()), f"{path.name} has another way out"


def imported_ways_out(tree: ast.Module) -> set[str]:
    """The packages that a module imports to leave the program."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module != "urllib.parse":
            names.add((node.module or "").partition(".")[0])
    return names & WAYS_OUT


def test_every_wait_for_a_program_has_a_limit() -> None:
    """`wait` and `join` without an argument could last for ever."""
    endless = [
        f"{path.name}:{node.lineno}"
        for path, tree in gateway_modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("wait", "join", "communicate")
        and not node.args
        and not node.keywords
    ]
    assert endless == []
