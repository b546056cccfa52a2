"""kubectl's own words, in the forms in which it says them."""

from __future__ import annotations

import pytest

from steps.install.record.kubectl_errors import choose_remedy, judge_cause, read_kubectl_errors

PATCHED = """\
Error from server (InternalError): error when applying patch:
{"spec":{"strategy":{"$retainKeys":["rollingUpdate"]}}}
to:
Resource: "apps/v1, Resource=deployments", GroupVersionKind: "apps/v1, Kind=Deployment"
Name: "istio-galley", Namespace: "istio-system"
for: "STDIN": Internal error occurred: failed calling webhook "check.policy.example": service "policy" not found
"""
RETRIEVED = """\
Error from server (Forbidden): error when retrieving current configuration of:
Resource: "rbac.authorization.k8s.io/v1, Resource=clusterroles", GroupVersionKind: "rbac/v1, Kind=ClusterRole"
Name: "istio-galley-istio-system", Namespace: ""
from server for: "STDIN": clusterroles "istio-galley-istio-system" is forbidden: User "bot" cannot get resource
"""


def test_the_cause_of_a_failed_object_is_in_its_last_line() -> None:
    """With the object's kind, namespace and name."""
    (fault,) = read_kubectl_errors(PATCHED)
    assert (fault.name, fault.kind) == ("Deployment istio-system/istio-galley", "webhook")
    assert fault.cause.startswith("Internal error occurred: failed calling webhook")


def test_objects_without_a_namespace_are_named_too() -> None:
    """And each fault is told once."""
    (fault,) = read_kubectl_errors(RETRIEVED + RETRIEVED)
    assert str(fault).startswith("ClusterRole istio-galley-istio-system: clusterroles")
    assert fault.kind == "forbidden"


def test_a_patch_is_no_error() -> None:
    """Whatever it holds."""
    assert [one.name for one in read_kubectl_errors(PATCHED.replace("{", "{connection refused "))] == [
        "Deployment istio-system/istio-galley"
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (
            "The connection to the server 127.0.0.1:16443 was refused - did you specify the right host or port?",
            "connection",
        ),
        ("error: You must be logged in to the server (Unauthorized)", "token"),
        ('Error from server: error when creating "STDIN": namespaces "x" is forbidden: quota', "forbidden"),
        ("Unable to connect to the server: net/http: TLS handshake timeout", "connection"),
        ("Error from server (Timeout): etcdserver: request timed out", "connection"),
        ('The Deployment "x" is invalid: spec.selector: Invalid value: {}: field is immutable', "immutable"),
        ("error: unable to recognize", "other"),
    ],
)
def test_each_cause_has_its_kind_and_remedy(line: str, kind: str) -> None:
    """A sentence of its own for each."""
    (fault,) = read_kubectl_errors(line + "\n")
    assert fault.kind == kind
    assert choose_remedy(fault.kind)


def test_a_webhook_that_refuses_connections_is_a_webhook() -> None:
    """The API server is well."""
    assert judge_cause('failed calling webhook "a.b": Post "https://x": dial tcp: connection refused') == "webhook"


def test_nothing_said_is_nothing_wrong() -> None:
    """Empty lines don't count."""
    assert read_kubectl_errors("\n \n") == ()
