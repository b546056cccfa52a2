import csv
import io

import pytest

from steps.contract.errors import GiveUp
from steps.contract.ledger import LedgerEntry
from steps.contract.step import Blocked, Done
from steps.mesh import WorkloadRef
from steps.phases.sidecars.approvals.cards import attach_ledger, describe_ledger
from steps.phases.sidecars.flights.recording import open_entries
from steps.phases.sidecars.phase import check_sums
from tests.unit.steps.paper import start_paper
from tests.unit.steps.paper_cluster import OLD, PaperCluster
from tests.unit.steps.rig import start
from tests.unit.steps.shapes import entry, flight, pod

ENDED = (
    entry("a", "upgraded", evidence="on 1.4.10-asm.18"),
    entry("b", "manual", reason="nothing owns it", command="kubectl delete pod b"),
    entry("c", "skipped", reason="broken", by="U0BEN00002"),
    entry("d", "gone", evidence="its workload was deleted"),
)


def test_a_ledger_in_which_each_pod_has_its_end_adds_up() -> None:
    """Upgraded, manual, skipped and gone, each with what belongs to it."""
    check_sums(ENDED)
    assert (
        describe_ledger(start_paper().context(), ENDED)
        == "1 upgraded + 1 manual + 1 skipped + 1 gone + 0 failed = 4 pods"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        entry("x", "pending"),
        entry("x", "failed", reason="it crashes", evidence="seen"),
        entry("x", "upgraded"),
        entry("x", "manual", reason="nothing owns it"),
        entry("x", "manual", command="kubectl delete pod x"),
        entry("x", "skipped", by="U0BEN00002"),
        entry("x", "skipped", reason="broken"),
        entry("x", "gone"),
    ],
)
def test_a_pod_without_an_explained_end_stops_the_phase(wrong: LedgerEntry) -> None:
    """The sum must never be shown as right where it is not."""
    with pytest.raises(GiveUp, match=rf"1 of 5 pods have no end \(shop/x {wrong.state}\)"):
        check_sums((*ENDED, wrong))


def test_pods_that_are_still_open_stand_in_the_sum() -> None:
    """Only while there are any."""
    assert describe_ledger(start_paper().context(), [*ENDED, entry("x", "pending")]).endswith(
        "+ 0 failed + 1 pending = 5 pods"
    )


def test_the_file_has_a_line_for_each_pod() -> None:
    """With reason, command, by whom and evidence."""
    rows = list(csv.DictReader(io.StringIO(attach_ledger(ENDED).text)))
    assert [row["pod"] for row in rows] == ["a", "b", "c", "d"]
    assert (rows[1]["command"], rows[2]["by"], rows[3]["evidence"]) == (
        "kubectl delete pod b",
        "U0BEN00002",
        "its workload was deleted",
    )


def test_a_skip_is_not_undone_by_the_next_inventory(cluster: PaperCluster) -> None:
    """The pods still have the old sidecar, and stay as the person left them."""
    web = WorkloadRef("shop", "Deployment", "web")
    cluster.add("Deployment", "shop", "web", 2, pace=0)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    rig.turn("restart")
    cluster.change(web, paused=True)
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    rig.decide(outcome, "skip", "it stays paused")
    assert isinstance(rig.run("restart"), Done)
    assert isinstance(rig.approve("acknowledge"), Done)
    assert (rig.count("skipped"), cluster.versions_of(web), len(cluster.restarts)) == (2, [OLD, OLD], 1)


def test_a_pod_that_came_into_scope_later_is_in_its_workloads_wave() -> None:
    """The waves' sums count it where it is restarted."""
    (made,) = open_entries(flight(entry("a")), [pod("late")], "pending", "")
    assert (made.workload, made.wave, made.state) == ("shop/Deployment/web", "shop", "pending")
