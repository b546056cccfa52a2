"""The bot's account in a given cluster: a viewer who may bind roles, as on GKE, with a token of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

from sandbox.attached.access import Access
from sandbox.attached.api import Api
from sandbox.attached.demo import MARK, OWN_NAMESPACE
from sandbox.cluster.seeds.viewer import viewer
from sandbox.cluster.server.authorization import ROLES_GROUP, VIEWER_RULES

Json = dict[str, Any]

NAME = "asm-upgrade-bot"
ACCOUNT = f"system:serviceaccount:{OWN_NAMESPACE}:{NAME}"
TOKEN_SECONDS = 24 * 3600
ROLE = "viewer-who-binds"


def describe_account() -> list[Json]:
    """Return the service account with its role and binding, and those of the viewer whom it may act for."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": OWN_NAMESPACE}}
    marked = [
        {**made, "metadata": {**made["metadata"], "name": f"{OWN_NAMESPACE}-bot", "labels": MARK}}
        for made in let_view(ACCOUNT)
    ]
    marked[1]["roleRef"]["name"] = f"{OWN_NAMESPACE}-bot"
    viewed = viewer(f"{OWN_NAMESPACE}-viewer")
    return [account, *marked, *({**made, "metadata": {**made["metadata"], "labels": MARK}} for made in viewed)]


def let_view(user: str) -> list[Json]:
    """Return the role and binding that give a user what the sandbox's Google account has."""
    rules = [{key: part for key, part in rule.items() if key != "except"} for rule in VIEWER_RULES]
    meta = {"name": ROLE}
    role = {"apiVersion": f"{ROLES_GROUP}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}
    reference = {"kind": "ClusterRole", "apiGroup": ROLES_GROUP, "name": ROLE}
    subjects = [{"kind": "User", "apiGroup": ROLES_GROUP, "name": user}]
    binding = {"kind": "ClusterRoleBinding", "metadata": meta, "roleRef": reference, "subjects": subjects}
    return [role, {"apiVersion": f"{ROLES_GROUP}/v1", **binding}]


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
