import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from steps.mesh import Autoscaler, DisruptionBudget, Requirement, Workload, WorkloadRef
from steps.workloads.inventory import Condition
from steps.workloads.method import Method
from steps.workloads.placement import Room
from steps.workloads.risk import find_risks, is_mutable, is_rolling
from steps.workloads.subject import Risk, covers, worst_level
from tests.unit.steps.builders import make_node
from tests.unit.steps.paper_cluster import START
from tests.unit.steps.shapes import WEB, pod, subject, workload

BUDGET = DisruptionBudget("shop", "web", {"app": "web"}, "3", "", 0)


def kinds(method: Method = "restart", shape: Workload | None = None, **inventory: object) -> list[str]:
    """The kinds of the risks of a workload."""
    return [risk.kind for risk in find_risks(subject(method, shape, **inventory))]


def room_on_a_node(cpu_millis: int, memory_bytes: int) -> dict[str, Any]:
    """One node, and what it has left."""
    return {"nodes": (make_node("n1"),), "rooms": {"n1": Room(cpu_millis, memory_bytes, 100)}}


def kinds_of(condition: Condition, method: Method, shape: Workload, skipped: str = "") -> list[str]:
    """The kinds of the risks of a workload whose pod is in this condition."""
    one = subject(method, shape)
    findings = (dataclasses.replace(one.findings[0], condition=condition, skipped=skipped),)
    return [risk.kind for risk in find_risks(dataclasses.replace(one, findings=findings))]


def test_a_plain_deployment_has_no_risk() -> None:
    """Nothing is said where there is nothing to say."""
    assert kinds(shape=workload()) == []


@pytest.mark.parametrize(
    ("shape", "method", "kind"),
    [
        (workload("StatefulSet", strategy="OnDelete"), "evict", "OnDelete"),
        (workload("StatefulSet", partition=2), "evict", "partition"),
        (workload(paused=True), "manual", "paused"),
        (workload(strategy="Recreate"), "restart", "Recreate"),
        (workload(replicas=1), "restart", "single replica"),
        (workload(probed=False), "restart", "no readiness probe"),
        (workload(updated=1, current=4), "restart", "rollout in progress"),
        (workload(images={"app": "app:latest"}), "restart", "mutable image tag"),
        (workload("Job"), "manual", "Job"),
    ],
)
def test_each_risk_is_found(shape: Workload, method: Method, kind: str) -> None:
    """One by one, from the workload alone."""
    assert kinds(method, shape) == [kind]


def test_a_bare_pod_is_a_risk() -> None:
    """It has no workload to look at."""
    found = find_risks(subject("manual", workload("Pod")))
    assert "bare pod" in [risk.kind for risk in found]


def test_an_unknown_owner_is_a_risk() -> None:
    """Neither pod nor Job nor anything that the bot reads."""
    one = subject("manual", None)
    assert [risk.kind for risk in find_risks(one)] == ["unknown owner"]


def test_a_single_replica_that_surges_is_only_noted() -> None:
    """The new pod is ready before the old one stops."""
    surging = find_risks(subject("restart", workload(replicas=1, max_surge="25%")))
    stopping = find_risks(subject("restart", workload(replicas=1, max_surge="0")))
    assert (worst_level(surging), worst_level(stopping)) == ("note", "outage")


def test_a_budget_at_0_is_told_for_evictions_and_restarts() -> None:
    """With what the bot does about it in each case."""
    evicted = find_risks(subject("evict", workload(), budgets=(BUDGET,)))
    restarted = find_risks(subject("restart", workload(), budgets=(BUDGET,)))
    assert [risk.bot for risk in (*evicted, *restarted)] == [
        "waits for it, then asks",
        "restarts by rollout, which goes by the strategy and not by the budget",
    ]


def test_overlapping_budgets_stop_evictions() -> None:
    """Kubernetes refuses them for good."""
    assert kinds("evict", workload(), budgets=(BUDGET, BUDGET)) == ["overlapping budgets"]


def test_an_autoscaler_at_its_maximum_is_told() -> None:
    """There is no slack while pods are away."""
    full = Autoscaler("shop", "web", WEB, 1, 10, 10)
    assert kinds(shape=workload(), autoscalers=(full,)) == ["HPA at max"]


def test_pods_that_are_not_ready_before_are_told() -> None:
    """So that the restart is not blamed for them."""
    found = find_risks(subject("restart", workload(), pod("a", ready=1), pod("b")))
    assert [risk.fact for risk in found] == ["1 of 2 pods not ready before the restart"]


def test_too_little_room_for_the_surge_is_told() -> None:
    """The rollout would wait for a node."""
    shape = workload(replicas=8, cpu_millis=500)
    assert kinds(shape=shape, **room_on_a_node(900, 0)) == ["no room"]
    assert kinds(shape=shape, **room_on_a_node(1000, 0)) == []


@pytest.mark.parametrize(("minutes", "expected"), [(5, ["changed configuration"]), (-5, [])])
def test_configuration_changed_since_the_pods_started_is_told(minutes: int, expected: list[str]) -> None:
    """A restart would pick it up."""
    changes = {("shop", "ConfigMap", "settings"): START + timedelta(minutes=minutes)}
    assert kinds(shape=workload(config_maps=("settings",)), changes=changes) == expected


def test_a_secret_of_the_same_name_elsewhere_is_not_meant() -> None:
    """Namespace and kind count."""
    changes = {("other", "Secret", "key"): START + timedelta(minutes=5)}
    assert kinds(shape=workload(secrets=("key",)), changes=changes) == []


def test_the_worst_risk_comes_first() -> None:
    """A person reads the first line."""
    shape = workload(replicas=1, strategy="Recreate", probed=False)
    assert [risk.level for risk in find_risks(subject("restart", shape))] == ["outage", "note"]


