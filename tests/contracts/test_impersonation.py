"""Acting as somebody else: who may, as whom a request goes on, and what is said to who may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.ground import UNKNOWN_TOKEN, Ground
from tests.realcluster.control_plane import BOT_TOKEN, BOT_USER

ROLES = "rbac.authorization.k8s.io"
VIEWER = "contract-viewer"
READERS = "contract-readers"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PODS = "/api/v1/namespaces/kube-system/pods"


def act(ground: Ground, user: str = "", *groups: str, bot: bool = True, path: str = PODS, body: Any = None) -> Any:
    """Send a request by the bot's token, or the administrator's, as somebody else."""
    headers = [("Authorization", f"Bearer {BOT_TOKEN}")] if bot else []
    headers += [("Impersonate-User", user)] if user else []
    headers += [("Impersonate-Group", group) for group in groups]
    return ground.http.request("POST" if body else "GET", path, headers=headers, json=body)


def may(ground: Ground, verb: str, user: str, *groups: str) -> bool:
    """Whether somebody may do this with pods, by a review of one's own."""
    asked = {"verb": verb, "resource": "pods", "namespace": "kube-system"}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = act(ground, user, *groups, bot=False, path=REVIEWS, body=body | {"spec": {"resourceAttributes": asked}})
    assert answer.status_code == 201, answer.text
    return bool(answer.json()["status"]["allowed"])


@pytest.fixture
def reader(ground: Ground) -> Iterator[Ground]:
    """Give a cluster where the viewer and the group of readers may read pods, and nobody may act for them."""
    ground.need("bot")
    give(ground, "contract-reading", ["get", "list"], ["pods"], [("User", VIEWER), ("Group", READERS)])
    yield ground
    for name in ("contract-reading", "contract-acting"):
        for kind in ("clusterroles", "clusterrolebindings"):
            ground.send("DELETE", f"/apis/{ROLES}/v1/{kind}/{name}")
    ground.until(lambda: act(ground, VIEWER).status_code == 403 and not may(ground, "list", VIEWER))


def give(ground: Ground, name: str, verbs: list[str], resources: list[str], subjects: list[tuple[str, str]]) -> None:
    rules = [{"apiGroups": [""], "resources": resources, "verbs": verbs}]
    made = {"apiVersion": f"{ROLES}/v1", "metadata": {"name": name}}
    reference = {"apiGroup": ROLES, "kind": "ClusterRole", "name": name}
    bound = [{"apiGroup": ROLES, "kind": kind, "name": who} for kind, who in subjects]
    ground.create(
        {**made, "kind": "ClusterRole", "rules": rules},
        {**made, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": bound},
    )


def read_refusal(answer: Any) -> tuple[int, str, Any]:
    body = answer.json()
    return answer.status_code, body["message"], body.get("details")


def test_acting_as_somebody_takes_a_right_of_its_own(reader: Ground) -> None:
    """Without the verb `impersonate` the sentence names who asked, and whom for."""
    assert read_refusal(act(reader, VIEWER)) == (
        403,
        f'users "{VIEWER}" is forbidden: User "{BOT_USER}" cannot impersonate resource "users" in API group "" at the '
        "cluster scope",
        {"name": VIEWER, "kind": "users"},
    )


def test_who_may_act_for_somebody_has_their_rights(reader: Ground) -> None:
    """A viewer's, and no other: not those of who asked, and what is refused is refused to the viewer."""
    give(reader, "contract-acting", ["impersonate"], ["users"], [("User", BOT_USER)])
    reader.until(lambda: act(reader, VIEWER).status_code == 200, 10)
    status, message, _ = read_refusal(act(reader, VIEWER, path="/api/v1/namespaces/kube-system/secrets"))
    assert status == 403
    assert f'User "{VIEWER}" cannot list resource "secrets"' in message


def test_each_group_takes_the_right_too(reader: Ground) -> None:
    """Who may act for a user may not choose the groups as well."""
    give(reader, "contract-acting", ["impersonate"], ["users"], [("User", BOT_USER)])
    reader.until(lambda: act(reader, VIEWER).status_code == 200, 10)
    status, message, _ = read_refusal(act(reader, VIEWER, "system:masters"))
    assert status == 403
    assert message.startswith(f'groups "system:masters" is forbidden: User "{BOT_USER}" cannot impersonate resource')


def test_a_service_account_is_asked_about_by_its_own_kind(reader: Ground) -> None:
    """By namespace and name."""
    status, message, _ = read_refusal(act(reader, "system:serviceaccount:shop:robot"))
    assert status == 403
    assert message == (
        f'serviceaccounts "robot" is forbidden: User "{BOT_USER}" cannot impersonate resource "serviceaccounts" in API '
        'group "" in the namespace "shop"'
    )


def test_an_administrator_who_acts_for_somebody_has_no_rights_left(reader: Ground) -> None:
    """The administrator's own group counts no more; a named group does."""
    reader.until(lambda: may(reader, "list", VIEWER), 10)
    assert not may(reader, "create", VIEWER)
    assert not may(reader, "list", "contract-nobody")
    assert may(reader, "list", "contract-nobody", READERS)
    assert may(reader, "create", "contract-nobody", "system:masters")


def test_groups_without_a_user_are_an_error(reader: Ground) -> None:
    """Of the server's own, as text."""
    answer = act(reader, "", READERS, bot=False)
    assert answer.status_code == 500
    assert answer.text.startswith(f'Internal Server Error: "{PODS}": ')
    assert "without impersonating a user" in answer.text


def test_an_unknown_token_is_refused_before_all_that(reader: Ground) -> None:
    """401, whoever is named."""
    headers = {"Authorization": f"Bearer {UNKNOWN_TOKEN}", "Impersonate-User": VIEWER}
    assert reader.http.get(PODS, headers=headers).status_code == 401
