"""Clusters that are not in clusters.toml: how they are looked for, named and written down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bot.discovery.search import GkeSearch
from bot.settings.clusters import Cluster, parse_clusters
from bot.settings.projects import name_found, parse_discovery, write_cluster_table
from steps.contract.errors import GiveUp
from steps.contract.options import Overlay, UpgradeOptions
from steps.mesh import ClusterAddress, Discovery
from tests.unit.bot.workbench import ANA, HandClock

FILE = Path("clusters.toml")
CONFIGURED = """
[defaults]
channel = "C0MESHOPS1"
requesters = ["U0ANA00001"]
approvers = ["U0BEN00002"]
[clusters.cluster-x]
project = "example-project"
location = "us-central1-a"
name = "cluster-x"
"""


def place(name: str, location: str = "us-east1", project: str = "example-project") -> ClusterAddress:
    """A cluster as GKE lists it."""
    return ClusterAddress(name, project, location, name)


class Listing:
    """GKE on paper: clusters by project, a fault, and how often it was asked."""

    def __init__(self, **projects: tuple[ClusterAddress, ...]) -> None:
        self.projects = projects
        self.fault: Exception | None = None
        self.asked: list[str] = []

    def discover(self, project: str) -> Discovery:
        """List a project's clusters."""
        self.asked.append(project)
        if self.fault:
            raise self.fault
        return Discovery(self.projects.get(project, ()))


def search_of(listing: Listing, *projects: str, clock: HandClock | None = None) -> GkeSearch:
    """A search in projects."""
    return GkeSearch(listing.discover, projects, clock or HandClock())


def look(search: GkeSearch) -> bool:
    """Want a look and have it made."""
    search.want()
    return search.turn()


def configured() -> dict[str, Cluster]:
    """The clusters of the file."""
    return dict(parse_clusters(CONFIGURED, FILE)[0])


def test_nothing_is_asked_before_somebody_wants_to_know() -> None:
    """A bot that nobody looks at leaves Google alone."""
    listing = Listing()
    assert (search_of(listing, "one").turn(), listing.asked) == (False, [])


def test_what_was_found_lately_is_not_looked_for_again() -> None:
    """Ten people who open the form cost one look."""
    listing = Listing(one=(place("cluster-y"),))
    search = search_of(listing, "one")
    assert ([look(search) for _ in range(10)].count(True), listing.asked) == (1, ["one"])


def test_after_a_minute_it_is_looked_for_again() -> None:
    """New clusters appear without a restart."""
    clock, listing = HandClock(), Listing()
    search = search_of(listing, "one", clock=clock)
    look(search)
    clock.advance(61)
    assert look(search)


def test_who_waits_is_called_once_there_is_something_new() -> None:
    """And not again."""
    called: list[int] = []
    search = search_of(Listing(one=(place("cluster-y"),)), "one")
    search.want(lambda: called.append(len(search.read().clusters)))
    search.turn()
    look(search)
    assert called == [1]


def test_a_project_that_fails_is_named_and_hides_no_other() -> None:
    """Errors are by project."""
    listing = Listing(two=(place("cluster-y", project="two"),))

    def discover(project: str) -> Discovery:
        if project == "one":
            raise GiveUp("the GKE API refused to list the clusters of one.", "Grant it.")
        return listing.discover(project)

    search = GkeSearch(discover, ["one", "two"], HandClock())
    look(search)
    found = search.read()
    assert ([address.key for address in found.clusters], found.faults) == (
        ["cluster-y"],
        ("one could not be searched: the GKE API refused to list the clusters of one",),
    )


def test_what_a_project_told_stands_while_it_fails() -> None:
    """A passing fault empties no picker."""
    clock, listing = HandClock(), Listing(one=(place("cluster-y"),))
    search = search_of(listing, "one", clock=clock)
    look(search)
    listing.fault = GiveUp("Google is out of order", "Wait.")
    clock.advance(61)
    look(search)
    assert (len(search.read().clusters), len(search.read().faults)) == (1, 1)


def test_an_unexpected_fault_is_a_sentence_too() -> None:
    """The bot goes on."""
    listing = Listing()
    listing.fault = ZeroDivisionError("oops")
    search = search_of(listing, "one")
    look(search)
    assert search.read().faults == ("one could not be searched: a fault of the bot itself (ZeroDivisionError)",)


def test_zones_that_did_not_answer_are_named() -> None:
    """The list may lack their clusters."""
    search = GkeSearch(lambda _project: Discovery((), ("us-east1-b",)), ["one"], HandClock())
    look(search)
    assert search.read().faults == ("one was searched in part only: us-east1-b did not answer",)


