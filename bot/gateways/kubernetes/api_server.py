"""One door to an API server: every request has a time limit, and every answer is judged here."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from bot.gateways.calls import faults
from bot.gateways.calls.faults import OutsideCall, before_sending
from bot.gateways.calls.retries import ReadRetries
from bot.gateways.kubernetes.connections import Connection
from bot.gateways.kubernetes.verdicts import (
    Unreached,
    judge_denial,
    judge_exchange,
    name_rule_grant,
    read_status,
    refuse_size,
)
from steps.mesh import ReachedServer
from steps.workloads.causes import advise_on_refusal

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import HTTPConnectionPool, PoolManager

JSON = "application/json"
# Whom the server takes for nobody: a plugin for credentials that gave none ends in a 403 of this user.
NOBODY = b"system:anonymous"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
IMPERSONATE = "Impersonate-User"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


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


@dataclass(frozen=True)
class Carrier:
    """An open client, what sends its requests, and what stands before each path."""

    client: ApiClient
    sender: PoolManager | HTTPConnectionPool
    base: str


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
        self._carrier: Carrier | None = None
        # whether the answer that came last was to nobody whom the server knows
        self.refuses_account = False

    def read(
        self,
        action: str,
        path: str,
        query: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        media: str = JSON,
    ) -> HttpAnswer:
        """GET, repeated for 2 s at most. Statuses outside of 2xx are raised unless in `accept`."""
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
        """One request. Statuses outside of 2xx are raised unless in `accept`; `action` says it in words.

        A page for people is never the API server's answer, whatever its status: neither to a write nor to a read.
        """
        request = Request(method, path, query or {}, body, content_type, media, acting_for)
        answer = self._send_once_renewed(action, request)
        if not faults.is_taken(answer.status) and answer.status not in accept:
            self._refuse(action, answer)
        if faults.is_page(answer.body):
            raise faults.judge_garbled(OutsideCall(self.name, action), answer.body)
        return answer

    def read_token(self) -> str:
        """The bearer token in use, "" where the account is known by a certificate."""
        keys = self._open().client.configuration.api_key
        text = str(keys.get("authorization") or keys.get("BearerToken") or "")
        return text.removeprefix("Bearer ")

    def read_server(self) -> ReachedServer:
        """What the connection leads to; opened where it isn't."""
        return self.connection.read_server(self._open().client)

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        with self._lock:
            if self._carrier is not None:
                self._carrier.client.close()  # type: ignore[no-untyped-call]
                self._carrier = None

    def _refuse(self, action: str, answer: HttpAnswer) -> NoReturn:
        status = read_status(answer.body)
        raise judge_denial(
            self.describe_call(action, status.message), answer.status, status.message, answer.retry_after
        )

    def describe_call(self, action: str, message: str) -> OutsideCall:
        """The call with the remedies for its refusals; `message` is what the answer says."""
        return OutsideCall(
            self.name, action, self.connection.unauthorized, name_rule_grant(message), told=advise_on_refusal(message)
        )

    def _send_once_renewed(self, action: str, request: Request) -> HttpAnswer:
        carrier = self._open()
        try:
            answer = self._exchange(carrier, action, request)
        except Unreached:
            carrier = self._open_anew(carrier)
            answer = self._exchange(carrier, action, request)
        if answer.status == 401:
            with before_sending():
                self.connection.renew_token(carrier.client)
            answer = self._exchange(carrier, action, request)
        self.refuses_account = answer.status == 401 or (answer.status == 403 and NOBODY in answer.body)
        return answer

    def _open(self) -> Carrier:
        with self._lock, before_sending():
            if self._carrier is None:
                self._carrier = find_carrier(self.connection.open())
            return self._carrier

    def _open_anew(self, failed: Carrier) -> Carrier:
        self._forget(failed)
        return self._open()

    def _forget(self, failed: Carrier) -> None:
        with self._lock:
            if self._carrier is failed:
                failed.client.close()  # type: ignore[no-untyped-call]
                self._carrier = None

    def _exchange(self, carrier: Carrier, action: str, request: Request) -> HttpAnswer:
        import urllib3

        with before_sending():  # its token may have to be renewed
            headers = list_headers(carrier.client, request)
        limits = urllib3.Timeout(connect=self._limits.connect, read=self._limits.read)
        try:
            # what the client's `call_api` comes to, in half of its time: an upgrade asks a thousand times
            response = carrier.sender.urlopen(
                request.method,
                find_target(carrier, request),
                body=None if request.body is None else json.dumps(request.body),
                headers=headers,
                redirect=False,
                timeout=limits,
                preload_content=False,
            )
            body = response.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(body) > LARGEST_ANSWER:
                response.close()
                raise refuse_size(action, LARGEST_ANSWER)
            return HttpAnswer(response.status, body, faults.read_retry_after(response.headers))
        except urllib3.exceptions.HTTPError as error:
            if isinstance(error, urllib3.exceptions.SSLError):  # who answers there may be another by now
                self._forget(carrier)
            raise judge_exchange(OutsideCall(self.name, action), error, self._limits.read) from error


def find_carrier(client: ApiClient) -> Carrier:
    """How a new client's requests are sent. Without TLS a proxy wants the whole address, which its manager knows of."""
    from urllib3.util import parse_url

    manager, host = client.rest_client.pool_manager, client.configuration.host
    where = parse_url(host)
    if where.scheme != "https":
        return Carrier(client, manager, host)
    return Carrier(client, manager.connection_from_url(host), (where.path or "").rstrip("/"))


def find_target(carrier: Carrier, request: Request) -> str:
    """What is asked for of the carrier."""
    query = "&".join(f"{name}={quote(value)}" for name, value in request.query.items())
    return f"{carrier.base}{request.path}" + (f"?{query}" if query else "")


def list_headers(client: ApiClient, request: Request) -> dict[str, str]:
    """The headers of a request, with the token that is in force."""
    token = client.configuration.auth_settings().get("BearerToken")
    given = {token["key"]: token["value"]} if token else {}
    return {**request.headers, **client.default_headers, **given}
