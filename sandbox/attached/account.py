"""The bot's account in a given cluster: the roles of the manifests under its own name, with a token of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

from sandbox.attached.access import Access
from sandbox.attached.api import Api
from sandbox.attached.demo import MARK, OWN_NAMESPACE
from sandbox.cluster.seeds.account_roles import operator_rules, role_for
from sandbox.cluster.seeds.viewer import viewer, viewer_rules
from sandbox.cluster.server.authorization import ROLES_GROUP

Json = dict[str, Any]

NAME = "asm-upgrade-bot"
ACCOUNT = f"system:serviceaccount:{OWN_NAMESPACE}:{NAME}"
TOKEN_SECONDS = 24 * 3600
ROLE = "viewer-who-binds"


def describe_account() -> list[Json]:
    """Return the service account with its role and binding, and those of the viewer whom it may act for."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": OWN_NAMESPACE}}
    roles = [*role_for(ACCOUNT, f"{OWN_NAMESPACE}-bot", _list_rules()), *viewer(f"{OWN_NAMESPACE}-viewer")]
    return [account, *({**made, "metadata": {**made["metadata"], "labels": MARK}} for made in roles)]


def let_view(user: str) -> list[Json]:
    """Return the role and binding that give a user what the bot's account needs."""
    return role_for(user, ROLE, _list_rules())


def _list_rules() -> list[Json]:
    """The manifests' roles; with no binding that stands empty, the account makes the guide's."""
    binding = {"apiGroups": [ROLES_GROUP], "resources": ["clusterrolebindings"], "verbs": ["create"]}
    return [*viewer_rules(), *operator_rules(), binding]


async def write_token(api: Api) -> str:
    """Ask for a token of the bot's account, good for a day."""
    path = f"/api/v1/namespaces/{OWN_NAMESPACE}/serviceaccounts/{NAME}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": TOKEN_SECONDS}}  # fmt: skip
    return str((await api.send("POST", path, asked))["status"]["token"])


def describe_kubeconfig(access: Access, token: str) -> str:
    """Return a kubeconfig for the bot, as JSON."""
    cluster: Json = {"server": access.server}
    if access.authority:
        cluster["certificate-authority-data"] = base64.b64encode(access.authority.encode()).decode()
    if not access.verify:
        cluster["insecure-skip-tls-verify"] = True
    if access.server_name:
        cluster["tls-server-name"] = access.server_name
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "cluster-x",
        "clusters": [{"name": "cluster-x", "cluster": cluster}], "users": [{"name": "bot", "user": {"token": token}}],
        "contexts": [{"name": "cluster-x", "context": {"cluster": "cluster-x", "user": "bot"}}],
    }  # fmt: skip
    return json.dumps(config, indent=2)
