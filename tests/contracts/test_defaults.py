"""What a server has at its start, and what it makes of what it is given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.ground import MERGE, Ground
from tests.contracts.shapes import bare_pod, config

ROLES = "/apis/rbac.authorization.k8s.io/v1"


def allowed(rules: list[Any], group: str, resource: str, verb: str) -> bool:
    return any(
        {group, "*"} & set(rule.get("apiGroups") or ())
        and {resource, "*"} & set(rule.get("resources") or ())
        and {verb, "*"} & set(rule["verbs"])
        for rule in rules
    )


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("view", [("", "pods", "list"), ("apps", "deployments", "get")],
         [("", "secrets", "get"), ("", "pods", "patch")]),
        ("edit", [("", "secrets", "get"), ("apps", "deployments", "patch")],
         [("rbac.authorization.k8s.io", "rolebindings", "create"), ("", "resourcequotas", "create")]),
        ("admin", [("rbac.authorization.k8s.io", "rolebindings", "create"), ("", "pods", "delete")],
         [("", "nodes", "list")]),
        ("cluster-admin", [("", "nodes", "delete")], []),
    ],
)  # fmt: skip
def test_the_default_roles(ground: Ground, role: str, may: list[Any], may_not: list[Any]) -> None:
    """view, edit, admin and cluster-admin grant what they grant everywhere."""
    rules = ground.send("GET", f"{ROLES}/clusterroles/{role}").json()["rules"]
    assert all(allowed(rules, *wanted) for wanted in may)
    assert not any(allowed(rules, *wanted) for wanted in may_not)


@pytest.mark.parametrize(
    ("binding", "group"),
    [
        ("cluster-admin", "system:masters"),
        ("system:discovery", "system:authenticated"),
        ("system:basic-user", "system:authenticated"),
    ],
)
def test_the_default_grants(ground: Ground, binding: str, group: str) -> None:
    """By groups."""
    found = ground.send("GET", f"{ROLES}/clusterrolebindings/{binding}").json()
    assert (found["roleRef"]["name"], [row["name"] for row in found["subjects"]]) == (binding, [group])


def test_string_data_becomes_data(ground: Ground) -> None:
    """At creation and later; what the server shows has no stringData."""
    space = ground.make_space()
    path = f"/api/v1/namespaces/{space}/secrets/keys"
    ground.create(config("Secret", space, "keys", first="one"))
    assert ground.send("PATCH", path, {"stringData": {"second": "two"}}, MERGE).status_code == 200
    found = ground.send("GET", path).json()
    assert (found["data"], "stringData" in found) == ({"first": "b25l", "second": "dHdv"}, False)


def test_a_new_pod_is_pending_whatever_it_says_of_itself(ground: Ground) -> None:
    """Status is the kubelet's to write."""
    space = ground.make_space()
    for name, status in (("plain", None), ("bold", {"phase": "Running"}), ("empty", {})):
        made = bare_pod(space, name) if status is None else {**bare_pod(space, name), "status": status}
        assert ground.post(made).json()["status"]["phase"] == "Pending"


def test_the_service_of_the_api_server(ground: Ground) -> None:
    """Every cluster has it in namespace default; workloads reach the API by it, and a quota counts it."""
    found = ground.send("GET", "/api/v1/namespaces/default/services/kubernetes").json()
    ports = [(row["name"], row["port"], row["protocol"]) for row in found["spec"]["ports"]]
    assert (found["spec"]["type"], ports) == ("ClusterIP", [("https", 443, "TCP")])
    assert found["metadata"]["labels"] == {"component": "apiserver", "provider": "kubernetes"}
