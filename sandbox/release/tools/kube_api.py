"""The Kubernetes API through a kubeconfig, with the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

SECONDS = 30.0
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"


class KubeError(Exception):
    """The server refused a request, or could not be reached (status 0)."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


@dataclass(frozen=True)
class Access:
    """What a kubeconfig's context says about reaching the server."""

    context: str
    server: str
    token: str = ""
    token_file: str = ""
    verify: ssl.SSLContext | None = field(default=None, repr=False)

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
        return Access(chosen, cluster["server"], user.get("token", ""), user.get("tokenFile", ""), _trust(cluster))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KubeError(0, f"invalid configuration in {path}: {error}") from error


@dataclass
class KubeApi:
    """Requests to one API server; each thread keeps a connection of its own."""

    access: Access
    _local: threading.local = field(default_factory=threading.local, repr=False)
    _resources: dict[tuple[str, str], Json] = field(default_factory=dict, repr=False)

    def get(self, made: Mapping[str, Any]) -> Json | None:
        """Return the live object of the same kind and name, None where there is none."""
        try:
            return self.request("GET", self.path_of(made))
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
        items: list[Json] = self.request("GET", path + query).get("items") or []
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def create(self, made: Mapping[str, Any]) -> Json:
        """Create the object."""
        resource = self._known(made)
        path = _collection(made["apiVersion"], resource, made["metadata"].get("namespace", ""))
        return self.request("POST", path, made)

    def patch(self, made: Mapping[str, Any], patch: Json, kind: str) -> Json:
        """Patch the live object of this kind and name; `kind` is the patch's content type."""
        return self.request("PATCH", self.path_of(made), patch, kind)

    def delete(self, made: Mapping[str, Any]) -> None:
        """Delete the object in the background; an absent one is fine."""
        try:
            self.request("DELETE", self.path_of(made), {"propagationPolicy": "Background"})
        except KubeError as error:
            if error.status != 404:
                raise

    def path_of(self, made: Mapping[str, Any]) -> str:
        """Return the path of an object. Raises KubeError when the server doesn't know its kind."""
        metadata = made["metadata"]
        collection = _collection(made["apiVersion"], self._known(made), metadata.get("namespace", ""))
        return f"{collection}/{metadata['name']}"

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> Json:
        """Send one request and return the answer's JSON. Raises KubeError."""
        headers = {"Accept": "application/json", "User-Agent": "istioctl"}
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
            self._local.connection = None
            raise KubeError(0, f"Unable to connect to the server: {error}") from error
        return _answer(response.status, content)

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

    def _known(self, made: Mapping[str, Any]) -> Json:
        resource = self._resource(made["apiVersion"], made["kind"])
        if resource is None:
            text = f'no matches for kind "{made["kind"]}" in version "{made["apiVersion"]}"'
            raise KubeError(404, f"unable to recognize the manifest: {text}", "NoKindMatch")
        return resource

    def _resource(self, api_version: str, kind: str) -> Json | None:
        if (api_version, kind) not in self._resources:
            prefix = "/apis" if "/" in api_version else "/api"
            try:
                listed = self.request("GET", f"{prefix}/{api_version}").get("resources", [])
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


def _answer(status: int, content: bytes) -> Json:
    try:
        answer = json.loads(content) if content else {}
    except ValueError:
        answer = {"message": content[:200].decode(errors="replace")}
    if status < 400:
        return dict(answer)
    reason = str(answer.get("reason", ""))
    raise KubeError(status, f"Error from server ({reason or status}): {answer.get('message', '')}", reason)


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
