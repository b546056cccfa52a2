from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.gateways.calls.retries import ReadRetries
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.google.gke import GkeGateway, GoogleEndpoints
from sandbox.google.account import EMAIL, ServiceAccount
from sandbox.google.server import TOKEN_PATH
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import GkeState, Operation
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Silence, in_order
from tests.unit.bot.gateways.project import ADDRESS, Google, refuse_kubeconfigs


def test_the_guides_variables_are_read(google: Google, gke: GkeGateway) -> None:
    """Project id and number, location, workload pool and mesh id."""
    identity = gke.describe_cluster(ADDRESS)
    assert (identity.project_id, identity.project_number) == ("example-project", "123456789012")
    assert (identity.location, identity.name) == ("us-central1-a", "cluster-x")
    assert identity.workload_pool == "example-project.svc.id.goog"
    assert identity.mesh_id == "proj-123456789012"
    assert identity.server_version == "v1.16.15-gke.6000"
    assert (identity.endpoint, identity.release_channel, identity.node_count) == ("public", "REGULAR", 4)


def test_a_projects_number_is_asked_for_once(google: Google, gke: GkeGateway) -> None:
    """It never becomes another; all else of the cluster is asked each time."""
    for version in ("1.16.15-gke.6000", "1.17.0-gke.1"):
        google.change_cluster(server_version=version)
        identity = gke.describe_cluster(ADDRESS)
        assert (identity.project_number, identity.server_version) == ("123456789012", f"v{version}")
    assert google.apis.requests.count(("GET", "/v1/projects/example-project")) == 1


def test_a_cluster_without_workload_identity_is_explained(google: Google, gke: GkeGateway) -> None:
    """The command that switches it on is the remedy."""
    google.switches.no_workload_pool = True
    with pytest.raises(GiveUp, match="no workload identity pool") as raised:
        gke.describe_cluster(ADDRESS)
    assert "--workload-pool=example-project.svc.id.goog" in raised.value.remedy


def test_gke_s_own_state_is_read(google: Google, gke: GkeGateway) -> None:
    """The status with its words, said once, the kind of cluster and when it ends."""
    assert gke.describe_cluster(ADDRESS).gke == GkeState("RUNNING")
    switches = google.switches
    switches.cluster_status, switches.cluster_message = "DEGRADED", "No route to the nodes."
    switches.autopilot, switches.alpha_until = True, "2026-12-20T08:00:00+00:00"
    end = datetime(2026, 12, 20, 8, 0, tzinfo=UTC)
    assert gke.describe_cluster(ADDRESS).gke == GkeState("DEGRADED", "No route to the nodes", True, True, end)


@pytest.mark.parametrize("until", ["never", "2026-12-20"])
def test_an_end_that_can_not_be_read_is_no_fault(google: Google, gke: GkeGateway, until: str) -> None:
    """It is an alpha cluster all the same."""
    google.switches.alpha_until = until
    assert gke.describe_cluster(ADDRESS).gke.alpha


def test_an_unknown_cluster_is_named(google: Google, gke: GkeGateway) -> None:
    """A mistyped name points to clusters.toml."""
    with pytest.raises(GiveUp, match="clusters/cluster-y") as raised:
        gke.describe_cluster(replace(ADDRESS, name="cluster-y"))
    assert "clusters.toml" in raised.value.remedy


def test_a_missing_role_is_named_with_its_command(google: Google, gke: GkeGateway) -> None:
    """403 of GKE says which role reads clusters."""
    google.switches.status = 403
    google.switches.status_on = "/clusters/"
    with pytest.raises(GiveUp) as raised:
        gke.describe_cluster(ADDRESS)
    assert "gcloud projects add-iam-policy-binding example-project" in raised.value.remedy
    assert "roles/container.clusterViewer" in raised.value.remedy


def test_a_passing_error_of_gke_is_not_seen(google: Google, gke: GkeGateway) -> None:
    """One 503 costs a short pause."""
    google.switches.status, google.switches.status_times = 503, 1
    assert gke.describe_cluster(ADDRESS).name == "cluster-x"


@pytest.mark.parametrize("place", ["/clusters/", "/v1/projects/example-project"])
def test_lasting_errors_are_tried_again_later(google: Google, gke: GkeGateway, place: str) -> None:
    """A Google that is down is the runner's to wait for."""
    google.switches.status, google.switches.status_on = 500, place
    with pytest.raises(TryAgain, match="answered 500"):
        gke.describe_cluster(ADDRESS)


