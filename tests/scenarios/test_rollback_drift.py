"""Ways back from a cluster that moved since, or stands half way, and with an archive that is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.cluster.server.deletion import DeleteOptions, delete_object
from steps.notes.prepare import SOURCE
from tests.journals.kept_recordings import keep_recordings
from tests.scenarios.film import THE_END, Film
from tests.scenarios.rig import ANA, BEN, Rig
from tests.scenarios.sights import look, read_row
from tests.scenarios.test_rollback import list_asked, order_return

MERGE = "application/merge-patch+json"
EDIT = {"example.com/edited": "after the upgrade"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def keep_done(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What istioctl did of one way back is taken again by others that ask the same."""
    with keep_recordings(film.studio.world.cluster, tmp_path_factory.mktemp("shelf"), lambda _run: True):
        yield


def read_deployment(rig: Rig, name: str) -> dict[str, Any]:
    """A Deployment of the shop."""
    cluster = rig.world.cluster
    return dict(cluster.api.get(find_deployments(rig), "shop", name))


def find_deployments(rig: Rig) -> Any:
    """The resource."""
    resource = rig.world.cluster.resources.of_kind("apps", "Deployment")
    assert resource
    return resource


def drift(rig: Rig) -> None:
    """One workload of the shop is scaled, one is deleted, one is edited, and one is added."""
    api, resource = rig.world.cluster.api, find_deployments(rig)
    web = read_deployment(rig, "web")
    api.patch(resource, "shop", "web", {"spec": {"replicas": web["spec"]["replicas"] + 2}}, MERGE)
    delete_object(api, resource, read_deployment(rig, "cart"), DeleteOptions())
    edit = {"spec": {"template": {"metadata": {"annotations": EDIT}}}}
    api.patch(resource, "shop", "checkout", edit, MERGE)
    labels = {"app": "newcomer"}
    template = {**web["spec"]["template"], "metadata": {**web["spec"]["template"]["metadata"], "labels": labels}}
    spec = {**web["spec"], "replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    api.create(resource, "shop", {"metadata": {"name": "newcomer", "namespace": "shop"}, "spec": spec})


def test_what_moved_since_is_asked_about_and_nothing_else(film: Film) -> None:
    """More, fewer and edited pods of known workloads are covered; a workload that nobody approved is not."""
    with film.reach(THE_END) as rig:
        drift(rig)
        rig.run_until(lambda: True)
        order_return(rig)
        rig.upgrade_all(BEN)
        assert read_row(rig, "cluster-x-2").state == "returned"
        assert list_asked(rig, "cluster-x-2") == ["sidecars/approve", "authorization/approve-return"]
        edited = read_deployment(rig, "checkout")["spec"]["template"]["metadata"]["annotations"]
        assert {*EDIT.items()} <= {*edited.items()}
        assert set(rig.bot.journal.count_ledger("cluster-x-2")) == {"upgraded"}


def test_a_field_that_somebody_set_since_is_asked_about(film: Film) -> None:
    """It would be set back."""
    with film.reach(THE_END) as rig:
        api, resource = rig.world.cluster.api, rig.world.cluster.resources.of_kind("", "ConfigMap")
        assert resource
        mesh = api.get(resource, "istio-system", "istio")["data"]["mesh"]
        edit = {"data": {"mesh": f"{mesh}\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n"}}
        api.patch(resource, "istio-system", "istio", edit, MERGE)
        order_return(rig)
        rig.run_until(lambda: read_row(rig, "cluster-x-2").state == "asking", 600)
        assert read_row(rig, "cluster-x-2").step == "control-plane/approve-return"


def test_an_upgrade_that_was_aborted_half_way_is_taken_back(film: Film) -> None:
    """Pods of both releases, and a control plane of the new one."""
    with film.reach("sidecars/restart") as rig:
        rig.command(ANA, "abort cluster-x enough for today")
        rig.run_until(lambda: read_row(rig, "cluster-x-1").state == "aborted", 600)
        order_return(rig)
        rig.upgrade_all(BEN)
        assert (read_row(rig, "cluster-x-2").state, look(rig.world)) == ("returned", film.reel.before)


def test_an_archive_that_is_gone_blocks_before_anything_is_written(film: Film) -> None:
    """It says what is missing; Retry goes on once it is there again."""
    with film.reach(THE_END) as rig:
        source = rig.bot.journal.recall("cluster-x-1", SOURCE)
        assert source is not None
        shutil.rmtree(rig.world.settings.state / "releases")
        rig.world.releases.switches.status = 404
        order_return(rig)
        rig.run_until(lambda: read_row(rig, "cluster-x-2").state == "blocked", 3600)
        row = read_row(rig, "cluster-x-2")
        assert (row.step, source.version in row.sentence) == ("download/fetch", True)
        rig.world.releases.switches.status = 0
        rig.command(ANA, "retry cluster-x")
        rig.upgrade_all(BEN)
        assert read_row(rig, "cluster-x-2").state == "returned"