def test_a_project_that_hangs_counts_as_silent() -> None:
    """Whatever the client's own limits do."""
    answered = threading.Event()

    def hang(_project: str) -> Discovery:
        answered.wait(30)
        return Discovery(())

    search = GkeSearch(hang, ["one"], HandClock(), limit=0.01)
    look(search)
    answered.set()
    assert search.read().faults == ("one could not be searched: Google did not answer within 0.01 s",)


def test_a_project_that_finds_no_thread_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of processes ends no bot; the next look finds it."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    search = search_of(Listing(), "example-project")
    assert look(search)
    assert search.read().faults == (
        "example-project could not be searched: no thread could be started for the search for clusters: "
        "can't start new thread",
    )


def test_a_configured_cluster_is_not_found_again() -> None:
    """By its place, whatever its key is."""
    clusters = {"mine": next(iter(configured().values()))}
    assert name_found([place("cluster-x", "us-central1-a"), place("cluster-y")], clusters).keys() == {"cluster-y"}


def test_a_cluster_configured_by_a_context_of_gcloud_is_not_found_again() -> None:
    """Such contexts tell the place."""
    text = CONFIGURED.split("[clusters")[0] + (
        '[clusters.y]\nkubeconfig = "k"\ncontext = "gke_example-project_us-east1_cluster-y"\n'
    )
    assert name_found([place("cluster-y")], parse_clusters(text, FILE)[0]) == {}


def test_clusters_of_one_name_are_told_apart() -> None:
    """By location, then by project; a key of clusters.toml is never taken."""
    found = name_found(
        [
            place("twin", "us-east1"),
            place("twin", "us-west1"),
            place("twin", "us-west1", "other-project"),
            place("cluster-x", "us-east1"),
        ],
        configured(),
    )
    assert set(found) == {"twin-us-east1", "twin-us-west1", "other-project-us-west1-twin", "cluster-x-us-east1"}


def test_the_projects_are_those_of_the_clusters_and_of_the_setting() -> None:
    """Each once."""
    text = CONFIGURED + '[discovery]\nprojects = ["other-project", "example-project"]\n'
    settings, faults = parse_discovery(text, FILE, configured())
    assert (settings.projects, faults) == (("example-project", "other-project"), [])


def test_discovery_can_be_turned_off() -> None:
    """Then Google is never asked for clusters."""
    settings, _ = parse_discovery(CONFIGURED + "[discovery]\nenabled = false\n", FILE, configured())
    assert settings.projects == ()


def test_nobody_may_approve_a_cluster_that_was_only_found() -> None:
    """Whoever [defaults] names."""
    policy = parse_discovery(CONFIGURED, FILE, configured())[0].template.policy
    assert (policy.approvers, policy.break_glass, policy.requesters) == (frozenset(), frozenset(), frozenset({ANA}))


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("[discovery]\nprojects = 'one'\n", "must be a list of Google project ids"),
        ("[discovery]\nprojects = ['No/Such']\n", "must be a list of Google project ids"),
        ("[discovery]\nenabled = 'yes'\n", "must be true or false"),
        (
            "[discovery]\nproject = ['one']\n",
            "has project (did you mean `projects`?), which is not one of enabled",
        ),
    ],
)
def test_a_wrong_setting_is_named(table: str, part: str) -> None:
    """With what it takes."""
    _, faults = parse_discovery(CONFIGURED + table, FILE, configured())
    assert part in faults[0]


def test_the_lines_to_add_keep_what_was_chosen(tmp_path: Path) -> None:
    """Read as part of the file they give the same options."""
    (tmp_path / "mesh.yaml").write_text("apiVersion: install.istio.io/v1alpha2\nkind: IstioControlPlane\nspec: {}\n")
    options = UpgradeOptions(
        mtls="STRICT",
        set_flags=("values.global.proxy.accessLogFormat=a \\ 'b'",),
        overlays=(Overlay("mesh.yaml", (tmp_path / "mesh.yaml").read_text()),),
        testing_workloads=False,
        canary_namespaces=("shop", "blog"),
        skip_namespaces=("ops",),
    )
    lines = write_cluster_table(place("cluster-y"), options, frozenset({"approvers"}))
    clusters, faults = parse_clusters(CONFIGURED + "\n".join(lines), tmp_path / "clusters.toml")
    found = clusters["cluster-y"].options
    assert (faults, found.mtls, found.set_flags, found.overlays, found.testing_workloads) == (
        [],
        options.mtls,
        options.set_flags,
        options.overlays,
        False,
    )


def test_the_lines_name_the_approvers_that_nobody_has_set() -> None:
    """Without them the cluster could still not be approved."""
    lines = write_cluster_table(place("cluster-y"), UpgradeOptions(), frozenset({"channel"}))
    assert any(line.startswith("approvers = []") for line in lines)
