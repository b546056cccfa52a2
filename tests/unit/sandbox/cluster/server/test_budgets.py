"""Evictions and PodDisruptionBudgets of the simulated cluster."""

from __future__ import annotations

import pytest

from sandbox.cluster.objects.errors import ApiError
from sandbox.cluster.objects.objects import is_terminating, name_of
from sandbox.cluster.server.evictions import evict_pod
from tests.unit.sandbox.cluster.yard import Json, Yard, bare_pod, budget, make_yard, workload

BUDGETS = "poddisruptionbudgets.policy"
BODY = {"apiVersion": "policy/v1beta1", "kind": "Eviction"}


def evict(yard: Yard, name: str, body: Json | None = None, *, dry_run: bool = False) -> Json:
    return evict_pod(yard.cluster.api, yard.get("pods", name), {**BODY, **(body or {})}, dry_run=dry_run)


def refused(yard: Yard, name: str, body: Json | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        evict(yard, name, body)
    return caught.value


@pytest.fixture
def web() -> Yard:
    """Three ready pods under minAvailable 2."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=3), budget("web", minAvailable=2))
    yard.settle(30)
    return yard


def test_status_counts_the_pods(web: Yard) -> None:
    """The budget says how many pods it has, needs and allows to go."""
    status = web.get(BUDGETS, "web")["status"]
    shown = [status[name] for name in ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")]
    assert shown == [3, 3, 2, 1]


def test_eviction_deletes_gracefully(web: Yard) -> None:
    """An allowed eviction starts the pod's deletion and answers 201."""
    name = name_of(web.pods()[0])
    assert evict(web, name)["code"] == 201
    assert is_terminating(web.get("pods", name))


def test_second_eviction_is_refused_at_once(web: Yard) -> None:
    """The budget is spent before the controller looks again."""
    first, second, _ = [name_of(pod) for pod in web.pods()]
    evict(web, first)
    error = refused(web, second)
    assert (error.code, error.reason, error.retry_after) == (429, "TooManyRequests", None)
    assert error.details["causes"][0]["reason"] == "DisruptionBudget"


def test_refusal_says_what_is_needed(web: Yard) -> None:
    """The cause names the budget and its numbers."""
    web.patch(BUDGETS, "web", {"spec": {"minAvailable": 3}})
    web.settle(1)
    cause = refused(web, name_of(web.pods()[0])).details["causes"][0]
    assert cause["message"] == "The disruption budget web needs 3 healthy pods and has 3 currently"


def test_budget_recovers_when_the_successor_is_ready(web: Yard) -> None:
    """After the replacement is ready another pod may go."""
    evict(web, name_of(web.pods()[0]))
    web.settle(30)
    assert evict(web, name_of(web.pods()[0]))["code"] == 201


def test_dry_run_spends_nothing(web: Yard) -> None:
    """A dry run answers as the real one would and changes nothing."""
    name = name_of(web.pods()[0])
    assert evict(web, name, dry_run=True)["code"] == 201
    assert not is_terminating(web.get("pods", name))
    assert web.get(BUDGETS, "web")["status"]["disruptionsAllowed"] == 1


def test_overlapping_budgets_are_an_error(web: Yard) -> None:
    """Two budgets over one pod answer 500, as the real server does."""
    second = budget("web", minAvailable=1)
    second["metadata"]["name"] = "other"
    web.create(second)
    web.settle(1)
    error = refused(web, name_of(web.pods()[0]))
    assert error.code == 500
    assert "more than one PodDisruptionBudget" in error.message


def test_wrong_uid_is_a_conflict(web: Yard) -> None:
    """A precondition on another uid answers 409."""
    wanted = {"deleteOptions": {"preconditions": {"uid": "11111111-1111-1111-1111-111111111111"}}}
    assert refused(web, name_of(web.pods()[0]), wanted).code == 409


def test_percentages_count_what_owners_ask_for() -> None:
    """maxUnavailable 50% of 4 replicas lets two go."""
    yard = make_yard()
    yard.create(workload("Deployment", "web", replicas=4), budget("web", maxUnavailable="50%"))
    yard.settle(30)
    assert yard.get(BUDGETS, "web")["status"]["disruptionsAllowed"] == 2


def test_empty_selector_covers_nothing_in_v1beta1() -> None:
    """Before policy/v1 an empty selector matched no pod."""
    yard = make_yard()
    empty = budget("web", minAvailable=1)
    empty["spec"]["selector"] = {}
    yard.create(empty, bare_pod("web"))
    yard.settle(30)
    assert yard.get(BUDGETS, "web")["status"]["expectedPods"] == 0
    assert evict(yard, "web")["code"] == 201


def test_empty_selector_covers_everything_in_v1() -> None:
    """From policy/v1 on an empty selector matches every pod."""
    yard = make_yard(server_version="v1.21.5-gke.1")
    empty = {**budget("web", minAvailable=1), "apiVersion": "policy/v1"}
    empty["spec"]["selector"] = {}
    yard.create(empty, bare_pod("web"))
    yard.settle(30)
    assert yard.get(BUDGETS, "web")["status"]["expectedPods"] == 1


@pytest.mark.parametrize(
    ("server", "api", "served"),
    [
        ("v1.16.15-gke.6000", "policy/v1", False),
        ("v1.20.2", "policy/v1", False),
        ("v1.22.3", "policy/v1", True),
        ("v1.22.3", "policy/v1beta1", True),
        ("v1.25.0", "policy/v1beta1", False),
    ],
)
def test_eviction_version_is_the_servers(server: str, api: str, served: bool) -> None:
    """Each server knows the eviction versions of its time."""
    yard = make_yard(server_version=server)
    yard.create(bare_pod("web"))
    yard.settle(5)
    if served:
        assert evict(yard, "web", {"apiVersion": api})["code"] == 201
    else:
        assert refused(yard, "web", {"apiVersion": api}).code == 400


def test_stuck_budget_allows_nothing(web: Yard) -> None:
    """A budget can be made to allow no eviction."""
    web.cluster.loops.budgets.stuck.add(("shop", "web"))
    web.cluster.engine.look_at("disruption-controller", "shop", "web")
    web.settle(1)
    assert refused(web, name_of(web.pods()[0])).code == 429


def test_rolling_update_ignores_budgets(web: Yard) -> None:
    """A restart completes under a budget that allows no eviction."""
    web.patch(BUDGETS, "web", {"spec": {"minAvailable": 3}})
    before = {name_of(pod) for pod in web.pods()}
    web.restart("deployments.apps", "web")
    web.settle(60)
    assert not before & {name_of(pod) for pod in web.pods()}


def test_finished_pod_needs_no_allowance(web: Yard) -> None:
    """It serves nobody, so no budget guards it."""
    web.patch(BUDGETS, "web", {"spec": {"minAvailable": 3}})
    web.settle(2)
    pod = web.pods()[0]
    web.cluster.api.set_status("pods", pod, {**pod["status"], "phase": "Failed"})
    assert evict(web, name_of(pod))["code"] == 201


def test_changed_budget_refuses_until_it_was_looked_at(web: Yard) -> None:
    """Its numbers are still those of the budget before."""
    web.patch(BUDGETS, "web", {"spec": {"minAvailable": 1}})
    error = refused(web, name_of(web.pods()[0]))
    assert (error.code, error.details["causes"][0]["message"]) == (
        429,
        "The disruption budget web is still being processed by the server.",
    )
