"""The port `Gke` over the container API, Cloud Resource Manager and Service Usage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.endpoints import Endpoint, choose_endpoint
from bot.gateways.google.google_rest import GoogleRest
from bot.gateways.google.kubeconfig_identity import describe_by_kubeconfig
from bot.gateways.google.permissions import name_grant
from bot.gateways.google.verdicts import GET_CREDENTIALS, judge_container
from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.mesh import ClusterAddress, ClusterIdentity, Discovery, Exclusion, GkeState, Operation

if TYPE_CHECKING:
    from google.cloud.container_v1 import Cluster, ClusterManagerClient

T = TypeVar("T")
PAGE_SIZE = "200"
RUNNING = frozenset({"PENDING", "RUNNING", "ABORTING"})


@dataclass(frozen=True)
class GoogleEndpoints:
    """Base addresses of the APIs; "" for Google's own."""

    container: str = ""
    resource_manager: str = ""
    service_usage: str = ""

    def fill_in(self) -> GoogleEndpoints:
        """The same with Google's addresses where there was none."""
        return GoogleEndpoints(
            (self.container or "https://container.googleapis.com").rstrip("/"),
            (self.resource_manager or "https://cloudresourcemanager.googleapis.com").rstrip("/"),
            (self.service_usage or "https://serviceusage.googleapis.com").rstrip("/"),
        )


class _Service(msgspec.Struct, frozen=True):
    name: str = ""


class _ServicesPage(msgspec.Struct, frozen=True, rename="camel"):
    services: list[_Service] | None = None
    next_page_token: str = ""


class GkeGateway:
    """Google's side of clusters. One instance for the whole program, thread-safe.

    `kubernetes_for` answers for clusters given by kubeconfig, which Google need not know.
    """

    def __init__(
        self,
        credentials: GoogleCredentials,
        kubernetes_for: Callable[[ClusterAddress], Kubernetes],
        endpoints: GoogleEndpoints | None = None,
        limit: float = 15.0,
        retries: ReadRetries | None = None,
    ) -> None:
        self._credentials = credentials
        self._kubernetes_for = kubernetes_for
        self._endpoints = (endpoints or GoogleEndpoints()).fill_in()
        self._limit = limit
        self._retries = retries or ReadRetries()
        self._rest = GoogleRest(credentials, (5.0, limit), self._retries)
        self._lock = threading.Lock()
        self._opened: ClusterManagerClient | None = None
        self._numbers: dict[str, str] = {}

    def describe_cluster(self, address: ClusterAddress) -> ClusterIdentity:
        if address.kubeconfig:
            return describe_by_kubeconfig(address, self._kubernetes_for(address))
        cluster = self._get_cluster(address)
        number = self._find_project_number(address.project)
        return ClusterIdentity(
            project_id=address.project,
            project_number=number,
            location=cluster.location or address.location,
            name=cluster.name,
            workload_pool=_read_pool(cluster, address),
            mesh_id=f"proj-{number}",
            server_version=f"v{cluster.current_master_version}",
            endpoint=choose_endpoint(cluster, address.endpoints).kind,
            release_channel=_name_channel(cluster),
            node_count=cluster.current_node_count,
            labels=dict(cluster.resource_labels),
            gke_id=cluster.id,
            gke=_read_state(cluster),
        )

    def discover_clusters(self, project: str) -> Discovery:
        call = self._describe_call(f"list the clusters of {project}", project, "container.clusters.list")
        parent = f"projects/{project}/locations/-"
        found = self._ask(call, lambda: self._client().list_clusters(parent=parent, timeout=self._limit, retry=None))
        addresses = (
            ClusterAddress(cluster.name, project, cluster.location, cluster.name)
            for cluster in sorted(found.clusters, key=lambda cluster: (cluster.name, cluster.location))
        )
        return Discovery(tuple(addresses), tuple(sorted(found.missing_zones)))

    def list_operations(self, address: ClusterAddress) -> tuple[Operation, ...]:
        if address.kubeconfig:
            return ()
        call = self._describe_call(
            f"list the operations of {address.name}", address.project, "container.operations.list"
        )
        parent = f"projects/{address.project}/locations/{address.location}"
        found = self._ask(call, lambda: self._client().list_operations(parent=parent, timeout=self._limit, retry=None))
        return tuple(
            Operation(operation.name, operation.operation_type.name, operation.target_link)
            for operation in found.operations
            if operation.status.name in RUNNING and f"/clusters/{address.name}/" in f"{operation.target_link}/"
        )

    def list_exclusions(self, address: ClusterAddress) -> tuple[Exclusion, ...]:
        if address.kubeconfig:
            return ()
        found = self._get_cluster(address).maintenance_policy.window.maintenance_exclusions
        return tuple(
            Exclusion(name, _read_time(window.start_time), _read_time(window.end_time))
            for name, window in sorted(found.items())
        )

    def list_disabled_services(self, project: str, services: Sequence[str]) -> tuple[str, ...]:
        call = OutsideCall(
            "the Service Usage API",
            f"list the enabled APIs of {project}",
            GET_CREDENTIALS,
            name_grant(project, "serviceusage.services.list"),
        )
        url = f"{self._endpoints.service_usage}/v1/projects/{project}/services"
        enabled: set[str] = set()
        query = {"filter": "state:ENABLED", "pageSize": PAGE_SIZE}
        while True:
            page = self._rest.get_as(call, url, _ServicesPage, query)
            enabled.update(service.name.rpartition("/")[2] for service in page.services or ())
            if not page.next_page_token:
                return tuple(service for service in services if service not in enabled)
            query["pageToken"] = page.next_page_token

    def find_endpoint(self, address: ClusterAddress) -> Endpoint:
        """Where the cluster's API server answers now, and its CA."""
        return choose_endpoint(self._get_cluster(address), address.endpoints)

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        with self._lock:
            if self._opened is not None:
                self._opened.transport.close()  # type: ignore[no-untyped-call]
                self._opened = None

    def _get_cluster(self, address: ClusterAddress) -> Cluster:
        name = f"projects/{address.project}/locations/{address.location}/clusters/{address.name}"
        call = self._describe_call(f"get the cluster {name}", address.project, "container.clusters.get")
        return self._ask(call, lambda: self._client().get_cluster(name=name, timeout=self._limit, retry=None))

    def _find_project_number(self, project: str) -> str:
        """Asked once: a project keeps its number for good, and Google gives its id to no other one."""
        if project not in self._numbers:
            self._numbers[project] = self._read_project_number(project)
        return self._numbers[project]

    def _read_project_number(self, project: str) -> str:
        call = OutsideCall(
            "the Cloud Resource Manager API",
            f"read the number of the project {project}",
            GET_CREDENTIALS,
            name_grant(project, "resourcemanager.projects.get")
            + " The API cloudresourcemanager.googleapis.com must be enabled.",
        )
        url = f"{self._endpoints.resource_manager}/v1/projects/{project}"
        number = str(self._rest.get(call, url).get("projectNumber", ""))
        if not number:
            raise GiveUp(f"Google tells no number of the project {project}", "Check the project id in clusters.toml.")
        return number

    def _client(self) -> ClusterManagerClient:
        with self._lock:
            if self._opened is None:
                self._opened = _open_client(self._credentials, self._endpoints.container)
            return self._opened

    def _ask(self, call: OutsideCall, ask: Callable[[], T]) -> T:
        return self._retries.run(lambda: self._ask_once(call, ask))

    def _ask_once(self, call: OutsideCall, ask: Callable[[], T]) -> T:
        import requests
        from google.api_core import exceptions
        from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

        try:
            return ask()
        except (ParseError, exceptions.GoogleAPICallError, requests.RequestException) as error:
            raise judge_container(call, error, self._limit) from error

    def _describe_call(self, action: str, project: str, permission: str) -> OutsideCall:
        return OutsideCall(
            "the GKE API",
            action,
            GET_CREDENTIALS,
            name_grant(project, permission),
            "Check project, location and name of the cluster in clusters.toml, then retry.",
        )


