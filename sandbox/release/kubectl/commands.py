"""The commands of the stand-in kubectl that read a kubeconfig or ask a server."""

from __future__ import annotations

import sys

from sandbox.release.kubectl.command_line import BadCommand
from sandbox.release.kubectl.documents import print_object
from sandbox.release.kubectl.faults import NO_CREDENTIALS, Failed, tell
from sandbox.release.kubectl.reading import get, print_path
from sandbox.release.kubectl.writing import apply, delete
from sandbox.release.tools.kube_api import TRIES, KubeError, read_access, read_config
from sandbox.release.tools.kube_writes import WritingApi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.release.kubectl.command_line import Asked
    from sandbox.release.tools.kube_api import Json

# From this minor version on kubectl prints what the server warns of.
WARNS_FROM = 19
# What stands in the place of keys, and of certificates, which are only long.
HIDDEN = dict.fromkeys(("token", "password", "client-key-data", "client-certificate-data"), "REDACTED") | {
    "certificate-authority-data": "DATA+OMITTED"
}


def run(asked: Asked, version: str) -> int:
    """Run one of them and return its exit code. Raises BadCommand, Failed."""
    try:
        if asked.command == "config":
            return _end(show_config(asked), [])
        access = read_access(asked.text("--kubeconfig"), asked.text("--context"))
    except KubeError as error:
        raise Failed(f"error: {error}") from error
    api = WritingApi(access, name_agent(version), TRIES)
    try:
        if asked.command == "get":
            output, errors = get(api, asked)
        else:
            printed, errors = apply(api, asked) if asked.command == "apply" else delete(api, asked)
            output = "".join(f"{line}\n" for line in printed)
        warnings = list(dict.fromkeys(api.warnings)) if int(version.split(".")[1]) >= WARNS_FROM else []
        sys.stderr.write("".join(f"Warning: {text}\n" for text in warnings))
        return _end(output, errors)
    except KubeError as error:
        raise Failed(tell(api, error, NO_CREDENTIALS)) from error


def _end(output: str, errors: list[str]) -> int:
    sys.stdout.write(output)
    sys.stderr.write("".join(f"{line}\n" for line in errors))
    return int(bool(errors))


def read_server_version(asked: Asked, version: str) -> dict[str, Any]:
    """Return what the server says of itself. Raises KubeError."""
    api = WritingApi(read_access(asked.text("--kubeconfig"), asked.text("--context")), name_agent(version))
    return api.read("/version")


def name_agent(version: str) -> str:
    """Return by which name the server knows it."""
    return f"kubectl/v{version} (linux/amd64) kubernetes/1f3e19b"


def show_config(asked: Asked) -> str:
    """Return what is printed. Raises BadCommand, Failed, KubeError."""
    if asked.words == ("current-context",):
        return f"{read_access(asked.text('--kubeconfig'), asked.text('--context')).context}\n"
    if asked.words != ("view",):
        raise BadCommand(f'error: unknown command "{" ".join(asked.words)}"')
    config: Json = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **read_config(asked.text("--kubeconfig"))}
    config["current-context"] = asked.text("--context") or config.get("current-context", "")
    shown = _minify(config) if asked.has("--minify") else config
    if not asked.has("--raw"):
        shown = {**shown, "clusters": _hide(shown, "cluster"), "users": _hide(shown, "user")}
    output = asked.text("--output") or "yaml"
    return print_object(shown, output) if output in ("yaml", "json") else print_path(shown, output)


def _minify(config: Json) -> Json:
    """Return the config with what its current context names alone."""
    contexts = [entry for entry in config.get("contexts") or () if entry["name"] == config["current-context"]]
    named = contexts[0]["context"] if contexts else {}
    kept = {"clusters": named.get("cluster"), "users": named.get("user")}
    entries = {key: [one for one in config.get(key) or () if one["name"] == name] for key, name in kept.items()}
    return {**config, "contexts": contexts, **entries}


def _hide(config: Json, what: str) -> list[Json]:
    return [
        {**entry, what: {key: HIDDEN.get(key, text) for key, text in (entry.get(what) or {}).items()}}
        for entry in config.get(f"{what}s") or ()
    ]
