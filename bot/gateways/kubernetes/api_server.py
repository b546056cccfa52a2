"""One door to an API server: every request has a time limit, and every answer is judged here."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import msgspec

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.connections import Connection
from steps.contract.errors import GiveUp, TryAgain
from steps.mesh import ReachedServer
from steps.workloads.causes import advise_on_refusal

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
IMPERSONATE = "Impersonate-User"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
DENIED_USER = re.compile(r'User "([^"]+)" cannot')
DENIED_RULE = re.compile(r'User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')


# Pages hold 500 objects; the largest object that etcd keeps has 1.5 MB, and hardly any has a tenth of that.
LARGEST_ANSWER = 128 * 2**20


@dataclass(frozen=True)
class TimeLimits:
    """Seconds to connect, and to wait for the next bytes of an answer."""

    connect: float = 5.0
    read: float = 30.0


@dataclass(frozen=True)
class Request:
    """One request as it is sent, and sent again where the connection was gone or the token old."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, object] | None
    content_type: str
    media: str
    acting_for: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """What is asked for, what is given, and as whom."""
        given = {"Content-Type": self.content_type} if self.body is not None else {}
        return {"Accept": self.media} | given | ({IMPERSONATE: self.acting_for} if self.acting_for else {})


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP answer; `retry_after` is in seconds."""

    status: int
    body: bytes
    retry_after: float | None = None


class StatusCause(msgspec.Struct):
    """One cause in the details of a Status."""

    reason: str = ""
    message: str = ""


class Details(msgspec.Struct, rename="camel"):
    """The details of a Status."""

    causes: list[StatusCause] | None = None
    retry_after_seconds: float = 0


class Status(msgspec.Struct):
    """The Status object that the API server sends with every error."""

    message: str = ""
    reason: str = ""
    details: Details | None = None

    @property
    def causes(self) -> list[StatusCause]:
        """The causes, none where there are no details."""
        return (self.details.causes if self.details else None) or []


class _Unreached(TryAgain):
    """Nothing was sent: the connection could not be made."""


class ApiServer:
    """The API server of one cluster. One instance per cluster, shared by threads.

    A connection that can't be made is looked up again once (GKE may have moved the endpoint or changed the CA), a 401
    renews the token once.
    """

    def __init__(
        self, connection: Connection, limits: TimeLimits | None = None, retries: ReadRetries | None = None
    ) -> None:
        self.connection = connection
        self.name = f"the API server of {connection.name}"
        self._limits = limits or TimeLimits()
        self._retries = retries or ReadRetries()
        self._lock = threading.Lock()
        self._client: ApiClient | None = None

    def read(
        self,
        action: str,
        path: str,
        query: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        media: str = JSON,
    ) -> HttpAnswer:
        """GET, repeated for 2 s at most. Statuses of 400 and more are raised unless in `accept`."""
        return self._retries.run(lambda: self.send(action, "GET", path, query, accept=accept, media=media))

    def read_or_none(self, action: str, path: str, query: Mapping[str, str] | None = None) -> bytes | None:
        """The body of a GET, None on 404."""
        answer = self.read(action, path, query, accept=(404,))
        return None if answer.status == 404 else answer.body

    def send(
        self,
        action: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        content_type: str = JSON,
        accept: Collection[int] = (),
        media: str = JSON,
        acting_for: str = "",
    ) -> HttpAnswer:
        """One request. Statuses of 400 and more are raised unless in `accept`; `action` says it in words."""
        request = Request(method, path, query or {}, body, content_type, media, acting_for)
        answer = self._send_once_renewed(action, request)
        if answer.status >= 400 and answer.status not in accept:
            self._refuse(action, answer)
        return answer

    def read_token(self) -> str:
        """The bearer token in use, "" where the account is known by a certificate."""
        keys = self._open().configuration.api_key
        text = str(keys.get("authorization") or keys.get("BearerToken") or "")
        return text.removeprefix("Bearer ")

    def read_server(self) -> ReachedServer:
        """What the connection leads to; opened where it isn't."""
        return self.connection.read_server(self._open())

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()  # type: ignore[no-untyped-call]
                self._client = None

    def _refuse(self, action: str, answer: HttpAnswer) -> NoReturn:
        status = read_status(answer.body)
        raise faults.judge_status(
            self.describe_call(action, status.message), answer.status, status.message, answer.retry_after
        )

    def describe_call(self, action: str, message: str) -> OutsideCall:
        """The call with the remedies for its refusals; `message` is what the answer says."""
        return OutsideCall(
            self.name, action, self.connection.unauthorized, name_rule_grant(message), told=advise_on_refusal(message)
        )

    def _send_once_renewed(self, action: str, request: Request) -> HttpAnswer:
        client = self._open()
        try:
            answer = self._exchange(client, action, request)
        except _Unreached:
            client = self._open_anew(client)
            answer = self._exchange(client, action, request)
        if answer.status == 401:
            self.connection.renew_token(client)
            answer = self._exchange(client, action, request)
        return answer

    def _open(self) -> ApiClient:
        with self._lock:
            if self._client is None:
                self._client = self.connection.open()
            return self._client

    def _open_anew(self, failed: ApiClient) -> ApiClient:
        with self._lock:
            if self._client is failed:
                failed.close()  # type: ignore[no-untyped-call]
                self._client = None
            if self._client is None:
                self._client = self.connection.open()
            return self._client

    def _exchange(self, client: ApiClient, action: str, request: Request) -> HttpAnswer:
        import urllib3
        from kubernetes.client import ApiException

        sent = client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=request.headers,
            auth_settings=["BearerToken"],
        )
        limits = (self._limits.connect, self._limits.read)
        try:
            response = client.call_api(*sent[:3], body=request.body, _request_timeout=limits).response
            body = response.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(body) > LARGEST_ANSWER:
                response.close()
                raise refuse_size(action)
            return HttpAnswer(response.status, body, faults.read_retry_after(response.headers))
        except ApiException as error:  # status 0: the client's form of a TLS error
            raise self._judge_tls(action, error) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._judge(action, error) from error

    def _judge(self, action: str, error: Exception) -> TryAgain:
        from urllib3 import exceptions

        call = OutsideCall(self.name, action)
        if isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)):
            return _Unreached(faults.judge_unreachable(call, error).why)
        if isinstance(error, exceptions.TimeoutError):
            return faults.judge_silence(call, self._limits.read)
        return faults.judge_unreachable(call, error)

    def _judge_tls(self, action: str, error: Exception) -> TryAgain:
        # TryAgain rather than GiveUp: while GKE rotates the CA the old and the new one are answered for minutes.
        return _Unreached(f'{self.name} has no trusted certificate for "{action}": {faults.name_error(error)}')


