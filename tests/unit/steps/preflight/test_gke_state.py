"""What GKE says of a cluster, and what each of it means for an upgrade."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steps.contract.checks import Severity, select_checks
from steps.contract.options import UpgradeOptions
from steps.mesh import GkeState
from steps.preflight.eligibility import judge_survey
from steps.preflight.gke_state import check_gke, refuse_gke
from tests.unit.steps.builders import make_identity, make_survey, read_shipped_release

RELEASE = read_shipped_release()
END = datetime(2026, 12, 20, 8, 0, tzinfo=UTC)
AUTOPILOT = (
    "cluster-x is an Autopilot cluster: ASM 1.4.10-asm.18 needs NET_ADMIN in pods and paths of the nodes, "
    "which Autopilot does not give"
)


@pytest.mark.parametrize(
    ("state", "severity", "sentence"),
    [
        (GkeState("PROVISIONING"), "error", "GKE says PROVISIONING, it is still being made"),
        (GkeState("STOPPING"), "error", "GKE says STOPPING, it is being deleted"),
        (GkeState("ERROR", "no quota left"), "error", "GKE says ERROR, it is unusable: no quota left"),
        (
            GkeState("DEGRADED", "no route to the nodes"),
            "warning",
            "GKE says DEGRADED, it does not work in full until somebody acts: no route to the nodes",
        ),
        (GkeState("RECONCILING"), "warning", "GKE says RECONCILING, GKE works on its master or nodes"),
        (GkeState("RUNNING", autopilot=True), "error", AUTOPILOT),
        (
            GkeState("RUNNING", alpha=True, expires=END),
            "warning",
            "cluster-x is an alpha cluster: GKE deletes it at 2026-12-20 08:00 UTC, and never upgrades it",
        ),
        (
            GkeState("RUNNING", alpha=True),
            "warning",
            "cluster-x is an alpha cluster: GKE deletes it in time, and never upgrades it",
        ),
    ],
)
def test_what_gke_says_is_told_in_a_sentence(state: GkeState, severity: Severity, sentence: str) -> None:
    """As a refusal or as a risk, in the preflight and so in doctor."""
    identity = make_identity(gke=state)
    found = select_checks(judge_survey(make_survey(identity=identity), RELEASE, UpgradeOptions()), severity)
    assert [check.sentence for check in found] == [sentence]
    assert all(check.remedy for check in found if severity == "error")
    assert (refuse_gke(identity, RELEASE) is not None) == (severity == "error")


@pytest.mark.parametrize("state", [GkeState(), GkeState("RUNNING"), GkeState("RUNNING", "all is well")])
def test_nothing_is_said_of_a_cluster_that_runs(state: GkeState) -> None:
    """Nor of one that GKE was not asked about."""
    assert check_gke(make_identity(gke=state), RELEASE) == ()


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Its status and its kind."""
    state = GkeState("DEGRADED", autopilot=True, alpha=True, expires=END)
    assert [check.severity for check in check_gke(make_identity(gke=state), RELEASE)] == ["warning", "error", "warning"]


@pytest.mark.parametrize("status", ["STOPPING", "ERROR", "DEGRADED"])
def test_the_remedy_leads_to_what_gke_knows(status: str) -> None:
    """A command that can be pasted, for this very cluster."""
    (check,) = check_gke(make_identity(gke=GkeState(status)), RELEASE)
    look = "gcloud container clusters describe cluster-x --project example-project --location us-central1-a"
    assert look in check.remedy
