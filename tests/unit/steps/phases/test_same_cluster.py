"""Attacks by another cluster under the same name: made anew, or another kubeconfig. Nothing is written there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Ask, Blocked, Context, Decision, Done, Outcome
from steps.mesh import Binding, ReachedServer
from steps.notes.prepare import CLUSTER_UID
from steps.phases.abort import revoke_own_binding
from steps.phases.access import bind
from steps.phases.own_binding import GUIDE_BINDING
from steps.phases.prepare import identify
from steps.phases.same_cluster import on_same_cluster
from steps.plan import STEPS
from tests.unit.steps.builders import NOW
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_ports import ACCOUNT

OTHER = "another-clusters-uid"
ACTING = (
    "access/bind",
    "access/release",
    "control-plane/apply",
    "validate/run",
    "sidecars/canary",
    "sidecars/restart",
    "sidecars/acknowledge",
    "authorization/apply",
    "finish/revoke",
)


def move_away(paper: Paper) -> None:
    """The name leads to another cluster from now on, whose objects look the same."""
    paper.kubernetes.cluster_uid = OTHER
    paper.advance(timedelta(seconds=31))


def bound() -> Paper:
    """An upgrade that bound its account to cluster-admin."""
    paper = start_paper()
    paper.run(identify)
    paper.kubernetes.live_by_roles()
    assert isinstance(paper.run(bind), Done)
    paper.kubernetes.writes.clear()
    return paper


@pytest.mark.parametrize("step", ACTING)
def test_an_acting_step_writes_nothing_to_another_cluster(step: str) -> None:
    """Each of them looks before it acts."""
    paper = bound()
    move_away(paper)
    outcome = paper.run(STEPS[step].run)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith(f"cluster-x is another cluster now: its kube-system has the UID {OTHER}, and had ")
    assert (paper.kubernetes.writes, paper.tools.started) == ([], [])


def test_abort_writes_nothing_to_another_cluster() -> None:
    """It does not take away what somebody else gave there under the same name."""
    paper = bound()
    paper.kubernetes.bindings = {GUIDE_BINDING: Binding(GUIDE_BINDING, "cluster-admin", (ACCOUNT,))}
    move_away(paper)
    outcome = paper.run(revoke_own_binding)
    assert isinstance(outcome, Done)
    assert outcome.sentence.endswith("; nothing was written there")
    assert GUIDE_BINDING in paper.kubernetes.bindings


def test_abort_gives_the_rights_back_on_its_own_cluster() -> None:
    """As ever."""
    paper = bound()
    assert paper.run(revoke_own_binding) == Done(f"{GUIDE_BINDING} removed")


@pytest.mark.parametrize("step", ACTING)
def test_an_acting_step_writes_nothing_to_another_cluster_of_gke(step: str) -> None:
    """GKE's own id is another one, even where somebody copied kube-system's UID."""
    paper = bound()
    paper.kubernetes.server = replace(paper.kubernetes.server, gke_id="another-id")
    outcome = paper.run(STEPS[step].run)
    assert isinstance(outcome, Blocked)
    assert outcome.why == "cluster-x is another cluster now: GKE's id of it is another-id, was gke-id-of-cluster-x"
    assert (paper.kubernetes.writes, paper.tools.started) == ([], [])


@pytest.mark.parametrize("step", ACTING)
@pytest.mark.parametrize(
    ("server", "moved"),
    [
        (ReachedServer("ee" * 32, "gke-id-of-cluster-x"), f"its CA was {'ca' * 32} and is now {'ee' * 32}"),
        (ReachedServer("ca" * 32, "gke-id-of-cluster-x", "https://a"), "its address was none and is now https://a"),
    ],
    ids=["CA", "address"],
)
def test_its_own_cluster_reached_in_another_way_is_a_question(step: str, server: ReachedServer, moved: str) -> None:
    """GKE rotates CAs, and so does whoever stands in between: nothing is written before a person has said yes."""
    paper = bound()
    paper.kubernetes.server = server
    asked = paper.run(STEPS[step].run)
    assert isinstance(asked, Ask)
    assert asked.moved == (moved,)
    assert (paper.kubernetes.writes, paper.tools.started) == ([], [])
    denied = paper.run(STEPS[step].run, decided(asked, "deny"))
    assert isinstance(denied, Blocked)
    assert (paper.kubernetes.writes, paper.tools.started) == ([], [])


def test_once_accepted_another_ca_is_asked_about_no_more() -> None:
    """And a third one is; the decision about the CA is none of the step's own."""
    paper, seen = bound(), list[Decision | None]()

    def act(ctx: Context) -> Outcome:
        seen.append(ctx.decision)
        return Done("acted")

    step = on_same_cluster(act)
    paper.kubernetes.server = ReachedServer("ee" * 32, "gke-id-of-cluster-x")
    yes = decided(paper.run(step))
    assert paper.run(step, yes) == Done("acted")
    assert paper.run(step, yes) == Done("acted")
    assert seen == [None, None]
    paper.kubernetes.server = ReachedServer("ff" * 32, "gke-id-of-cluster-x")
    assert isinstance(paper.run(step, yes), Ask)


