"""Who holds a template, by managedFields as servers write them."""

from __future__ import annotations

from typing import Any

import pytest

from steps.workloads.holders import describe_holders, list_holders

Json = dict[str, Any]
TEMPLATE: Json = {"f:spec": {"f:template": {"f:spec": {".": {}, "f:containers": {}}}}}
STAMP: Json = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}}}
REPLICAS: Json = {"f:spec": {"f:replicas": {}}}


def entry(manager: str, time: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "no field manager holds its template"),
        (
            [entry("shop-operator", "2026-03-02T09:00:00Z", TEMPLATE), entry("kubectl-rollout", "T", STAMP)],
            "its template is held by field manager shop-operator (last gained a field 2026-03-02T09:00:00Z)",
        ),
        (
            [entry("helm", "2026-03-01T09:00:00Z", TEMPLATE), entry("operator", "2026-03-02T09:00:00Z", TEMPLATE)],
            "its template is held by field manager operator (last gained a field 2026-03-02T09:00:00Z),"
            " helm (last gained a field 2026-03-01T09:00:00Z)",
        ),
        (
            [entry("helm", "2026-03-03T09:00:00Z", TEMPLATE), entry("argocd", "2026-03-02T09:00:00Z", STAMP)],
            "field manager argocd set another stamp (2026-03-02T09:00:00Z)",
        ),
        ([entry("hpa", "2026-03-02T09:00:00Z", REPLICAS)], "no field manager holds its template"),
        ([entry("kube-controller-manager", "T", TEMPLATE)], "no field manager holds its template"),
    ],
    ids=["none", "its creator", "the latest first", "another stamp", "another field", "Kubernetes itself"],
)
def test_who_may_have_taken_it_back_is_told_as_far_as_fields_tell(entries: list[Any], sentence: str) -> None:
    """Never more than managedFields say."""
    assert describe_holders(list_holders({"metadata": {"managedFields": entries}})) == sentence


@pytest.mark.parametrize("odd", [None, "text", [1], [{"manager": 7}], [{"manager": "m", "fieldsV1": {"f:spec": 1}}]])
def test_odd_fields_name_nobody(odd: object) -> None:
    """A server that keeps them otherwise costs a name and nothing more."""
    assert list_holders({"metadata": {"managedFields": odd}}) == ()
