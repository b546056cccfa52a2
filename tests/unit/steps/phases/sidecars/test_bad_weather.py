import dataclasses

import pytest

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.mesh import DisruptionBudget, WorkloadRef
from tests.unit.steps.paper_cluster import HUB, OLD, WEBHOOK, PaperCluster
from tests.unit.steps.rig import Rig, later, start

WEB = WorkloadRef("shop", "Deployment", "web")


def approved(cluster: PaperCluster, **options: object) -> Rig[PaperCluster]:
    """A planned and approved phase."""
    cluster.move_control_plane()
    rig = start(cluster, **options)
    assert isinstance(rig.approve("approve"), Done)
    return rig


def test_nothing_is_planned_while_the_control_plane_is_old(cluster: PaperCluster) -> None:
    """A control plane that is not on the target stops the phase before anything else."""
    cluster.add("Deployment", "shop", "web")
    rig = Rig(cluster)
    with pytest.raises(GiveUp, match=r"not 1\.4\.10-asm\.18"):
        rig.turn("plan")


def test_nothing_is_restarted_while_the_injector_is_down(cluster: PaperCluster) -> None:
    """Without a ready endpoint of the injector the phase waits and says why."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    cluster.endpoints = 0
    outcome = rig.turn("restart")
    assert isinstance(outcome, Waiting)
    assert "nothing is restarted while the injector has no ready endpoint" in outcome.why
    assert not cluster.restarts


def test_an_injector_back_up_lets_the_phase_end(cluster: PaperCluster) -> None:
    """The phase goes on by itself once the webhook has its CA bundle again."""
    cluster.add("Deployment", "shop", "web", 3)
    rig = approved(cluster)
    cluster.webhook = dataclasses.replace(WEBHOOK, has_ca_bundle=False)
    rig.turn("restart")
    cluster.webhook = WEBHOOK
    assert isinstance(rig.run("restart"), Done)


def test_a_changed_injector_stops_the_phase(cluster: PaperCluster) -> None:
    """A ConfigMap that names another version ends in a sentence that says so."""
    cluster.add("Deployment", "shop", "web")
    rig = approved(cluster)
    cluster.tag = OLD
    with pytest.raises(GiveUp, match="the injector injects"):
        rig.turn("restart")


def test_a_pod_with_another_sidecar_stops_the_phase(cluster: PaperCluster) -> None:
    """The first restarted pod is looked at, and a wrong one lets nothing more restart."""
    cluster.add("Deployment", "shop", "a", 1)
    cluster.add("Deployment", "shop", "b", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.tag = "1.4.9-asm.1"
    cluster.tick()
    outcome = rig.turn("restart")
    assert isinstance(outcome, Blocked)
    assert "the injector gave shop/a-" in outcome.why
    assert len(cluster.restarts) == 1


def test_a_retry_restarts_what_the_wrong_injector_made(cluster: PaperCluster) -> None:
    """Once the injector is mended, retry gives the wrongly made pods the right sidecar."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.tag = "1.4.9-asm.1"
    cluster.tick()
    rig.turn("restart")
    cluster.tag = cluster.release.version
    assert isinstance(rig.run("restart"), Done)
    assert cluster.versions_of(WEB) == [cluster.release.version] * 2


def test_only_one_workload_moves_until_the_first_pod_is_checked(cluster: PaperCluster) -> None:
    """The smallest workload goes alone, however many may move at once."""
    for name in ("a", "b", "c"):
        cluster.add("Deployment", "shop", name, 3 if name != "b" else 1)
    rig = approved(cluster)
    rig.turn("restart")
    rig.turn("restart")
    assert [ref.name for ref, _ in cluster.restarts] == ["b"]


def test_only_one_pod_is_evicted_until_it_is_checked(cluster: PaperCluster) -> None:
    """Of a workload that is evicted, one pod goes first."""
    cluster.add("ReplicaSet", "batch", "lone", 40)
    rig = approved(cluster)
    for _ in range(3):
        rig.turn("restart")
    assert len(cluster.evictions) == 1


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


def test_an_injector_that_stays_away_is_told(cluster: PaperCluster) -> None:
    """Waiting for it ends with a workload's patience."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    cluster.endpoints = 0
    assert isinstance(rig.turn("restart"), Waiting)
    later(cluster, 11)
    with pytest.raises(GiveUp, match="nothing could be restarted for 11 min: the injector has no ready endpoint"):
        rig.turn("restart")


def test_a_control_plane_that_gets_on_holds_the_sidecars_without_a_stop(cluster: PaperCluster) -> None:
    """One more node has its agent at each look; where that stands still, a person is asked."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    agent = cluster.add(
        "DaemonSet",
        "istio-system",
        "istio-nodeagent",
        40,
        images={"main": f"{HUB}/x:{cluster.release.version}"},
        pace=1,
    )
    agent.revision += 1
    for _ in range(30):
        later(cluster, 1)
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(1)
    rig.turn("restart")
    later(cluster, 11)
    with pytest.raises(GiveUp, match="nothing could be restarted for 11 min: control plane not settled"):
        rig.turn("restart")


def test_pods_refused_by_an_absent_injector_are_waited_for(cluster: PaperCluster) -> None:
    """Its return lets the controller create them; that takes no person."""
    cluster.add("Deployment", "shop", "web", 2)
    rig = approved(cluster)
    rig.turn("restart")
    cluster.change(WEB, failure='FailedCreate: failed calling webhook "sidecar-injector.istio.io"')
    for _ in range(60):
        assert isinstance(rig.turn("restart"), Waiting)
        cluster.tick(2)
    cluster.change(WEB, failure="")
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
