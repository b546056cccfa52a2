"""Refusals of Google's APIs, told by their reason."""

from __future__ import annotations

import pytest

from bot.gateways.google.gke import GkeGateway
from bot.gateways.google.reasons import GoogleRefusal, find_remedy, read_google_refusal
from steps.contract.errors import GiveUp, NotGranted, TryAgain
from tests.unit.bot.gateways.project import ADDRESS, Google

PERIMETER = "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: aBc-12_3"
# What a person reads of each, as part of the remedy.
TOLD = {
    "SERVICE_DISABLED": "gcloud services enable container.googleapis.com --project=123456789012",
    "BILLING_DISABLED": "billing account",
    "SECURITY_POLICY_VIOLATED": "VPC Service Controls",
    "ORG_RESTRICTION_VIOLATION": "proxy",
    "LOCATION_POLICY_VIOLATED": "policy on locations",
    "USER_PROJECT_DENIED": "roles/serviceusage.serviceUsageConsumer",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "cloud-platform",
    "CONSUMER_SUSPENDED": "suspended",
    "CONSUMER_INVALID": "project id",
    "ACCOUNT_STATE_INVALID": "disabled or deleted",
}
# One path goes through Google's client library, the other through plain REST.
PATHS = ("/clusters/", "/v1/projects/example-project")


def refuse(google: Google, gke: GkeGateway, path: str, reason: str, message: str = "") -> GiveUp:
    """What comes of looking at the cluster while Google refuses with a 403 of this reason."""
    google.switches.status, google.switches.status_on = 403, path
    google.switches.status_reason, google.switches.status_message = reason, message
    with pytest.raises(GiveUp) as told:
        gke.describe_cluster(ADDRESS)
    return told.value


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("reason", TOLD)
def test_each_reason_has_its_own_remedy(google: Google, gke: GkeGateway, path: str, reason: str) -> None:
    """None of them is mended by another IAM role on the cluster."""
    told = refuse(google, gke, path, reason)
    assert (TOLD[reason] in told.remedy, "add-iam-policy-binding" in told.remedy) == (True, False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("reason", "said", "kind"),
    [
        ("IAM_PERMISSION_DENIED", "", NotGranted),
        ("", 'Required "container.clusters.get" permission(s) for "projects/example-project".', NotGranted),
        ("", "Permission 'resourcemanager.projects.get' denied on resource (or it may not exist).", NotGranted),
        ("", "The caller does not have permission", NotGranted),
        ("", "<html><title>403</title>You don't have permission to access this server.</html>", GiveUp),
        ("", "Access to this site is blocked", GiveUp),
    ],
)
def test_a_missing_role_is_told_with_its_command(
    google: Google, gke: GkeGateway, path: str, reason: str, said: str, kind: type[GiveUp]
) -> None:
    """Without a reason it is one by IAM's words; nothing that anybody else refuses is on its way."""
    told = refuse(google, gke, path, reason, said)
    assert ("add-iam-policy-binding" in told.remedy, type(told)) == (True, kind)


@pytest.mark.parametrize("path", PATHS)
def test_a_perimeter_is_told_with_the_number_to_look_up(google: Google, gke: GkeGateway, path: str) -> None:
    """It stands in the message alone."""
    told = refuse(google, gke, path, "", PERIMETER)
    assert ("aBc-12_3" in told.remedy, type(told)) == (True, GiveUp)


@pytest.mark.parametrize("path", PATHS)
def test_a_rate_limit_inside_a_403_passes(google: Google, gke: GkeGateway, path: str) -> None:
    """It is tried again like a 429."""
    google.switches.status, google.switches.status_on = 403, path
    google.switches.status_reason = "RATE_LIMIT_EXCEEDED"
    with pytest.raises(TryAgain, match="throttling"):
        gke.describe_cluster(ADDRESS)


def test_the_older_form_of_a_reason_is_read() -> None:
    """`errors` in place of `details`."""
    answer = {"error": {"message": "Rate Limit Exceeded", "errors": [{"reason": "rateLimitExceeded"}]}}
    assert read_google_refusal(403, "", answer).reason == "rateLimitExceeded"


@pytest.mark.parametrize("answer", [None, [], {}, {"error": None}, {"error": {"details": [1, {"@type": 2}]}}])
def test_an_answer_of_any_form_is_read(answer: object) -> None:
    """A proxy's page is no google.rpc.Status."""
    refusal = read_google_refusal(403, "<html>", answer)
    assert (refusal.status, find_remedy(refusal)) == (403, "")


def test_an_unknown_reason_has_no_remedy_of_its_own() -> None:
    """The message is shown, and the usual remedy."""
    assert find_remedy(GoogleRefusal(403, "no", "SOMETHING_NEW")) == ""
