"""What goes wrong with workloads while their sidecars move."""

from __future__ import annotations

import dataclasses

import pytest

from steps.contract.errors import TryAgain
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.mesh import DisruptionBudget, WorkloadRef
from tests.unit.steps.paper_cluster import OLD, PaperCluster
from tests.unit.steps.phases.sidecars.paper_phase import WEB, approved
from tests.unit.steps.rig import Rig, later


def test_a_crash_looping_workload_blocks_with_its_events(cluster: PaperCluster) -> None:
    """New pods that don't start end in Blocked with Skip on offer and the events at hand."""
    web = cluster.add("Deployment", "shop", "web", 3)
    web.stuck, web.problem = True, "app CrashLoopBackOff: back-off"
    outcome = approved(cluster).run("restart")
    assert isinstance(outcome, Blocked)
    assert "shop/Deployment/web can't be re-injected: new pod web-" in outcome.why
    assert [choice.id for choice in outcome.choices] == ["skip"]
    assert "has an event" in outcome.attachments[0].text


def test_a_skipped_workload_is_listed_by_whom_and_why(cluster: PaperCluster) -> None:
    """Skip ends the failing workload's pods as skipped, and the phase goes on."""
    web = cluster.add("Deployment", "shop", "web", 3)
    cluster.add("Deployment", "shop", "ok", 2)
    web.stuck, web.problem = True, "app CrashLoopBackOff: back-off"
    rig = approved(cluster)
    rig.decide(rig.run("restart"), "skip", "known to be broken")
    assert isinstance(rig.run("restart"), Done)
    entries = [entry for entry in rig.ledger.read_entries() if entry.state == "skipped"]
    assert {(entry.by, entry.reason) for entry in entries} == {("U0BEN00002", "known to be broken")}
    assert (rig.count("upgraded"), rig.count("skipped")) == (2, 3)


def test_a_skip_holds_only_for_what_had_failed(cluster: PaperCluster) -> None:
    """A workload that fails after a Skip asks again."""
    first = cluster.add("Deployment", "shop", "a", 1)
    second = cluster.add("Deployment", "shop", "b", 2)
    first.stuck, first.problem = True, "app CrashLoopBackOff: back-off"
    second.stuck, second.problem = True, "app CrashLoopBackOff: back-off"
    rig = approved(cluster)
    rig.decide(rig.run("restart"), "skip", "broken")
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("shop/Deployment/b")


def test_a_retry_goes_on_with_a_mended_workload(cluster: PaperCluster) -> None:
    """After the person mended it, the same restart ends without a second one."""
    web = cluster.add("Deployment", "shop", "web", 3)
    web.stuck, web.problem = True, "app CrashLoopBackOff: back-off"
    rig = approved(cluster)
    rig.run("restart")
    web.stuck, web.problem = False, ""
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), len(cluster.restarts)) == (3, 1)


def test_a_failure_within_the_budget_lets_the_others_end_first(cluster: PaperCluster) -> None:
    """With a budget of 2 one failing workload holds up nobody, and blocks at the end."""
    web = cluster.add("Deployment", "shop", "web", 3)
    cluster.add("Deployment", "shop", "ok", 20, pace=1)
    web.stuck, web.problem = True, "app CrashLoopBackOff: back-off"
    limits = dataclasses.replace(Rig(cluster).options.limits, failure_budget=2)
    rig = approved(cluster, limits=limits)
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert (rig.count("upgraded"), rig.count("failed")) == (20, 3)


def test_an_exceeded_quota_is_named(cluster: PaperCluster) -> None:
    """A controller that can't create pods fails with its own words."""
    cluster.add("Deployment", "shop", "web", 3)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.change(WEB, failure="FailedCreate: exceeded quota: pods")
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "exceeded quota: pods" in outcome.why