def test_discovery_names_zones_that_did_not_answer(google: Google, gke: GkeGateway) -> None:
    """A partial list says that it is one."""
    google.switches.missing_zones = ["us-east1-b"]
    found = gke.discover_clusters("example-project")
    assert found.clusters == (ADDRESS,)
    assert found.missing_zones == ("us-east1-b",)


def test_running_operations_of_the_cluster_are_listed(google: Google, gke: GkeGateway) -> None:
    """An upgrade of nodes in progress is seen."""
    google.switches.operations = ["UPGRADE_NODES"]
    (operation,) = gke.list_operations(ADDRESS)
    assert operation.kind == "UPGRADE_NODES"
    assert "clusters/cluster-x/nodePools" in operation.target


def test_operations_of_another_cluster_are_not(google: Google, gke: GkeGateway) -> None:
    """A neighbour of a longer name is somebody else's."""
    google.switches.operations = ["UPGRADE_NODES"]
    google.change_cluster(name="cluster-x-2")
    assert gke.list_operations(ADDRESS) == tuple[Operation]()


def test_maintenance_exclusions_are_read_in_utc(google: Google, gke: GkeGateway) -> None:
    """Start and end are moments, not texts."""
    google.switches.exclusions = {"freeze": ["2026-12-01T00:00:00Z", "2027-01-02T00:00:00Z"]}
    (exclusion,) = gke.list_exclusions(ADDRESS)
    assert (exclusion.name, exclusion.start, exclusion.end) == (
        "freeze",
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 2, tzinfo=UTC),
    )


def test_disabled_apis_are_found_over_all_pages(google: Google, gke: GkeGateway) -> None:
    """Only what is asked for and not enabled is named."""
    google.apis.project = replace(
        google.apis.project, services=(*(f"s{n}.googleapis.com" for n in range(450)), *google.apis.project.services)
    )
    google.switches.disabled_services = ["meshca.googleapis.com"]
    asked = ["compute.googleapis.com", "meshca.googleapis.com", "unheard.googleapis.com"]
    assert gke.list_disabled_services("example-project", asked) == (
        "meshca.googleapis.com",
        "unheard.googleapis.com",
    )


def test_a_withdrawn_token_is_replaced_once(google: Google, gke: GkeGateway) -> None:
    """401 refreshes, and the call goes through."""
    gke.describe_cluster(ADDRESS)
    google.apis.tokens.withdraw_all()
    assert gke.describe_cluster(ADDRESS).name == "cluster-x"
    assert google.apis.tokens.issued == 2


def test_a_token_near_its_end_is_refreshed_before(google: Google, gke: GkeGateway) -> None:
    """No call begins with a token that may expire on the way."""
    google.switches.token_lifetime = 200
    first = google.credentials.read_token()
    assert google.credentials.read_token() != first


def test_a_fresh_token_is_kept(google: Google, gke: GkeGateway) -> None:
    """The token endpoint is asked once an hour, not once a call."""
    for _ in range(3):
        gke.describe_cluster(ADDRESS)
    assert google.apis.tokens.issued == 1


def test_a_refused_key_is_explained(google: Google, gke: GkeGateway) -> None:
    """A deleted key is a person's to replace."""
    ServiceAccount.make().write_key(google.key_file, f"{google.site.url}{TOKEN_PATH}")
    with pytest.raises(GiveUp, match="refused to renew") as raised:
        gke.describe_cluster(ADDRESS)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in raised.value.remedy


def test_the_account_is_that_of_the_key(google: Google, gke: GkeGateway) -> None:
    """Bindings name the service account by its address."""
    assert google.credentials.read_account() == EMAIL


def test_absent_credentials_are_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path that leads nowhere is named with the ways to give another."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    credentials = GoogleCredentials()
    assert not credentials.are_found()
    with pytest.raises(GiveUp, match=r"none\.json"):
        credentials.read_token()


def test_a_silent_google_is_tried_again(
    google: Google, serve: Serve, retries: ReadRetries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call to Google has a time limit."""
    url = serve(in_order(Silence())).url
    gateway = GkeGateway(google.credentials, refuse_kubeconfigs, GoogleEndpoints(url, url, url), 0.2, retries)
    with pytest.raises(TryAgain, match=r"gave no answer|could not be reached.*ConnectTimeout"):
        gateway.describe_cluster(ADDRESS)
    with pytest.raises(TryAgain, match=r"gave no answer|could not be reached.*ConnectTimeout"):
        gateway.list_disabled_services("example-project", ["a"])
    gateway.close()
