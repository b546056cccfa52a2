"""Whether an upgrade may act now: asked again at each acting gate, as days may lie between two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from steps.contract.errors import GiveUp
from steps.contract.step import Ask, Blocked, Context, Decision, Done, Outcome
from steps.mesh import GkeState, Operation, Right
from steps.phases import access, authorization, validate
from steps.phases.control_plane.apply import apply
from steps.phases.control_plane.approvals import approve, approve_departures
from steps.phases.prepare import inspect
from steps.preflight.acting import Act, refuse_act
from steps.preflight.eligibility import BUSY_OPERATIONS
from tests.unit.steps.builders import HUB, NEW, NOW, OLD, make_control_plane
from tests.unit.steps.paper import Paper, start_paper

Gate: TypeAlias = Callable[[Context], Outcome]
EARLY: tuple[Gate, ...] = (access.approve, approve_departures, approve)
LATE: tuple[Gate, ...] = (validate.approve,)
ACTS: tuple[Act, ...] = ("access", "control plane", "validate", "sidecars", "authorization")


def prepared(**memory: object) -> Paper:
    """An upgrade that prepare and download have been through, and whose account has the roles of the manifests."""
    paper = start_paper()
    assert isinstance(paper.run(inspect), Done)
    paper.kubernetes.live_by_roles()
    return paper


def replaced() -> Paper:
    """An upgrade that has written to the control plane, which is on the target."""
    paper = prepared()
    paper.memory.values["control-plane/first-write"] = "cluster-x-1-apply-1"
    paper.kubernetes.workloads = make_control_plane(NEW)
    return paper


def judge(paper: Paper, act: Act, decision: Decision | None = None) -> str:
    """Why it may not act, "" where it may."""
    found: list[str] = []

    def look(ctx: Context) -> Outcome:
        refused = refuse_act(ctx, ctx.gke.describe_cluster(ctx.cluster), act)
        found.append(refused.why if refused else "")
        return Done("")

    paper.run(look, decision)
    return found[0]


@pytest.mark.parametrize("act", ACTS)
def test_a_cluster_as_it_was_is_acted_on(act: Act) -> None:
    """Before the control plane is written to, and afterwards."""
    early = act in ("access", "control plane")
    assert judge(prepared() if early else replaced(), act) == ""


@pytest.mark.parametrize("act", ACTS)
def test_a_master_past_the_ceiling_is_refused_everywhere(act: Act) -> None:
    """It moved while the gate was open; a second click would have applied."""
    paper = prepared() if act in ("access", "control plane") else replaced()
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.22.3-gke.700")
    assert judge(paper, act).startswith("the API server is v1.22.3-gke.700; ASM 1.4.10-asm.18 needs one below 1.22")


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("status", "refused"), [("STOPPING", True), ("ERROR", True), ("DEGRADED", False)])
def test_nothing_is_begun_on_a_cluster_that_ends(act: Act, status: str, *, refused: bool) -> None:
    """GKE began to delete it while the gate was open; what half works is no reason to leave half an upgrade."""
    paper = prepared() if act in ("access", "control plane") else replaced()
    paper.gke.identity = replace(paper.gke.identity, gke=GkeState(status))
    assert judge(paper, act).startswith(f"GKE says {status}") == refused


@pytest.mark.parametrize("act", ["control plane", "validate", "sidecars"])
@pytest.mark.parametrize("kind", [*BUSY_OPERATIONS, "SET_LABELS"])
def test_nothing_moves_while_gke_moves_nodes_or_the_master(act: Act, kind: str) -> None:
    """Whichever of the operations it is; others are no matter."""
    paper = prepared() if act == "control plane" else replaced()
    paper.gke.operations = (Operation("op", kind, "projects/p/nodePools/default-pool"),)
    assert judge(paper, act) == ("" if kind == "SET_LABELS" else f"GKE runs {kind} on nodePools/default-pool")
    paper.gke.fault = GiveUp("403", "")
    assert judge(paper, act) == ""


@pytest.mark.parametrize("act", ["access", "control plane"])
def test_a_control_plane_that_somebody_moved_is_not_written_to(act: Act) -> None:
    """Neither forth nor back: the approval was for what prepare found. Once written to, it has moved by itself."""
    paper = prepared()
    paper.kubernetes.workloads = make_control_plane("1.4.9-asm.1")
    assert judge(paper, act) == (
        f"the control plane moved since this upgrade was prepared: istio-galley/galley was on {HUB}/galley:{OLD} and "
        f"is on {HUB}/galley:1.4.9-asm.1"
    )
    paper.memory.values["control-plane/first-write"] = "cluster-x-1-apply-1"
    assert judge(paper, act) == ""


@pytest.mark.parametrize("act", ["validate", "sidecars"])
def test_sidecars_follow_no_control_plane_that_went_elsewhere(act: Act) -> None:
    """Somebody put it back by hand, all of it or a part."""
    paper = replaced()
    whole, part = make_control_plane(OLD), (*make_control_plane(NEW)[:-2], *make_control_plane(OLD)[-2:])
    for workloads in (whole, part):
        paper.kubernetes.workloads = workloads
        assert judge(paper, act).startswith("the control plane is not on 1.4.10-asm.18: istio-")


def test_rights_that_were_taken_away_are_told_before_a_workload_moves() -> None:
    """By the rule that grants them; where the bot gave cluster-admin back for a rest, the act binds it again."""
    paper = replaced()
    paper.kubernetes.denied = lambda right: right == Right("create", "pods", subresource="eviction")
    assert judge(paper, "sidecars").endswith("may not: create pods/eviction")
    assert judge(paper, "validate") == ""
    paper.memory.values["access/rested"] = True
    assert judge(paper, "sidecars") == ""


def test_a_denial_counts_whatever_moved() -> None:
    """A person who says no is asked nothing more."""
    paper = prepared()
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.22.3")
    assert judge(paper, "control plane", Decision("deny", "U0BEN00002", NOW)) == ""


@pytest.mark.parametrize("gate", [*EARLY, *LATE, authorization.approve, apply], ids=lambda one: one.__module__)
def test_each_gate_asks_and_so_does_the_step_that_applies(gate: Gate) -> None:
    """The ceiling stands for all of it: a gate that doesn't look would ask its question."""
    paper = prepared() if gate in (*EARLY, apply) else replaced()
    paper.kubernetes.objects = [
        {
            "apiVersion": "rbac.istio.io/v1alpha1", "kind": "ServiceRoleBinding",
            "metadata": {"name": "old", "namespace": "shop"},
            "spec": {"subjects": [{"user": "other.example/ns/shop/sa/web"}], "roleRef": {"name": "x"}},
        }
    ]  # fmt: skip
    paper.gke.identity = replace(paper.gke.identity, server_version="v1.22.3")
    outcome = paper.run(gate)
    assert isinstance(outcome, Blocked)
    assert outcome.why.startswith("the API server is v1.22.3")


def test_a_release_channel_that_changed_is_told_and_voids_the_approval() -> None:
    """RAPID leads a master past what ASM 1.4 runs on, so the person who approved has to know."""
    paper = start_paper()
    paper.gke.identity = replace(paper.gke.identity, release_channel="REGULAR")
    assert isinstance(paper.run(inspect), Done)
    first = paper.run(approve)
    assert isinstance(first, Ask)
    assert "release channel" not in first.binding
    paper.gke.identity = replace(paper.gke.identity, release_channel="RAPID")
    again = paper.run(approve, Decision("approve", "U0BEN00002", NOW, first.digest, binding=first.binding))
    assert isinstance(again, Ask)
    assert again.moved == ("release channel is now RAPID",)
    assert any("was REGULAR when this upgrade was prepared and is RAPID now" in risk for risk in again.card.risks)