def refuse_size(action: str) -> GiveUp:
    """The verdict on an answer that is larger than anything that an API server sends of itself."""
    return GiveUp(
        f'the API server answered "{action}" with more than {LARGEST_ANSWER // 2**20} MB',
        "Find out what stands in its way, or which of these objects is so large; then retry.",
    )


def read_status(body: bytes) -> Status:
    """The Status in an error's body; its message is the body itself where a proxy answered in another form."""
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Status(message=body[:400].decode("utf-8", "replace"))


def name_rule_grant(message: str) -> str:
    """What grants what a 403's message says is missing: the exact rule, or the guide's binding where it names none."""
    rule = DENIED_RULE.search(message)
    if rule:
        user, verb, resource, group = rule.groups()
        quoted = group or '""'
        return (
            f"Somebody who may grant it gives {user} a role with the rule apiGroups [{quoted}], resources "
            f"[{resource}], verbs [{verb}]; manifests/target-cluster has what the bot needs. Then retry."
        )
    found = DENIED_USER.search(message)
    user = found.group(1) if found else "ACCOUNT"
    return (
        "Somebody who may grant it runs `kubectl create clusterrolebinding cluster-admin-binding-asm-upgrade-bot "
        f"--clusterrole=cluster-admin --user={user}`, then retry."
    )