@pytest.mark.weather("workload deleted in the middle")
def test_a_workload_deleted_in_the_middle_is_gone(cluster: PaperCluster) -> None:
    """Its pods end as gone and hold up nothing."""
    cluster.add("Deployment", "shop", "web", 3, pace=1)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.delete_workload(WEB)
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("gone") == 3


def test_orphans_of_a_deleted_workload_are_left_to_a_person(cluster: PaperCluster) -> None:
    """Pods left behind without an owner are not evicted: nothing would make them anew."""
    cluster.add("Deployment", "shop", "web", 3, pace=1)
    rig = approved(cluster)
    cluster.delete_workload(WEB, orphan=True)
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("manual"), cluster.evictions) == (3, [])


def test_a_namespace_deleted_in_the_middle_does_not_fail(cluster: PaperCluster) -> None:
    """Controllers that can't create pods in a terminating namespace are waited for."""
    cluster.add("Deployment", "shop", "web", 3)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.change(WEB, failure="FailedCreate: namespace shop is being terminated")
    cluster.namespaces["shop"] = dataclasses.replace(cluster.namespaces["shop"], terminating=True)
    later(cluster, 5)
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    cluster.delete_workload(WEB)
    del cluster.namespaces["shop"]
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("gone") == 3


def test_a_workload_scaled_down_in_the_middle_adds_up(cluster: PaperCluster) -> None:
    """An autoscaler that takes pods away leaves them as gone, the others as upgraded."""
    cluster.add("Deployment", "shop", "web", 6, pace=2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.scale(WEB, 4)
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), rig.count("gone")) == (4, 2)


def test_a_workload_scaled_up_in_the_middle_adds_up(cluster: PaperCluster) -> None:
    """Pods that an autoscaler adds are new and in nobody's ledger."""
    cluster.add("Deployment", "shop", "web", 3, pace=1)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.scale(WEB, 5)
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), len(rig.ledger.committed)) == (3, 3)


def test_a_workload_paused_in_the_middle_blocks(cluster: PaperCluster) -> None:
    """A rollout that somebody paused is told, not waited for."""
    cluster.add("Deployment", "shop", "web", 6, pace=1)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.tick()
    cluster.change(WEB, paused=True)
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "its rollout is paused" in outcome.why


def test_a_workload_switched_to_on_delete_is_not_patched(cluster: PaperCluster) -> None:
    """A strategy changed after the approval makes the approved method wrong: another one is asked about."""
    db = cluster.add("StatefulSet", "store", "db", 2)
    rig = approved(cluster)
    cluster.change(db.ref, strategy="OnDelete")
    outcome = rig.run("restart")
    assert isinstance(outcome, Ask)
    assert outcome.moved == ("namespace store: StatefulSet/db: its update strategy is OnDelete by now",)
    assert cluster.restarts == []


def test_a_template_changed_after_the_approval_stops_evictions(cluster: PaperCluster) -> None:
    """Evicting would roll the change out, which nobody approved."""
    db = cluster.add("StatefulSet", "store", "db", 2, strategy="OnDelete")
    rig = approved(cluster)
    db.revision += 1
    assert isinstance(rig.run("restart"), Done)
    assert any("would come back with another revision" in said for said in rig.said)
    assert (cluster.evictions, rig.count("manual")) == ([], 2)


def test_a_rollout_of_somebody_else_is_waited_for(cluster: PaperCluster) -> None:
    """A workload in the middle of a rollout is restarted after it, not on top of it."""
    web = cluster.add("Deployment", "shop", "web", 4, pace=1)
    rig = approved(cluster)
    cluster.tag = OLD
    web.revision += 1
    cluster.tick()
    cluster.move_control_plane()
    rig.turn("restart")
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert any("somebody else began" in line for line in outcome.details)
    assert cluster.restarts == []


