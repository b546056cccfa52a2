"""The commands of the stand-in kubectl and their exit codes."""

from __future__ import annotations

import json
import sys

from sandbox.release.kubectl.command_line import BadCommand, read_command
from sandbox.release.kubectl.configuration import show_config
from sandbox.release.kubectl.faults import NO_CREDENTIALS, Failed, tell
from sandbox.release.kubectl.reading import get
from sandbox.release.kubectl.writing import apply, delete
from sandbox.release.tools.kube_api import TRIES, KubeError, read_access
from sandbox.release.tools.kube_writes import WritingApi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sandbox.release.kubectl.command_line import Asked

OLD = "1.18.20"
# From this minor version on kubectl prints what the server warns of.
WARNS_FROM = 19


def main(arguments: Sequence[str], version: str = OLD) -> int:
    """Run one command of kubectl and return its exit code."""
    try:
        asked = read_command(arguments)
        return _tell_version(asked, version) if asked.command == "version" else _run(asked, version)
    except (BadCommand, Failed) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(asked: Asked, version: str) -> int:
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


def describe_version(version: str) -> dict[str, Any]:
    """Return what kubectl says of itself."""
    return {
        "major": "1", "minor": version.split(".")[1], "gitVersion": f"v{version}",
        "gitCommit": "1f3e19b7beb1cc0110255668c4238ed63dadb7ad", "gitTreeState": "clean",
        "buildDate": "2021-06-16T12:58:51Z", "goVersion": "go1.13.15", "compiler": "gc", "platform": "linux/amd64",
    }  # fmt: skip


def name_agent(version: str) -> str:
    """Return by which name the server knows it."""
    return f"kubectl/v{version} (linux/amd64) kubernetes/1f3e19b"


def _tell_version(asked: Asked, version: str) -> int:
    """Print the client's version; the server's too where it is asked for."""
    versions = {"clientVersion": describe_version(version)}
    if not asked.has("--client"):
        api = WritingApi(read_access(asked.text("--kubeconfig"), asked.text("--context")), name_agent(version))
        versions["serverVersion"] = api.read("/version")
    if asked.text("--output") == "json":
        sys.stdout.write(json.dumps(versions, indent=2) + "\n")
        return 0
    for name, told in versions.items():
        sys.stdout.write(f"{name.removesuffix('Version').title()} Version: {told['gitVersion']}\n")
    return 0
