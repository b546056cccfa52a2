import dataclasses
import re

import pytest

from steps.contract.options import Limits
from steps.contract.step import Ask, Blocked, Done, Waiting
from steps.mesh import WorkloadRef
from steps.workloads.injection import PINNED_IMAGE
from tests.unit.steps.paper_cluster import PaperCluster
from tests.unit.steps.rig import Rig, start

WEB = WorkloadRef("shop", "Deployment", "web")

LEFT = re.compile(r" (min|s) left$")


def asked(rig: Rig[PaperCluster], name: str = "approve") -> Ask:
    """What the gate asks."""
    outcome = rig.turn(name)
    assert isinstance(outcome, Ask)
    return outcome


def test_a_gate_shows_method_and_risk_of_each_workload(cluster: PaperCluster) -> None:
    """A person sees before the approval how each workload is moved and what may go wrong."""
    cluster.add("Deployment", "shop", "web", 1, strategy="Recreate")
    cluster.move_control_plane()
    card = asked(start(cluster)).card
    assert any("strategy Recreate: all pods stop" in risk for risk in card.risks)
    assert card.details[0].lines == ("shop/Deployment/web: 1 pod, rollout restart (Recreate)",)


def test_a_wave_that_nothing_is_done_to_is_not_counted_in_pods(cluster: PaperCluster) -> None:
    """`batch: 0 pods` would say nothing about the bare pod that a person has to replace."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add_bare_pod("batch", "debug-shell")
    cluster.move_control_plane()
    titles = [detail.title for detail in asked(start(cluster)).card.details]
    assert titles == ["batch: 1 workload left to a person", "shop: 1 workload, 2 pods"]


@pytest.mark.parametrize(
    ("budget", "words"), [(1, "stops at the first failing workload"), (3, "stops once 3 workloads fail")]
)
def test_a_gate_names_the_failure_budget(cluster: PaperCluster, budget: int, words: str) -> None:
    """In words that are right for one as well."""
    cluster.add("Deployment", "shop", "web")
    cluster.move_control_plane()
    card = asked(start(cluster, limits=Limits(failure_budget=budget))).card
    assert dict(card.facts)["limits"].endswith(words)


def test_a_gate_says_that_new_pods_get_the_new_sidecar_anyway(cluster: PaperCluster) -> None:
    """Denying does not keep the new sidecar out of the cluster."""
    cluster.add("Deployment", "shop", "web")
    cluster.move_control_plane()
    assert any("Every pod that starts from now on" in line for line in asked(start(cluster)).card.summary)


def test_an_approval_does_not_bind_to_pods_or_replicas(cluster: PaperCluster) -> None:
    """An autoscaler at work between question and decision voids nothing."""
    cluster.add("Deployment", "shop", "web", 3)
    cluster.move_control_plane()
    rig = start(cluster)
    first = asked(rig)
    cluster.scale(WEB, 5)
    cluster.tick()
    assert asked(rig).digest == first.digest


def ask_later(rig: Rig[PaperCluster]) -> Ask:
    """What is asked about in the later wave."""
    rig.decision = None
    later = rig.run("restart")
    assert isinstance(later, Ask)
    return later


def test_what_became_worse_since_the_question_drops_out_alone(cluster: PaperCluster) -> None:
    """The others go; it is asked about in a later wave, and only then."""
    cluster.add("Deployment", "shop", "web", 3)
    cluster.add("Deployment", "shop", "api", 3)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig))
    cluster.change(WEB, strategy="Recreate")
    assert isinstance(rig.turn("approve"), Done)
    later = ask_later(rig)
    assert later.question.startswith("1 workload with the old sidecar changed after the approval.")
    assert later.moved == ("namespace shop: Deployment/web: now Recreate",)
    assert [ref.name for ref, _ in cluster.restarts] == ["api"]
    rig.decide(later)
    assert isinstance(rig.run("restart"), Done)
    assert [ref.name for ref, _ in cluster.restarts] == ["api", "web"]


@pytest.mark.parametrize("others", [0, 1])
def test_a_workload_that_is_paused_by_now_is_less_than_was_approved(cluster: PaperCluster, others: int) -> None:
    """It was to be moved and can't be any more: a person acknowledges it at the end, and nothing is asked twice."""
    cluster.add("Deployment", "shop", "web", 3)
    for number in range(others):
        cluster.add("Deployment", "shop", f"api-{number}", 3)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig))
    cluster.change(WEB, paused=True)
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)
    left = rig.turn("acknowledge")
    assert isinstance(left, Ask)
    assert left.question == "3 pods not re-injected and left to a person. Acknowledge?"


def test_a_safer_workload_does_not_void_an_approval(cluster: PaperCluster) -> None:
    """A risk that went away needs no second approval."""
    cluster.add("Deployment", "shop", "web", 3, strategy="Recreate")
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig))
    cluster.change(WEB, strategy="RollingUpdate")
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)


def test_a_workload_new_since_the_question_is_not_covered(cluster: PaperCluster) -> None:
    """It is left alone until it has an approval of its own, in a later wave."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig))
    cluster.injects = False
    cluster.add("Deployment", "shop", "late", 2)
    cluster.injects = True
    assert isinstance(rig.turn("approve"), Done)
    rig.decision = None
    later = rig.run("restart")
    assert isinstance(later, Ask)
    assert "1 workload with the old sidecar appeared" in later.question
    assert [ref.name for ref, _ in cluster.restarts] == ["web"]


def meet_newcomer(cluster: PaperCluster) -> tuple[Rig[PaperCluster], Ask]:
    """A phase at the question about a workload that appeared after the approval."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    cluster.injects = False
    cluster.add("Deployment", "shop", "late", 2)
    cluster.injects = True
    question = rig.run("restart")
    assert isinstance(question, Ask)
    return rig, question


