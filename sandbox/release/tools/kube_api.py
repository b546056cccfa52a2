"""The Kubernetes API through a kubeconfig, read only, with the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

SECONDS = 30.0
PAUSE = 0.05
TRIES = 4
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"


class KubeError(Exception):
    """The server refused a request, or could not be reached (status 0).

    The text is a program's last word on it; `detail` is the server's own, or what went wrong with the connection.
    """

    def __init__(self, status: int, message: str, reason: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.detail = detail or message


@dataclass(frozen=True)
class Access:
    """What a kubeconfig's context says about reaching the server."""

    context: str
    server: str
    token: str = ""
    token_file: str = ""
    impersonated: str = ""
    verify: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Return the server's host and port."""
        target = urlsplit(self.server)
        return f"{target.hostname}:{target.port or (443 if target.scheme == 'https' else 80)}"

    def bearer(self) -> str:
        """Return the token now in force; a token file is read anew, for its owner refreshes it."""
        return Path(self.token_file).read_text(encoding="utf-8").strip() if self.token_file else self.token


def read_access(kubeconfig: str = "", context: str = "") -> Access:
    """Read a kubeconfig (default: $KUBECONFIG, then ~/.kube/config). Raises KubeError when it leads nowhere."""
    path = Path(kubeconfig or os.environ.get("KUBECONFIG", "") or Path.home() / ".kube" / "config")
    try:
        config = _parsed(path.read_text(encoding="utf-8"))
        chosen = context or config.get("current-context", "")
        where = _named(config, "contexts", "context", chosen)
        cluster = _named(config, "clusters", "cluster", where["cluster"])
        user = _named(config, "users", "user", where["user"])
        tokens = (user.get("token", ""), user.get("tokenFile", ""))
        return Access(chosen, cluster["server"], *tokens, user.get("as", ""), _trust(cluster))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KubeError(0, f"invalid configuration in {path}: {error}") from error


@dataclass
class KubeApi:
    """Requests to one API server; each thread keeps a connection of its own."""

    access: Access
    agent: str = "istioctl"
    tries: int = 1
    _local: threading.local = field(default_factory=threading.local, repr=False)
    _resources: dict[tuple[str, str], Json] = field(default_factory=dict, repr=False)

    def get(self, made: Mapping[str, Any]) -> Json | None:
        """Return the live object of the same kind and name, None where there is none."""
        try:
            return self.read(self.path_of(made))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[Json]:
        """Return the objects of a kind; none where the server doesn't know the kind."""
        resource = self._resource(api_version, kind)
        if resource is None:
            return []
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        path = _collection(api_version, resource, namespace)
        items: list[Json] = self.read(path + query).get("items") or []
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def read(self, path: str) -> Json:
        """Return what lies at a path of the API. Raises KubeError."""
        return self._request("GET", path)

    def path_of(self, made: Mapping[str, Any]) -> str:
        """Return the path of an object. Raises KubeError when the server doesn't know its kind."""
        return f"{self.collection_of(made)}/{made['metadata']['name']}"

    def collection_of(self, made: Mapping[str, Any]) -> str:
        """Return the path under which an object is created. Raises KubeError when the server doesn't know its kind."""
        return _collection(made["apiVersion"], self.resource_of(made), made["metadata"].get("namespace", ""))

    def resource_of(self, made: Mapping[str, Any]) -> Json:
        """Return the server's word on the kind of an object. Raises KubeError when it doesn't know that."""
        resource = self._resource(made["apiVersion"], made["kind"])
        if resource is None:
            text = f'no matches for kind "{made["kind"]}" in version "{made["apiVersion"]}"'
            raise KubeError(404, f"unable to recognize the manifest: {text}", "NoKindMatch", text)
        return resource

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> Json:
        """Send a request, again where it was cut or the server stumbled: all of ours may be repeated."""
        for _ in range(self.tries - 1):
            try:
                return self._send(method, path, body, kind)
            except KubeError as error:
                if error.status in range(1, 500) or error.detail.endswith("connection refused"):
                    raise
                time.sleep(PAUSE)
        return self._send(method, path, body, kind)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, kind: str) -> Json:
        headers = {"Accept": "application/json", "User-Agent": self.agent}
        if self.access.impersonated:
            headers["Impersonate-User"] = self.access.impersonated
        token = self.access.bearer()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = kind or "application/json"
        try:
            connection = self._connection()
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            cause = _cause(error, self.access.address)
            raise KubeError(0, f"Unable to connect to the server: {cause}", detail=cause) from error
        return _answer(response.status, content)

    def close(self) -> None:
        """Close this thread's connection."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            target = urlsplit(self.access.server)
            host, port = target.hostname or "", target.port
            if target.scheme == "https":
                connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=self.access.verify)
            else:
                connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
            self._local.connection = connection
        return connection

    def _resource(self, api_version: str, kind: str) -> Json | None:
        if (api_version, kind) not in self._resources:
            prefix = "/apis" if "/" in api_version else "/api"
            try:
                listed = self.read(f"{prefix}/{api_version}").get("resources", [])
            except KubeError as error:
                if error.status == 404:
                    return None
                raise
            for entry in listed:
                if "/" not in entry["name"]:
                    self._resources[(api_version, entry["kind"])] = entry
        return self._resources.get((api_version, kind))


def _collection(api_version: str, resource: Json, namespace: str) -> str:
    prefix = "/apis" if "/" in api_version else "/api"
    inside = f"/namespaces/{namespace}" if resource.get("namespaced") and namespace else ""
    return f"{prefix}/{api_version}{inside}/{resource['name']}"


def _cause(error: Exception, address: str) -> str:
    """Say what is wrong with a connection as client-go does."""
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {address}: connect: connection refused"
    if isinstance(error, ConnectionResetError) and not isinstance(error, http.client.RemoteDisconnected):
        return f"read tcp {address}: read: connection reset by peer"
    if isinstance(error, TimeoutError):
        return f"dial tcp {address}: i/o timeout"
    return "EOF" if isinstance(error, http.client.HTTPException) else str(error)


def _answer(status: int, content: bytes) -> Json:
    try:
        answer = json.loads(content) if content else {}
    except ValueError:
        answer = {"message": content[:200].decode(errors="replace")}
    if status < 400:
        return dict(answer)
    reason = str(answer.get("reason", ""))
    detail = str(answer.get("message", ""))
    raise KubeError(status, f"Error from server ({reason or status}): {detail}", reason, detail)


def _parsed(text: str) -> Json:
    try:
        return dict(json.loads(text))
    except ValueError:
        import yaml

        try:
            return dict(yaml.safe_load(text) or {})
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error


def _named(config: Json, section: str, key: str, name: str) -> Json:
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            return dict(entry[key])
    raise KeyError(f"no {key} named {name!r}")


def _trust(cluster: Json) -> ssl.SSLContext | None:
    if not str(cluster["server"]).startswith("https:"):
        return None
    if cluster.get("insecure-skip-tls-verify"):
        return ssl._create_unverified_context()
    inline = cluster.get("certificate-authority-data", "")
    authority = base64.b64decode(inline).decode() if inline else None
    return ssl.create_default_context(cafile=cluster.get("certificate-authority"), cadata=authority)
