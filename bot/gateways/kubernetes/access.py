"""Who the bot is on the cluster, what it may do there, and what the cluster runs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bot.gateways.kubernetes.answers import Review, ServerVersion
from bot.gateways.kubernetes.api_server import ApiServer
from bot.gateways.kubernetes.pages import decode
from bot.gateways.kubernetes.served_apis import ServedApis
from bot.gateways.kubernetes.verdicts import DENIED_USER, read_status
from steps.contract.errors import GiveUp
from steps.mesh import Right

VERSION, REVIEW = msgspec.json.Decoder(ServerVersion), msgspec.json.Decoder(Review)
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Access:
    """Questions about the account and the server, through one API server."""

    def __init__(self, server: ApiServer, apis: ServedApis) -> None:
        self._server = server
        self._apis = apis

    def read_server_version(self) -> str:
        answer = self._server.read("read the server's version", "/version")
        return decode(self._server, "read the server's version", answer, VERSION).git_version

    def read_account(self) -> str:
        """The name by which bindings must name the bot.

        By SelfSubjectReview where the server has it (1.28), else as the credentials tell it, else by TokenReview of
        the bot's own token, whose refusal names the account as well.
        """
        account = self._ask_self() or self._server.connection.read_account() or self._ask_token_review()
        if not account:
            raise GiveUp(
                f"{self._server.name} does not tell by which name it knows the bot",
                "Use a service account's key (GOOGLE_APPLICATION_CREDENTIALS) or a kubeconfig with a token.",
            )
        return account

    def find_missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        return tuple(right for right in rights if not self._may(right))

    def find_missing_rights_of(self, user: str, rights: Sequence[Right]) -> tuple[Right, ...] | None:
        missing = []
        for right in rights:
            allowed = self._may(right, user)
            if allowed is None:
                return None
            missing += [] if allowed else [right]
        return tuple(missing)

    def _may(self, right: Right, acting_for: str = "") -> bool | None:
        """Whether the account may, or another user; None where the account may not act for that one."""
        asked = {
            "verb": right.verb,
            "resource": right.resource,
            "group": right.group,
            "namespace": right.namespace,
            "subresource": right.subresource,
            "name": right.name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: text for key, text in asked.items() if text}},
        }
        action = f"ask for the right to {right.verb} {right.resource}"
        # Everybody may ask about themselves: what is refused here is to act for somebody else.
        accept = (403,) if acting_for else ()
        answer = self._server.send(action, "POST", AUTHORIZATION, body=body, accept=accept, acting_for=acting_for)
        if answer.status == 403:
            return None
        return decode(self._server, action, answer, REVIEW).status.allowed

    def _ask_self(self) -> str:
        served = self._apis.list_versions(AUTHENTICATION)
        # The group is older than the kind: only v1 of a server from 1.28 on has it, so a 404 is an answer as well.
        for version in (v for v in ("v1", "v1beta1", "v1alpha1") if v in served):
            body = {"apiVersion": f"{AUTHENTICATION}/{version}", "kind": "SelfSubjectReview"}
            path = f"/apis/{AUTHENTICATION}/{version}/selfsubjectreviews"
            if self._apis.find_place(f"{AUTHENTICATION}/{version}", "SelfSubjectReview") is None:
                continue
            answer = self._server.send("ask who the bot is", "POST", path, body=body)
            user = decode(self._server, "ask who the bot is", answer, REVIEW).status.user_info
            return user.username if user else ""
        return ""

    def _ask_token_review(self) -> str:
        token = self._server.read_token()
        if not token or self._apis.find_place(f"{AUTHENTICATION}/v1", "TokenReview") is None:
            return ""
        body = {"apiVersion": f"{AUTHENTICATION}/v1", "kind": "TokenReview", "spec": {"token": token}}
        answer = self._server.send(
            "ask whose the bot's token is", "POST", f"/apis/{AUTHENTICATION}/v1/tokenreviews", body=body, accept=(403,)
        )
        if answer.status == 403:
            found = DENIED_USER.search(read_status(answer.body).message)
            return found.group(1) if found else ""
        user = decode(self._server, "ask whose the bot's token is", answer, REVIEW).status.user
        return user.username if user else ""
