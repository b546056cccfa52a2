"""Who may do what in the simulated cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from sandbox.cluster.server.authorization import BOT_ACCOUNT, Attributes, User, find_permission
from tests.unit.sandbox.cluster.conftest import ServedYard
from tests.unit.sandbox.cluster.yard import bare_pod

ROLES = "rbac.authorization.k8s.io"
ADMIN_BINDING: dict[str, Any] = {
    "metadata": {"name": "cluster-admin-binding"},
    "roleRef": {"apiGroup": ROLES, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "User", "name": BOT_ACCOUNT, "apiGroup": ROLES}],
}


def core(api: client.ApiClient) -> Any:
    return client.CoreV1Api(api)


def may(api: client.ApiClient, verb: str, group: str, resource: str, subresource: str = "") -> bool:
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": "shop"}
    review: Any = {"spec": {"resourceAttributes": attributes}}
    answer: Any = client.AuthorizationV1Api(api).create_self_subject_access_review(review)
    return bool(answer.status.allowed)


def refused(api: client.ApiClient, status: int) -> str:
    with pytest.raises(ApiException) as caught:
        core(api).delete_namespaced_pod("web", "shop")
    assert caught.value.status == status
    return str(json.loads(caught.value.body or "{}")["message"])


def test_unknown_token_is_the_google_account_with_viewer_rights(served: ServedYard) -> None:
    """Any token of the bot's key reads, and may not write."""
    served.yard.create(bare_pod("web"))
    with served.api("ya29.anything") as bot:
        assert len(core(bot).list_namespaced_pod("shop").items) == 1
        message = refused(bot, 403)
    assert message == (
        f'pods "web" is forbidden: User "{BOT_ACCOUNT}" cannot delete resource "pods" in API group "" in the '
        'namespace "shop": requires one of ["container.pods.delete"] permission(s).'
    )


def test_secrets_stay_hidden_from_a_viewer(served: ServedYard) -> None:
    """Reading everything leaves secrets out."""
    with served.api("ya29.anything") as bot, pytest.raises(ApiException) as caught:
        core(bot).list_namespaced_secret("shop")
    assert caught.value.status == 403


def test_access_review_agrees_with_what_is_enforced(served: ServedYard) -> None:
    """A review says no before the binding, and yes to everything after it."""
    with served.api("ya29.anything") as bot:
        assert may(bot, "list", "", "pods")
        assert not may(bot, "create", "", "pods", "eviction")
        roles: Any = client.RbacAuthorizationV1Api(bot)
        roles.create_cluster_role_binding(ADMIN_BINDING)
        assert may(bot, "create", "", "pods", "eviction")
        assert may(bot, "*", "*", "*")


def test_removed_binding_takes_the_rights_away(served: ServedYard) -> None:
    """Without its binding the account is a viewer again."""
    with served.api("ya29.anything") as bot:
        roles: Any = client.RbacAuthorizationV1Api(bot)
        roles.create_cluster_role_binding(ADMIN_BINDING)
        roles.delete_cluster_role_binding("cluster-admin-binding")
        assert not may(bot, "patch", "apps", "deployments")


def test_nobody_grants_what_they_do_not_hold(served: ServedYard) -> None:
    """Without `bind` a binding to a stronger role is refused."""
    bindings = {"apiGroups": [ROLES], "resources": ["clusterrolebindings"], "verbs": ["create"]}
    served.yard.cluster.authorizer.iam[BOT_ACCOUNT] = [bindings]
    roles: Any = client.RbacAuthorizationV1Api(served.api("ya29.anything"))
    with pytest.raises(ApiException) as caught:
        roles.create_cluster_role_binding(ADMIN_BINDING)
    assert "attempting to grant RBAC permissions not currently held" in (caught.value.body or "")


def test_role_binding_holds_in_its_namespace_alone(served: ServedYard) -> None:
    """A RoleBinding to a ClusterRole gives rights in one namespace."""
    binding = {**ADMIN_BINDING, "apiVersion": f"{ROLES}/v1", "kind": "RoleBinding"}
    binding["metadata"] = {"name": "ops", "namespace": "data"}
    binding["subjects"] = [{"kind": "User", "name": "eve"}]
    served.yard.create(binding)
    served.yard.cluster.tokens.register("eve-token", "eve")
    with served.api("eve-token") as eve:
        core(eve).create_namespaced_pod("data", bare_pod("web", namespace="data"))
        message = refused(eve, 403)
    assert 'User "eve"' in message


def test_expired_token_is_unauthorized(served: ServedYard) -> None:
    """An expired token answers 401, whatever it could do."""
    served.yard.cluster.faults.expired_tokens.add("old")
    with served.api("old") as bot:
        assert refused(bot, 401) == "Unauthorized"


def test_request_without_a_token_is_anonymous(served: ServedYard) -> None:
    """Nobody in particular may do nothing."""
    with served.api() as api:
        api.configuration.api_key = {}
        assert 'User "system:anonymous"' in refused(api, 403)


@pytest.mark.parametrize(
    ("wanted", "permission"),
    [
        (Attributes("list", resource="pods"), "container.pods.list"),
        (Attributes("create", resource="pods", subresource="eviction"), "container.pods.evict"),
        (Attributes("patch", "apps", "deployments", "scale"), "container.deployments.updateScale"),
        (Attributes("create", ROLES, "clusterrolebindings"), "container.clusterRoleBindings.create"),
        (Attributes("watch", "networking.istio.io", "gateways"), "container.thirdPartyObjects.list"),
    ],
)
def test_a_google_account_is_told_the_permission_that_it_lacks(wanted: Attributes, permission: str) -> None:
    """As GKE's API server writes it; of others Google's IAM knows nothing."""
    assert find_permission(User(BOT_ACCOUNT), wanted) == permission
    assert find_permission(User("system:serviceaccount:shop:web"), wanted) == ""
