from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google.auth.transport.requests
import httpx
import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden, NotFound, Unauthorized
from google.auth.exceptions import RefreshError
from google.cloud.container_v1 import ClusterManagerClient
from google.oauth2 import service_account

from sandbox.google.account import ServiceAccount
from sandbox.google.project import GkeCluster, Project
from sandbox.google.server import TOKEN_PATH, GoogleApis
from sandbox.web.sites import serve_in_thread

CLUSTER = "projects/example-project/locations/us-central1-a/clusters/cluster-x"
ANYWHERE = "projects/example-project/locations/-"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
BEARER = {"Authorization": "Bearer some-token"}


def read_key(path: Path) -> service_account.Credentials:
    """Read a key file with Google's own library."""
    made = service_account.Credentials.from_service_account_file(path, scopes=SCOPES)  # type: ignore[no-untyped-call]
    assert isinstance(made, service_account.Credentials)
    return made


@dataclass(frozen=True)
class Google:
    """The APIs as a bot sees them: an address and a key file."""

    apis: GoogleApis
    url: str
    key_file: Path

    def credentials(self) -> service_account.Credentials:
        """Read the key file with Google's own library."""
        return read_key(self.key_file)

    def client(self) -> ClusterManagerClient:
        """Make the stock client over REST."""
        options = ClientOptions(api_endpoint=self.url)
        return ClusterManagerClient(transport="rest", credentials=self.credentials(), client_options=options)


@pytest.fixture(scope="module")
def account() -> ServiceAccount:
    """One key for all tests."""
    return ServiceAccount.make()


@pytest.fixture
def google_apis(account: ServiceAccount, tmp_path: Path) -> Iterator[Google]:
    """A project with cluster-x, answering on loopback."""
    cluster = GkeCluster("cluster-x", "us-central1-a", "127.0.0.1:6443", "Q0E=")
    apis = GoogleApis(Project(clusters=(cluster,)), account)
    site = serve_in_thread(apis.app())
    account.write_key(tmp_path / "key.json", f"{site.url}{TOKEN_PATH}")
    yield Google(apis, site.url, tmp_path / "key.json")
    site.stop()


def test_the_stock_client_reads_the_cluster(google_apis: Google) -> None:
    """Endpoint, certificate authority, workload pool and mesh id are those of the project."""
    cluster = google_apis.client().get_cluster(name=CLUSTER, timeout=60)
    assert cluster.endpoint == "127.0.0.1:6443"
    assert cluster.master_auth.cluster_ca_certificate == "Q0E="
    assert cluster.workload_identity_config.workload_pool == "example-project.svc.id.goog"
    assert cluster.resource_labels["mesh_id"] == "proj-123456789012"


def test_discovery_lists_clusters_and_missing_zones(google_apis: Google) -> None:
    """A partial answer names the zones that didn't answer."""
    google_apis.apis.switches.missing_zones = ["us-east1-b"]
    answer = google_apis.client().list_clusters(parent=ANYWHERE, timeout=60)
    assert ([one.name for one in answer.clusters], list(answer.missing_zones)) == (["cluster-x"], ["us-east1-b"])


def test_a_running_operation_names_its_cluster(google_apis: Google) -> None:
    """An upgrade of nodes is listed with its target."""
    google_apis.apis.switches.operations = ["UPGRADE_NODES"]
    (operation,) = google_apis.client().list_operations(parent=ANYWHERE, timeout=60).operations
    assert (operation.operation_type.name, operation.status.name) == ("UPGRADE_NODES", "RUNNING")
    assert "/clusters/cluster-x/" in operation.target_link


def test_exclusions_are_read(google_apis: Google) -> None:
    """A maintenance exclusion carries its times."""
    google_apis.apis.switches.exclusions = {"freeze": ["2026-12-20T00:00:00Z", "2027-01-05T00:00:00Z"]}
    cluster = google_apis.client().get_cluster(name=CLUSTER, timeout=60)
    assert cluster.maintenance_policy.window.maintenance_exclusions["freeze"].start_time.year == 2026


def test_the_state_of_a_cluster_is_switched(google_apis: Google) -> None:
    """Status, its message and the kinds that cannot be upgraded, where the stock client looks for them."""
    switches = google_apis.apis.switches
    switches.cluster_status, switches.cluster_message = "ERROR", "no quota"
    switches.autopilot, switches.alpha_until = True, "2026-12-20T08:00:00+00:00"
    cluster = google_apis.client().get_cluster(name=CLUSTER, timeout=60)
    assert (cluster.status.name, cluster.conditions[0].message) == ("ERROR", "no quota")
    assert (cluster.autopilot.enabled, cluster.enable_kubernetes_alpha) == (True, True)
    assert cluster.expire_time == "2026-12-20T08:00:00+00:00"


