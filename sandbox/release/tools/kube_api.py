"""The Kubernetes API through a kubeconfig, read only, with the standard library alone.

What istioctl and kubectl start with imports little, neither `dataclasses` nor `pathlib`: both start again and again.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time

from sandbox.release.tools.addresses import find_place, write_query
from sandbox.release.tools.connection import Connection, Cut
from sandbox.release.tools.yaml_library import find_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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


class Access:
    """What a kubeconfig's context says about reaching the server, and its CA."""

    def __init__(self, context: str, cluster: Json, user: Json) -> None:
        self.context = context
        self.server = str(cluster["server"])
        self.token = user.get("token", "")
        self.token_file = user.get("tokenFile", "")
        self.impersonated = user.get("as", "")
        self.host, self.port = find_place(self.server)
        self.trust = _trust(cluster)

    @property
    def address(self) -> str:
        """Return the server's host and port."""
        return f"{self.host}:{self.port}"

    def bearer(self) -> str:
        """Return the token now in force; a token file is read anew, for its owner refreshes it."""
        return _read(self.token_file).strip() if self.token_file else self.token


def read_access(kubeconfig: str = "", context: str = "") -> Access:
    """Read a kubeconfig (default: $KUBECONFIG, then ~/.kube/config). Raises KubeError when it leads nowhere."""
    path = _find_config(kubeconfig)
    config = read_config(kubeconfig)
    try:
        chosen = context or config.get("current-context", "")
        where = _named(config, "contexts", "context", chosen)
        cluster = _named(config, "clusters", "cluster", where["cluster"])
        user = _named(config, "users", "user", where["user"])
        return Access(chosen, cluster, user)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KubeError(0, f"invalid configuration in {path}: {error}") from error


def read_config(kubeconfig: str = "") -> Json:
    """Read all of a kubeconfig, wherever it leads. Raises KubeError."""
    path = _find_config(kubeconfig)
    try:
        return _parsed(_read(path))
    except (OSError, ValueError, TypeError) as error:
        raise KubeError(0, f"invalid configuration in {path}: {error}") from error


def _find_config(kubeconfig: str) -> str:
    return kubeconfig or os.environ.get("KUBECONFIG", "") or os.path.expanduser("~/.kube/config")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


class KubeApi:
    """Requests to one API server; each thread keeps a connection of its own."""

    def __init__(self, access: Access, agent: str = "istioctl", tries: int = 1) -> None:
        self.access = access
        self._agent = agent
        self._tries = tries
        self._local = threading.local()
        self.warnings: list[str] = []
        self._resources: dict[tuple[str, str], Json] = {}

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
        query = write_query("labelSelector", selector) if selector else ""
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
        for _ in range(self._tries - 1):
            try:
                return self._send(method, path, body, kind)
            except KubeError as error:
                if error.status in range(1, 500) or error.detail.endswith("connection refused"):
                    raise
                time.sleep(PAUSE)
        return self._send(method, path, body, kind)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, kind: str) -> Json:
        headers = {"Accept": "application/json", "User-Agent": self._agent}
        if self.access.impersonated:
            headers["Impersonate-User"] = self.access.impersonated
        token = self.access.bearer()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = kind or "application/json"
        connection = self._connection()
        try:
            status, content = connection.exchange(
                method, path, headers, json.dumps(body).encode() if body is not None else None
            )
        except (OSError, Cut) as error:
            connection.close()
            cause = _cause(error, self.access.address)
            raise KubeError(0, f"Unable to connect to the server: {cause}", detail=cause) from error
        self.warnings += connection.warnings
        connection.warnings.clear()
        return _answer(status, content)

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = Connection(self.access.host, self.access.port, self.access.trust, SECONDS)
            self._local.connection = found
        return found

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
    if isinstance(error, ConnectionResetError):
        return f"read tcp {address}: read: connection reset by peer"
    if isinstance(error, TimeoutError):
        return f"dial tcp {address}: i/o timeout"
    return "EOF" if isinstance(error, Cut) else str(error)


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
        yaml = find_yaml()
        if yaml is None:
            raise
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
