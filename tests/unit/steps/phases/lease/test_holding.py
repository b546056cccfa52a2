"""One bot a cluster: the Lease is taken before anything is bound, renewed by what acts, and given back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
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
from steps.contract.step import Ask, Blocked, Done
from steps.mesh import ClusterAddress, Right
from steps.notes.permissions import LEASE
from steps.phases.lease.holding import HELD
from steps.phases.lease.takeover import TAKE_OVER_EARLY
from steps.phases.own_binding import OWN_BINDING
from steps.plan import ABORT, LANDING, ORDER, PROPOSAL, WAY_BACK, build_plan
from tests.unit.steps.builders import NOW
from tests.unit.steps.paper import Paper, start_paper
from tests.unit.steps.phases.lease.bots import BIND, holder, run, start_bot, take_over

GROUP = "coordination.k8s.io"


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
    assert (outcome.choices, second.kubernetes.writes, second.tools.started) == ((TAKE_OVER_EARLY,), [], [])
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


@pytest.mark.parametrize("end", ["finish/revoke", "abort/revoke", "landing/land"])
def test_every_end_gives_it_back(pair: tuple[Paper, Paper], end: str) -> None:
    """And the other bot goes on when it is tried again."""
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


def test_every_step_after_binding_holds_the_cluster_or_changes_nothing_in_it() -> None:
    """A new step is of one kind or of the other; what ends the upgrade gives the Lease back itself."""
    ends = {"finish/revoke", "finish/report", "finish/report-return"}
    for order in (ORDER, WAY_BACK):
        ids = [step.id for step in order]
        after = set(ids[ids.index(BIND) :])
        asks = {step for step in after if step.partition("/")[2].startswith("approve")}
        assert after - HELD - ends - asks == {"sidecars/plan"}


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
        made = [KubernetesGateway(ApiServer(KubeconfigConnection(address), TimeLimits(10, 10))) for _ in range(2)]
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