@pytest.mark.parametrize("step", ["control-plane/apply", "validate/run"])
@pytest.mark.parametrize("moved", [{"ca": "ee" * 32}, {"gke_id": "another-id"}], ids=["CA", "id"])
def test_a_program_is_not_started_where_a_connection_made_now_leads_elsewhere(step: str, moved: dict[str, str]) -> None:
    """istioctl and asmctl make their own connection; the bot's may be hours old."""
    paper = bound()
    approved = paper.run(STEPS["control-plane/approve"].run)
    paper.run(STEPS["control-plane/approve"].run, decided(approved))
    paper.kubernetes.moved_to = replace(paper.kubernetes.server, **moved)
    outcome = paper.run(STEPS[step].run)
    assert isinstance(outcome, Ask if "ca" in moved else Blocked)
    assert paper.tools.started == []
    if isinstance(outcome, Ask):
        paper.run(STEPS[step].run, decided(outcome))
        assert len(paper.tools.started) == 1


def decided(asked: Outcome, choice: str = "approve") -> Decision:
    """A person's decision on what was asked."""
    assert isinstance(asked, Ask)
    return Decision(choice, "U0BEN00002", NOW, asked.digest, binding=asked.binding)


def test_retry_looks_again_at_once() -> None:
    """Whoever led the name back needn't wait."""
    paper = bound()
    step = on_same_cluster(lambda _ctx: Done("acted"))
    own, paper.kubernetes.cluster_uid = paper.kubernetes.cluster_uid, OTHER
    assert isinstance(paper.run(step), Blocked)
    paper.kubernetes.cluster_uid = own
    assert paper.run(step) == Done("acted")


def test_a_batch_looks_at_most_once_in_thirty_seconds() -> None:
    """Within them what was read counts."""
    paper = bound()
    step = on_same_cluster(lambda _ctx: Done("acted"))
    paper.run(step)
    paper.kubernetes.cluster_uid = OTHER
    paper.advance(timedelta(seconds=29))
    assert paper.run(step) == Done("acted")
    paper.advance(timedelta(seconds=2))
    assert isinstance(paper.run(step), Blocked)


def test_an_upgrade_of_an_earlier_version_is_bound_at_its_next_acting_step() -> None:
    """It has no note of the cluster, and goes on."""
    paper = start_paper()
    assert CLUSTER_UID.key not in paper.memory.values
    assert isinstance(paper.run(STEPS["access/bind"].run), Done)
    assert paper.memory.values[CLUSTER_UID.key] == paper.kubernetes.cluster_uid


def test_prepare_goes_on_where_the_uid_can_not_be_read_yet() -> None:
    """The first acting step needs it then."""
    paper = start_paper()
    paper.kubernetes.cluster_uid = ""
    assert isinstance(paper.run(identify), Done)
    with pytest.raises(GiveUp):
        paper.run(STEPS["access/bind"].run)