def test_the_other_endpoints_are_described(google_apis: Google) -> None:
    """DNS and private endpoint stand where gcloud looks for them."""
    google_apis.apis.switches.dns_endpoint = "gke-1.us-central1-a.gke.goog"
    google_apis.apis.switches.private_endpoint = "10.0.0.2"
    cluster = google_apis.client().get_cluster(name=CLUSTER, timeout=60)
    assert cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint == "gke-1.us-central1-a.gke.goog"
    assert cluster.private_cluster_config.private_endpoint == "10.0.0.2"


def test_a_cluster_elsewhere_is_not_found(google_apis: Google) -> None:
    """The zone is part of the name."""
    with pytest.raises(NotFound, match="Not found: projects/example-project/locations/europe-west1"):
        google_apis.client().get_cluster(name=CLUSTER.replace("us-central1-a", "europe-west1"), timeout=60)


def test_another_project_is_forbidden(google_apis: Google) -> None:
    """Google doesn't tell a missing project from a closed one."""
    with pytest.raises(Forbidden):
        google_apis.client().get_cluster(name=CLUSTER.replace("example-project", "other"), timeout=60)


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
def test_a_switched_on_status_reaches_the_client(google_apis: Google, status: int, error: type[Exception]) -> None:
    """Faults look like Google's."""
    google_apis.apis.switches.status = status
    with pytest.raises(error):
        google_apis.client().get_cluster(name=CLUSTER, timeout=60)


def test_a_fault_switched_on_once_passes(google_apis: Google) -> None:
    """The second request is answered."""
    google_apis.apis.switches.status, google_apis.apis.switches.status_times = 503, 1
    url = f"{google_apis.url}/v1/projects/example-project"
    answers = [httpx.get(url, headers=BEARER, timeout=60).status_code for _ in range(2)]
    assert answers == [503, 200]


def test_a_key_file_buys_a_token(google_apis: Google) -> None:
    """The stock credentials get a token and its expiry."""
    credentials = google_apis.credentials()
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    assert google_apis.apis.tokens.accepts(credentials.token or "")
    assert google_apis.apis.tokens.issued == 1


def test_another_key_buys_nothing(google_apis: Google, tmp_path: Path) -> None:
    """A signature by a key that isn't the account's is refused."""
    ServiceAccount.make().write_key(tmp_path / "other.json", f"{google_apis.url}{TOKEN_PATH}")
    stranger = read_key(tmp_path / "other.json")
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        stranger.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]


def test_an_expired_token_is_refused(google_apis: Google) -> None:
    """A token past its lifetime gets 401, as does none at all."""
    token = google_apis.apis.tokens.issue(-1)
    url = f"{google_apis.url}/v1/projects/example-project"
    sent: list[dict[str, str]] = [{"Authorization": f"Bearer {token}"}, {}]
    assert [httpx.get(url, headers=headers, timeout=60).status_code for headers in sent] == [401, 401]


@pytest.mark.parametrize(("version", "field"), [("v1", "projectNumber"), ("v3", "name")])
def test_resource_manager_knows_the_number(google_apis: Google, version: str, field: str) -> None:
    """v1 gives the number itself, v3 as part of the name."""
    answer = httpx.get(f"{google_apis.url}/{version}/projects/example-project", headers=BEARER, timeout=60)
    assert answer.json()[field].endswith("123456789012")


def test_services_are_paged(google_apis: Google) -> None:
    """A page token leads on to the rest, without the disabled one."""
    google_apis.apis.switches.disabled_services = ["meshca.googleapis.com"]
    url = f"{google_apis.url}/v1/projects/123456789012/services"
    names, token = [], ""
    while True:
        query = {"filter": "state:ENABLED", "pageSize": "5", **({"pageToken": token} if token else {})}
        page = httpx.get(url, params=query, headers=BEARER, timeout=60).json()
        names += [service["config"]["name"] for service in page["services"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert "container.googleapis.com" in names
    assert "meshca.googleapis.com" not in names


def test_named_services_are_read_at_once(google_apis: Google) -> None:
    """batchGet tells the state of each."""
    names = [f"projects/example-project/services/{name}.googleapis.com" for name in ("anthos", "sqladmin")]
    url = f"{google_apis.url}/v1/projects/example-project/services:batchGet"
    answer = httpx.get(url, params={"names": names}, headers=BEARER, timeout=60)
    assert [service["state"] for service in answer.json()["services"]] == ["ENABLED", "DISABLED"]


def test_an_unknown_method_says_so(google_apis: Google) -> None:
    """A call that the sandbox lacks fails loudly, in Google's shape."""
    answer = httpx.get(f"{google_apis.url}/v1/nothing", headers=BEARER, timeout=60)
    assert (answer.status_code, "has no method" in answer.json()["error"]["message"]) == (404, True)


def test_the_key_is_kept(tmp_path: Path, account: ServiceAccount) -> None:
    """A second start signs with the key of the first."""
    account.write_key(tmp_path / "key.json", "http://127.0.0.1:1/token")
    kept = ServiceAccount.kept_in(tmp_path / "key.json")
    assert kept.private.private_numbers() == account.private.private_numbers()
