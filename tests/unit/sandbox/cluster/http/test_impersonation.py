"""Requests to the simulated cluster that act as somebody else."""

from __future__ import annotations

import json

import urllib3

from sandbox.cluster.seeds.viewer import viewer
from sandbox.cluster.server.authorization import BOT_ACCOUNT, VIEWER
from tests.unit.sandbox.cluster.conftest import ServedYard

PODS = "/api/v1/namespaces/shop/pods"


def ask(
    served: ServedYard, token: str, *, user: str = "", groups: tuple[str, ...] = (), path: str = PODS
) -> tuple[int, str]:
    """Send a read as somebody else; the status and the message."""
    headers = urllib3.HTTPHeaderDict({"Authorization": f"Bearer {token}"})
    if user:
        headers.add("Impersonate-User", user)
    for group in groups:
        headers.add("Impersonate-Group", group)
    pool = urllib3.PoolManager(ca_certs=str(served.certificate.ca_file), retries=False)
    answer = pool.request("GET", f"{served.url}{path}", headers=headers)
    pool.clear()
    text = answer.data.decode()
    return answer.status, str(json.loads(text).get("message", "")) if text.startswith("{") else text


def test_the_bot_may_act_for_the_viewer_alone(served: ServedYard) -> None:
    """As an administrator sets it up."""
    served.yard.create(*viewer())
    assert ask(served, "ya29.anything", user=VIEWER)[0] == 200
    status, message = ask(served, "ya29.anything", user="admin")
    assert status == 403
    assert message.startswith(f'users "admin" is forbidden: User "{BOT_ACCOUNT}" cannot impersonate resource "users"')


def test_the_viewer_has_its_own_rights(served: ServedYard) -> None:
    """Whoever acts for it."""
    served.yard.create(*viewer())
    admin = served.yard.cluster.tokens.admin
    assert ask(served, admin, user=VIEWER)[0] == 200
    status, message = ask(served, admin, user=VIEWER, path="/api/v1/namespaces/shop/secrets")
    assert (status, f'User "{VIEWER}" cannot list' in message) == (403, True)


def test_groups_count_where_they_may_be_named(served: ServedYard) -> None:
    """An administrator names any."""
    admin = served.yard.cluster.tokens.admin
    assert ask(served, admin, user="nobody")[0] == 403
    assert ask(served, admin, user="nobody", groups=("system:masters",))[0] == 200


def test_groups_alone_are_an_error(served: ServedYard) -> None:
    """Of the server's own."""
    status, text = ask(served, served.yard.cluster.tokens.admin, groups=("system:masters",))
    assert status == 500
    assert text.startswith(f'Internal Server Error: "{PODS}"')


def test_a_refused_token_comes_before_all_that(served: ServedYard) -> None:
    """401."""
    served.yard.cluster.faults.expired_tokens.add("gone")
    assert ask(served, "gone", user=VIEWER)[0] == 401
