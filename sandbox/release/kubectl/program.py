"""The commands of the stand-in kubectl and their exit codes."""

from __future__ import annotations

import json
import sys

from sandbox.release.kubectl.command_line import BadCommand, read_command
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

VERSION: dict[str, Any] = {
    "major": "1", "minor": "18", "gitVersion": "v1.18.20", "gitCommit": "1f3e19b7beb1cc0110255668c4238ed63dadb7ad",
    "gitTreeState": "clean", "buildDate": "2021-06-16T12:58:51Z", "goVersion": "go1.13.15", "compiler": "gc",
    "platform": "linux/amd64",
}  # fmt: skip
AGENT = "kubectl/v1.18.20 (linux/amd64) kubernetes/1f3e19b"


def main(arguments: Sequence[str]) -> int:
    """Run one command of kubectl and return its exit code."""
    try:
        asked = read_command(arguments)
        return _tell_version(asked) if asked.command == "version" else _run(asked)
    except (BadCommand, Failed) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(asked: Asked) -> int:
    try:
        access = read_access(asked.text("--kubeconfig"), asked.text("--context"))
    except KubeError as error:
        raise Failed(f"error: {error}") from error
    api = WritingApi(access, AGENT, TRIES)
    try:
        if asked.command == "config":
            sys.stdout.write(f"{access.context}\n")
            return 0
        if asked.command == "get":
            output, errors = get(api, asked)
            return _end(output, errors)
        printed, errors = apply(api, asked) if asked.command == "apply" else delete(api, asked)
        return _end("".join(f"{line}\n" for line in printed), errors)
    except KubeError as error:
        raise Failed(tell(api, error, NO_CREDENTIALS)) from error


def _end(output: str, errors: list[str]) -> int:
    sys.stdout.write(output)
    sys.stderr.write("".join(f"{line}\n" for line in errors))
    return int(bool(errors))


def _tell_version(asked: Asked) -> int:
    """Print the client's version; the server's too where it is asked for."""
    versions = {"clientVersion": VERSION}
    if not asked.has("--client"):
        api = WritingApi(read_access(asked.text("--kubeconfig"), asked.text("--context")), AGENT)
        versions["serverVersion"] = api.read("/version")
    if asked.text("--output") == "json":
        sys.stdout.write(json.dumps(versions, indent=2) + "\n")
        return 0
    for name, version in versions.items():
        sys.stdout.write(f"{name.removesuffix('Version').title()} Version: {version['gitVersion']}\n")
    return 0
