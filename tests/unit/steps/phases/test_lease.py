"""One bot a cluster: the Lease is taken before anything is bound, renewed by what acts, and given back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.gateways.kubernetes.api_server import ApiServer, TimeLimits
from bot.gateways.kubernetes.connections import KubeconfigConnection
from bot.gateways.kubernetes.gateway import KubernetesGateway
from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.http.tls import ensure_certificate, write_kubeconfig
from sandbox.cluster.server.authorization import BOT_ACCOUNT
from sandbox.web.sites import serve_in_thread
from steps.contract.step import Ask, Blocked, Decision, Done, Outcome
from steps.mesh import Binding, ClusterAddress, Right
from steps.notes.permissions import LEASE
from steps.phases.lease import HELD, TAKE_OVER
from steps.phases.own_binding import OWN_BINDING
from steps.phases.prepare import identify
from steps.plan import ABORT, LANDING, ORDER, PROPOSAL, STEPS, WAY_BACK, build_plan
from tests.unit.steps.builders import NOW
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.paper_ports import PaperKubernetes

REASON = "its machine is gone"
BIND = "access/bind"
GROUP = "coordination.k8s.io"


def start_bot(journal: str, kubernetes: PaperKubernetes | None = None) -> Paper:
    """A bot of its own journal, right before it binds its account, on a cluster that may have others."""
    paper = start_paper()
    paper.journal_id = journal
    if kubernetes is not None:
        paper.kubernetes = kubernetes
    else:
        paper.kubernetes.live_by_roles()
        paper.kubernetes.bindings = {OWN_BINDING: Binding(OWN_BINDING, "cluster-admin", ())}
    paper.run(identify)
    return paper


def run(paper: Paper, step: str, decision: Decision | None = None) -> Outcome:
    """One turn of a step as the plan has it."""
    return STEPS[step].run(paper.context(decision, step))


def holder(paper: Paper) -> str:
    """Who holds the cluster."""
    held = paper.kubernetes.leases.held
    return held.mark.journal if held and held.mark else ""


def take_over(paper: Paper) -> Decision:
    """An approver's word."""
    return Decision(TAKE_OVER.id, "U0BEN00002", paper.now, reason=REASON)


@pytest.fixture
def pair() -> tuple[Paper, Paper]:
    """Two bots, of which one has bound its account."""
    first = start_bot("journal-1")
    second = start_bot("journal-2", first.kubernetes)
    assert isinstance(run(first, BIND), Done)
    first.kubernetes.writes.clear()
    return first, second


def test_the_lease_says_whose_it_is(pair: tuple[Paper, Paper]) -> None:
    """Journal, upgrade, the head of its audit, and when."""
    held = pair[0].kubernetes.leases.held
    assert held is not None
    assert held.mark is not None
    assert (held.mark.journal, held.mark.upgrade, held.head) == ("journal-1", "cluster-x-1", "ef" * 32)
    assert (held.acquired, held.renewed) == (NOW, NOW)


@pytest.mark.parametrize("step", sorted(HELD))
def test_a_second_bot_does_nothing(pair: tuple[Paper, Paper], step: str) -> None:
    """Wherever its upgrade stands: it is told who holds the cluster and when that was said last."""
    _, second = pair
    second.advance(timedelta(minutes=9))
    outcome = run(second, step)
    assert isinstance(outcome, Blocked)
    assert "cluster-x is held by the upgrade cluster-x-1 of another bot (journal journal-1)" in outcome.why
    assert f"last renewed {NOW:%Y-%m-%d %H:%M:%S} UTC" in outcome.why
    assert (outcome.choices, second.kubernetes.writes, second.tools.started) == ((), [], [])
    assert run(second, step, take_over(second)) == outcome


def test_a_bot_that_was_started_again_takes_its_own(pair: tuple[Paper, Paper]) -> None:
    """With what its last turn noted lost, and whatever the time."""
    first, _ = pair
    first.memory.values.pop(LEASE.key)
    first.advance(timedelta(hours=3))
    assert isinstance(run(first, "access/check"), Done)
    held = first.kubernetes.leases.held
    assert held is not None
    assert (holder(first), held.renewed, held.acquired) == ("journal-1", first.now, NOW)


def test_another_upgrade_of_the_same_journal_takes_it(pair: tuple[Paper, Paper]) -> None:
    """As a way back does where its upgrade could give nothing back."""
    again = start_bot("journal-1", pair[0].kubernetes)
    assert isinstance(run(again, BIND), Done)


def test_it_is_renewed_by_one_request_in_half_a_minute(pair: tuple[Paper, Paper]) -> None:
    """However many turns act."""
    first, _ = pair
    leases = first.kubernetes.leases
    for _ in range(20):
        first.advance(timedelta(seconds=5))
        run(first, "access/check")
    assert leases.requests == 1 + 3


def test_an_expired_lease_is_asked_about(pair: tuple[Paper, Paper]) -> None:
    """An approver takes it over with a reason; the bot that had it does nothing more."""
    first, second = pair
    second.advance(timedelta(minutes=10))
    asked = run(second, BIND)
    assert isinstance(asked, Blocked)
    assert (asked.choices, TAKE_OVER.needs_reason, second.kubernetes.writes) == ((TAKE_OVER,), True, [])
    assert isinstance(run(second, BIND, take_over(second)), Done)
    assert holder(first) == "journal-2"
    assert [said for said in second.said if REASON in said and "cluster-x-1 of another bot" in said]
    first.advance(timedelta(minutes=10, seconds=1))
    stopped = run(first, "access/check")
    assert isinstance(stopped, Blocked)
    assert "journal-2" in stopped.why