def test_a_risk_says_what_bot_and_person_can_do() -> None:
    """One sentence with all three parts."""
    risk = Risk("x", "note", "it is so", "does this", "do that")
    assert risk.sentence == "it is so; the bot does this; you can do that"


@pytest.mark.parametrize(
    ("shape", "rolling"),
    [
        (workload(), False),
        (workload(available=0, ready=0), False),
        (workload(generation=2), True),
        (workload(updated=1, current=4), True),
        (workload(replicas=5), False),
        (workload(replicas=2, current=3, updated=3), False),
        (workload("StatefulSet", update_revision="r2"), True),
        (workload("DaemonSet", updated=1), True),
    ],
)
def test_a_rollout_is_told_from_scaling_and_from_unready_pods(shape: Workload, rolling: bool) -> None:
    """Only a template that is still on its way counts."""
    assert is_rolling(shape) is rolling


@pytest.mark.parametrize(
    ("image", "mutable"),
    [("app", True), ("app:latest", True), ("app:1.2", False), ("host:5000/app", True), ("app@sha256:0", False)],
)
def test_a_moving_tag_is_mutable(image: str, mutable: bool) -> None:
    """A digest never moves."""
    assert is_mutable(image) is mutable


@pytest.mark.parametrize(
    ("budget", "covered"),
    [
        (DisruptionBudget("shop", "a", {"app": "web"}, "", "1", 1), True),
        (DisruptionBudget("shop", "a", {"app": "x"}, "", "1", 1), False),
        (DisruptionBudget("shop", "a", {}, "", "1", 1), False),
        (DisruptionBudget("shop", "a", {}, "", "1", 1, selects_all=True), True),
        (DisruptionBudget("shop", "a", {}, "", "1", 1, requirements=(Requirement("app", "In", ("web",)),)), True),
    ],
)
def test_a_budget_covers_what_it_selects(budget: DisruptionBudget, covered: bool) -> None:
    """An empty selector is everything under policy/v1 and nothing under v1beta1."""
    assert covers(budget, {"app": "web"}) is covered


def test_a_budget_of_another_namespace_covers_nothing() -> None:
    """Budgets are namespaced."""
    foreign = DisruptionBudget("other", "web", {"app": "web"}, "3", "", 0)
    assert kinds("evict", workload(), budgets=(foreign,)) == []


def test_a_ref_reads_as_people_write_it() -> None:
    """The id in cards and ledger."""
    assert str(WorkloadRef("shop", "Deployment", "web")) == "shop/Deployment/web"


@pytest.mark.parametrize(
    ("condition", "kind"),
    [("pinned", "pinned sidecar"), ("by-hand", "sidecar by hand"), ("losing", "would lose its sidecar")],
)
def test_what_keeps_a_pod_from_the_new_sidecar_is_told_before(condition: Condition, kind: str) -> None:
    """Not only once everything else is done."""
    assert kinds_of(condition, "manual", workload()) == [kind]


def test_a_gateway_of_its_own_is_told_before() -> None:
    """1/1: its image stands in its template."""
    assert kinds_of("by-hand", "manual", workload(images={"istio-proxy": "proxyv2:old"})) == ["gateway"]


def test_a_restart_that_adds_a_sidecar_is_told_before() -> None:
    """A namespace that was labelled after its pods had started: to add a sidecar is more than to upgrade one."""
    assert kinds_of("missing", "restart", workload()) == ["no sidecar yet"]
    assert kinds_of("missing", "manual", workload("Job")) == ["Job"]


def test_a_pod_that_is_opted_out_is_no_risk() -> None:
    """Nothing is done to it."""
    assert kinds_of("pinned", "manual", workload(), skipped="by label") == []


def test_a_template_that_changed_under_pods_is_told() -> None:
    """Why a ReplicaSet is left to a person."""
    assert kinds_of("outdated", "manual", workload("ReplicaSet")) == ["changed template"]


def test_a_stuck_argo_rollout_is_told() -> None:
    """Why it is left to a person."""
    assert kinds_of("outdated", "manual", workload("Rollout", stalled=True)) == ["aborted"]


def test_a_daemon_set_on_one_node_is_no_single_replica() -> None:
    """There is nothing to scale."""
    assert kinds(shape=workload("DaemonSet", replicas=1)) == []


def test_what_comes_and_goes_with_the_load_binds_no_approval() -> None:
    """An autoscaler, a budget or a full node must not void a decision."""
    full = Autoscaler("shop", "web", WEB, 1, 10, 10)
    shape = workload(updated=1, current=4, cpu_millis=500)
    around: dict[str, object] = {"budgets": (BUDGET,), "autoscalers": (full,), **room_on_a_node(1, 1)}
    found = [
        *find_risks(subject("restart", shape, pod(ready=1), **around)),
        *find_risks(subject("evict", shape, **around)),
    ]
    assert {risk.kind for risk in found} == {"PDB 0", "HPA at max", "rollout in progress", "not ready", "no room"}
    assert all(risk.passing for risk in found)


def test_a_secret_changed_since_the_oldest_pod_started_is_told() -> None:
    """A younger pod has seen the change already."""
    changes = {("shop", "Secret", "key"): START + timedelta(minutes=5)}
    pods = (pod("a"), pod("b", created=START + timedelta(minutes=10)))
    found = find_risks(subject("restart", workload(secrets=("key",)), *pods, changes=changes))
    assert [risk.fact for risk in found] == ["Secret key changed since its pods started"]


def test_too_little_memory_for_the_surge_is_told() -> None:
    """Room is both."""
    assert kinds(shape=workload(replicas=8, memory_bytes=500), **room_on_a_node(0, 900)) == ["no room"]
