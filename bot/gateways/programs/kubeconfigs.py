"""Kubeconfigs for istioctl, kubectl and asmctl: one file per cluster, for the bot's user alone."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from bot.files import read_bounded, write_atomically
from bot.gateways.calls.faults import judge_disk, name_error
from bot.gateways.google.credentials import GoogleCredentials
from bot.gateways.kubernetes.connections import FindsEndpoints
from bot.gateways.kubernetes.verdicts import judge_kubeconfig
from steps.contract.documents import BadDocument, read_yaml
from steps.mesh import ClusterAddress

KubeconfigSection: TypeAlias = Mapping[str, object]
PATH_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class Kubeconfigs:
    """Writes kubeconfigs under `folder`. Google's token is in a file that client-go reads again every minute."""

    def __init__(self, folder: Path, gke: FindsEndpoints, credentials: GoogleCredentials) -> None:
        self._folder = folder.absolute()
        self._gke = gke
        self._credentials = credentials
        self._token_file = self._folder / "google-token"

    def write_kubeconfig(self, address: ClusterAddress) -> Path:
        """The file for a cluster as it is reached now."""
        content = self.describe(address)
        path = self._folder / f"{address.key.replace('/', '_')}.json"
        self._write(path, json.dumps(content, indent=2))
        return path

    def describe(self, address: ClusterAddress, acting_for: str = "") -> KubeconfigSection:
        """The content of such a file; Google's token stands in a file of its own.

        `acting_for` is the user as whom the API server is to take the requests, "" for nobody but the account itself.
        """
        other = {"as": acting_for} if acting_for else {}
        return self._copy_context(address, other) if address.kubeconfig else self._describe_gke(address, other)

    def refresh_token(self) -> None:
        """Put a token that stays valid for some minutes where running programs read it."""
        if self._token_file.exists():
            self._write_token()

    def _describe_gke(self, address: ClusterAddress, other: KubeconfigSection) -> KubeconfigSection:
        endpoint = self._gke.find_endpoint(address)
        self._write_token()
        cluster = {"server": endpoint.host}
        if endpoint.ca:
            cluster["certificate-authority-data"] = base64.b64encode(endpoint.ca.encode()).decode()
        # The name that `gcloud container clusters get-credentials` gives: asmctl reads project and cluster from it.
        name = f"gke_{address.project}_{address.location}_{address.name}"
        return _compose(name, cluster, {"tokenFile": str(self._token_file), **other}, {})

    def _copy_context(self, address: ClusterAddress, other: KubeconfigSection) -> KubeconfigSection:
        path = Path(address.kubeconfig).expanduser()
        try:
            (found,) = read_yaml(read_bounded(path))
            name = address.context or found["current-context"]
            context = _pick(found["contexts"], name, "context")
            cluster = _pick(found["clusters"], context["cluster"], "cluster")
            user = _pick(found["users"], context["user"], "user")
        except BadDocument as error:
            raise judge_kubeconfig(address.key, path, _describe_fault(error)) from None
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise judge_kubeconfig(address.key, path, name_error(error)) from error
        base = path.parent.absolute()
        kept = {key: context[key] for key in ("namespace",) if key in context}
        who = {**_find_plugin(_make_absolute(user, base), base), **other}
        return _compose(name, _make_absolute(cluster, base), who, kept)

    def _write_token(self) -> None:
        token = self._credentials.read_token()
        try:
            if self._token_file.read_text() == token:
                return
        except FileNotFoundError:
            pass
        self._write(self._token_file, token)

    def _write(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(path, text.encode())
        except OSError as error:
            raise judge_disk(error, path) from error


def _describe_fault(error: BadDocument) -> str:
    """What is wrong with the file, without the line itself: it may hold a token."""
    if error.__cause__ is None:
        return f"it {error}"
    mark = getattr(error.__cause__, "problem_mark", None)
    return f"no YAML in line {mark.line + 1}" if mark else "no YAML"


def _compose(
    name: str, cluster: KubeconfigSection, user: KubeconfigSection, context: KubeconfigSection
) -> KubeconfigSection:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {**context, "cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
    }


def _pick(entries: Iterable[Mapping[str, KubeconfigSection | None]], name: object, key: str) -> KubeconfigSection:
    for entry in entries:
        if entry["name"] == name:
            return dict(entry[key] or {})
    raise KeyError(f"no {key} named {name}")


def _find_plugin(user: KubeconfigSection, base: Path) -> KubeconfigSection:
    """A plugin for credentials by its own path: who is asked for a token is decided here, not by somebody's PATH."""
    plugin = user.get("exec")
    command = str(plugin.get("command") or "") if isinstance(plugin, Mapping) else ""
    if not command or not isinstance(plugin, Mapping):
        return user
    found = str(base / command) if "/" in command else shutil.which(command) or command
    return {**user, "exec": {**plugin, "command": found}}


def _make_absolute(section: KubeconfigSection, base: Path) -> KubeconfigSection:
    """Paths in a kubeconfig are relative to its folder; the copy stands in another one."""
    return {key: str(base / str(text)) if key in PATH_KEYS and text else text for key, text in section.items()}
