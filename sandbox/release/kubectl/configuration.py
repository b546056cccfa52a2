"""kubectl config: the context in use, and what a kubeconfig holds without its keys."""

from __future__ import annotations

from sandbox.release.kubectl.command_line import BadCommand
from sandbox.release.kubectl.documents import print_object
from sandbox.release.kubectl.reading import print_path
from sandbox.release.tools.kube_api import read_access, read_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.release.kubectl.command_line import Asked
    from sandbox.release.tools.kube_api import Json

# What stands in the place of keys, and of certificates, which are only long.
HIDDEN = dict.fromkeys(("token", "password", "client-key-data", "client-certificate-data"), "REDACTED") | {
    "certificate-authority-data": "DATA+OMITTED"
}


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