def _open_client(credentials: GoogleCredentials, endpoint: str) -> ClusterManagerClient:
    from google.api_core.client_options import ClientOptions
    from google.cloud.container_v1 import ClusterManagerClient

    from bot.gateways.google.bounded_answers import bound_answers
    from bot.gateways.google.token_source import TokenSource

    options = ClientOptions(api_endpoint=endpoint)
    client = ClusterManagerClient(credentials=TokenSource(credentials), transport="rest", client_options=options)
    # the client has no setting for the size of an answer, and no public way to its session
    bound_answers(client.transport._session)  # type: ignore[attr-defined]
    return client


def _read_pool(cluster: Cluster, address: ClusterAddress) -> str:
    pool = cluster.workload_identity_config.workload_pool
    if not pool:
        raise GiveUp(
            f"the cluster {cluster.name} has no workload identity pool, which ASM needs",
            f"Run `gcloud container clusters update {cluster.name} --project={address.project} "
            f"--location={address.location} --workload-pool={address.project}.svc.id.goog`, then retry.",
        )
    return str(pool)


def _name_channel(cluster: Cluster) -> str:
    name = cluster.release_channel.channel.name
    return "" if name == "UNSPECIFIED" else str(name)


def _read_state(cluster: Cluster) -> GkeState:
    status = cluster.status.name
    told = dict.fromkeys((*(one.message for one in cluster.conditions), cluster.status_message))
    return GkeState(
        status="" if status == "STATUS_UNSPECIFIED" else str(status),
        said="; ".join(words.strip().rstrip(".") for words in told if words.strip()),
        autopilot=bool(cluster.autopilot.enabled),
        alpha=bool(cluster.enable_kubernetes_alpha),
        expires=_read_expiry(cluster),
    )


def _read_expiry(cluster: Cluster) -> datetime | None:
    if not cluster.enable_kubernetes_alpha:
        return None
    try:
        end = datetime.fromisoformat(cluster.expire_time)
    except ValueError:
        return None
    return end.astimezone(UTC) if end.tzinfo else None


def _read_time(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), UTC)