def test_an_approved_newcomer_is_re_injected(cluster: PaperCluster) -> None:
    """The later wave gives pods that were born without a sidecar theirs."""
    rig, question = meet_newcomer(cluster)
    rig.decide(question)
    assert isinstance(rig.run("restart"), Done)
    assert cluster.versions_of(WorkloadRef("shop", "Deployment", "late")) == [cluster.release.version] * 2


def test_the_later_wave_has_its_own_name_in_the_ledger(cluster: PaperCluster) -> None:
    """Entries of newcomers say that they came later."""
    rig, _ = meet_newcomer(cluster)
    waves = {entry.workload: entry.wave for entry in rig.ledger.read_entries()}
    assert waves == {"shop/Deployment/web": "shop", "shop/Deployment/late": "later wave"}


def test_a_newcomer_left_out_is_listed_as_skipped(cluster: PaperCluster) -> None:
    """Leaving it out names the person and the reason."""
    rig, question = meet_newcomer(cluster)
    rig.decide(question, "deny", "owned by another team")
    assert isinstance(rig.run("restart"), Done)
    skipped = {(e.by, e.reason) for e in rig.ledger.read_entries() if e.state == "skipped"}
    assert skipped == {("U0BEN00002", "owned by another team")}


def test_a_denied_gate_blocks(cluster: PaperCluster) -> None:
    """Nothing is restarted without an approval."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig), "deny", "not today")
    assert isinstance(rig.turn("approve"), Blocked)


def test_nothing_to_re_inject_needs_no_approval(cluster: PaperCluster) -> None:
    """A mesh whose pods are all on the target passes by itself."""
    cluster.move_control_plane()
    cluster.add("Deployment", "shop", "web", 2)
    rig = start(cluster)
    assert isinstance(rig.turn("approve"), Done)
    assert isinstance(rig.run("restart"), Done)


def test_a_shorter_list_than_was_shown_is_acknowledged(cluster: PaperCluster) -> None:
    """A Job that ends between question and click does not void the click."""
    job = cluster.add("Job", "batch", "import", 1)
    cluster.add_bare_pod("batch", "shell")
    cluster.move_control_plane()
    rig = start(cluster)
    rig.decide(asked(rig, "acknowledge"))
    cluster.delete_workload(job.ref)
    assert isinstance(rig.turn("acknowledge"), Done)
    assert sorted(rig.states().values()) == ["gone", "manual"]


def test_a_longer_list_than_was_shown_is_asked_again(cluster: PaperCluster) -> None:
    """Pods nobody saw are not acknowledged."""
    cluster.add_bare_pod("batch", "shell")
    rig = Rig(cluster)
    cluster.move_control_plane()
    rig.run("plan")
    rig.decide(asked(rig, "acknowledge"))
    pod = cluster.add_bare_pod("batch", "other")
    cluster.pods[pod.uid] = dataclasses.replace(pod, proxy_image="gcr.io/gke-release/asm/proxyv2:1.4.7-asm.0")
    assert asked(rig, "acknowledge").moved


def test_a_bare_pod_made_anew_by_hand_is_upgraded(cluster: PaperCluster) -> None:
    """Running the command from the card ends the pod well."""
    pod = cluster.add_bare_pod("batch", "shell")
    cluster.move_control_plane()
    rig = start(cluster)
    del cluster.pods[pod.uid]
    cluster.add_bare_pod("batch", "shell")
    assert isinstance(rig.turn("acknowledge"), Done)
    assert rig.states() == {"shell": "upgraded"}


def test_the_canary_moves_only_its_namespaces(cluster: PaperCluster) -> None:
    """Before the second gate nothing else is touched."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "trial", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster, canary_namespaces=("trial",))
    rig.approve("approve-canary")
    assert isinstance(rig.run("canary"), Done)
    assert [ref.namespace for ref, _ in cluster.restarts] == ["trial"]


def test_the_second_gate_asks_only_for_the_rest(cluster: PaperCluster) -> None:
    """What the canary moved is not asked for again."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "trial", "web", 2)
    cluster.move_control_plane()
    rig = start(cluster, canary_namespaces=("trial",))
    rig.approve("approve-canary")
    rig.run("canary")
    assert list(asked(rig).binding["workloads"]) == ["shop/Deployment/web"]  # type: ignore[arg-type]


def test_a_waiting_turn_tells_how_far_it_is(cluster: PaperCluster) -> None:
    """The progress line counts pods and names the workloads in flight."""
    cluster.add("Deployment", "shop", "web", 40, pace=4)
    cluster.move_control_plane()
    rig = start(cluster)
    rig.approve("approve")
    rig.run("restart")
    lines = [wait.why for wait in rig.waits]
    assert any("/40 pods re-injected, " in line and " pods/min, " in line and LEFT.search(line) for line in lines)
    assert all(isinstance(wait, Waiting) and wait.progress and wait.progress.total == 40 for wait in rig.waits)


def test_what_is_left_to_a_person_stands_on_the_card(cluster: PaperCluster) -> None:
    """With the reason, before anything is restarted."""
    cluster.add("Deployment", "shop", "web", 2)
    cluster.add("Deployment", "shop", "old", 2, template_annotations={PINNED_IMAGE: "proxyv2:1.4.7-asm.0"})
    cluster.move_control_plane()
    card = asked(start(cluster)).card
    assert dict(card.facts)["left to a person"] == "1 workload"
    assert any(risk.startswith("shop/Deployment/old: annotation") for risk in card.risks)