def test_a_takeover_counts_for_what_was_shown(pair: tuple[Paper, Paper]) -> None:
    """The first bot came back while the question was open."""
    first, second = pair
    second.advance(timedelta(minutes=10))
    run(second, BIND)
    first.advance(timedelta(minutes=10))
    run(first, "access/check")
    for later in (timedelta(), timedelta(minutes=11)):
        second.advance(later)
        assert isinstance(run(second, BIND, take_over(second)), Blocked)
    assert holder(first) == "journal-1"


def test_what_the_step_asks_next_is_not_decided_by_a_takeover(pair: tuple[Paper, Paper]) -> None:
    """The decision stays for the turns that follow, and means nothing to the step."""
    _, second = pair
    second.advance(timedelta(minutes=10))
    run(second, BIND)
    decision = take_over(second)
    run(second, BIND, decision)
    second.kubernetes.server = replace(second.kubernetes.server, ca="other" * 8)
    second.advance(timedelta(minutes=1))
    assert isinstance(run(second, BIND, decision), Ask)


@pytest.mark.parametrize("end", ["finish/revoke", "abort/revoke", "landing/land"])
def test_every_end_gives_it_back(pair: tuple[Paper, Paper], end: str) -> None:
    """And the other bot goes on by itself."""
    first, second = pair
    first.memory.values["rollback/ordered"] = {"by": "U0BEN00002", "reason": "slow", "at": NOW.isoformat()}
    assert isinstance(run(first, end), Done)
    assert holder(first) == ""
    assert isinstance(run(second, BIND), Done)


def test_nobody_gives_back_what_is_another_bots(pair: tuple[Paper, Paper]) -> None:
    """It was taken over meanwhile."""
    first, second = pair
    second.advance(timedelta(minutes=10))
    run(second, BIND)
    run(second, BIND, take_over(second))
    run(first, "finish/revoke")
    assert holder(first) == "journal-2"


@pytest.mark.parametrize("verb", ["get", "create"])
def test_where_it_is_forbidden_that_is_a_risk_and_no_stop(verb: str) -> None:
    """The card of the access gate says so; the upgrade goes on to its end without."""
    paper = start_bot("journal-1")
    before = paper.kubernetes.denied

    def deny(right: Right) -> bool:
        return before(right) or (right.verb, right.group) == (verb, GROUP)

    paper.kubernetes.denied = deny
    asked = run(paper, "access/approve")
    assert isinstance(asked, Ask)
    assert [risk for risk in asked.card.risks if f"{verb} leases.coordination.k8s.io" in risk]
    assert isinstance(run(paper, BIND), Done)
    assert isinstance(run(paper, "access/check"), Done)
    assert isinstance(run(paper, "finish/revoke"), Done)
    assert paper.kubernetes.leases.requests == 0


def test_an_account_that_lost_the_right_goes_on(pair: tuple[Paper, Paper]) -> None:
    """It is told once, and nothing stops."""
    first, _ = pair
    first.kubernetes.denied = lambda right: right.group == GROUP
    for _ in range(3):
        first.advance(timedelta(minutes=1))
        assert isinstance(run(first, "access/check"), Done)
    assert len([said for said in first.said if "another bot is not kept from cluster-x" in said]) == 1


def test_the_lease_is_held_from_binding_to_the_end() -> None:
    """Proposals take none, and nothing before binding does."""
    assert not HELD & set(build_plan("proposal", start_paper().options))
    for order in (ORDER, WAY_BACK):
        ids = [step.id for step in order]
        assert min(ids.index(step) for step in HELD & set(ids)) == ids.index(BIND)
    assert not HELD & {step.id for phase in (PROPOSAL, ABORT, LANDING) for step in phase.steps}


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[list[KubernetesGateway]]:
    """cluster-x, and two connections to it by the bot's account, whose roles are the manifests'."""
    with ExitStack() as stack:
        cluster = SimulatedCluster(NOW.timestamp)
        certificate = ensure_certificate(tmp_path / "tls")
        site = serve_in_thread(cluster.app(background=False), certificate.server_context())
        stack.callback(site.stop)
        cluster.tokens.register("bots-token", BOT_ACCOUNT)
        path = tmp_path / "bot.json"
        write_kubeconfig(path, server=site.url, ca_base64=certificate.ca_base64, token="bots-token")
        address = ClusterAddress("cluster-x", kubeconfig=str(path))
        made = [KubernetesGateway(ApiServer(KubeconfigConnection(address), TimeLimits(2, 5))) for _ in range(2)]
        for gateway in made:
            stack.callback(gateway.close)
        yield made


def test_two_bots_over_one_simulated_cluster(
    simulated: list[KubernetesGateway],
) -> None:
    """With the rights of the manifests: the second binds nothing, until the first has given the cluster back."""
    first, second = (
        start_bot(journal, cast(Any, gateway))
        for journal, gateway in zip(("journal-1", "journal-2"), simulated, strict=True)
    )
    assert isinstance(run(first, BIND), Done)
    run(first, "access/release")
    bound = simulated[0].read_binding(OWN_BINDING)
    assert bound is not None
    assert bound.users == ()
    refused = run(second, BIND)
    assert isinstance(refused, Blocked)
    assert "journal-1" in refused.why
    assert simulated[1].read_binding(OWN_BINDING) == bound
    run(first, "finish/revoke")
    assert isinstance(run(second, BIND), Done)