@pytest.mark.weather("budget stuck at 0")
def test_a_budget_that_allows_nothing_is_waited_for_and_then_told(cluster: PaperCluster) -> None:
    """A disruption budget stuck at 0 is never gone round."""
    cluster.add("ReplicaSet", "batch", "lone", 2)
    cluster.budgets.append(DisruptionBudget("batch", "lone", {"app": "lone"}, "2", "", 0))
    outcome = approved(cluster).run("restart", turns=2000)
    assert isinstance(outcome, Blocked)
    assert "disruption budget lone allows no eviction" in outcome.why
    assert cluster.evictions == []


def test_overlapping_budgets_are_reported(cluster: PaperCluster) -> None:
    """Kubernetes refuses every eviction under two budgets; a person has to choose."""
    cluster.add("ReplicaSet", "batch", "lone", 2)
    for name in ("one", "two"):
        cluster.budgets.append(DisruptionBudget("batch", name, {"app": "lone"}, "", "1", 1))
    outcome = approved(cluster).run("restart")
    assert isinstance(outcome, Blocked)
    assert "more than one disruption budget" in outcome.why


def test_a_refused_call_is_tried_again_with_the_same_stamp(cluster: PaperCluster) -> None:
    """A failing API server costs time and no second restart."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    restart = cluster.restart_workload

    def fail_once(ref: WorkloadRef, stamp: str, resource_version: str = "") -> None:
        restart(ref, stamp, resource_version)
        cluster.restart_workload = restart  # type: ignore[method-assign]
        raise TryAgain("the answer was lost")

    cluster.restart_workload = fail_once  # type: ignore[method-assign]
    assert isinstance(rig.run("restart"), Done)
    assert len({stamp for _, stamp in cluster.restarts}) == 1


def test_a_restart_that_was_undone_is_asked_for_again(cluster: PaperCluster) -> None:
    """A template put back by other tooling before a pod moved gets the same stamp once more."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.change(WEB, restarted_at="")
    cluster.controllers[WEB].revision -= 1
    assert isinstance(rig.run("restart"), Done)
    assert rig.count("upgraded") == 2


def test_a_workload_replaced_meanwhile_is_not_restarted(cluster: PaperCluster) -> None:
    """Pods that were made anew between approval and restart need nothing."""
    web = cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    web.revision += 1
    for _ in range(3):
        cluster.tick()
    assert isinstance(rig.run("restart"), Done)
    assert (rig.count("upgraded"), cluster.restarts) == (2, [])


def test_a_clock_that_jumps_back_does_no_harm(cluster: PaperCluster) -> None:
    """An hour back in the middle delays nothing for an hour."""
    cluster.add("Deployment", "shop", "web", 6, pace=1)
    cluster.add("Deployment", "shop", "cart", 6, pace=1)
    rig = approved(cluster)
    for _ in range(5):
        rig.turn("restart")
        cluster.tick()
    later(cluster, -60)
    assert isinstance(rig.run("restart", turns=200), Done)


def test_a_clock_that_jumps_ahead_gives_a_new_chance_on_retry(cluster: PaperCluster) -> None:
    """An hour ahead may use up a patience, but a retry ends well."""
    cluster.add("Deployment", "shop", "web", 6, pace=1)
    rig = approved(cluster)
    for _ in range(3):
        rig.turn("restart")
        cluster.tick()
    later(cluster, 60)
    rig.run("restart")
    assert isinstance(rig.run("restart"), Done)


def test_a_namespace_that_lost_its_label_is_not_restarted(cluster: PaperCluster) -> None:
    """A restart would take the sidecars away."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    cluster.add_namespace("shop", injected=False)
    later(cluster, 1)
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "a restart would take its sidecar away: namespace shop is not injected any more" in outcome.why
    assert cluster.restarts == []


def test_a_template_that_opted_out_is_not_restarted(cluster: PaperCluster) -> None:
    """The annotation came after the approval."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    cluster.change(WEB, template_annotations={"sidecar.istio.io/inject": "false"})
    outcome = rig.run("restart")
    assert isinstance(outcome, Blocked)
    assert "its template does not ask for one any more" in outcome.why
    assert cluster.restarts == []
