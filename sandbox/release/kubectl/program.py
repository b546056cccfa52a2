"""The stand-in kubectl: its version, or a command for which more is imported."""

from __future__ import annotations

import sys

from sandbox.release.kubectl.command_line import BadCommand, read_command
from sandbox.release.kubectl.faults import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sandbox.release.kubectl.command_line import Asked

OLD = "1.18.20"


def main(arguments: Sequence[str], version: str = OLD) -> int:
    """Run one command of kubectl and return its exit code."""
    try:
        asked = read_command(arguments)
        if asked.command == "version":
            return _tell_version(asked, version)
        from sandbox.release.kubectl.commands import run

        return run(asked, version)
    except (BadCommand, Failed) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def describe_version(version: str) -> dict[str, Any]:
    """Return what kubectl says of itself."""
    return {
        "major": "1", "minor": version.split(".")[1], "gitVersion": f"v{version}",
        "gitCommit": "1f3e19b7beb1cc0110255668c4238ed63dadb7ad", "gitTreeState": "clean",
        "buildDate": "2021-06-16T12:58:51Z", "goVersion": "go1.13.15", "compiler": "gc", "platform": "linux/amd64",
    }  # fmt: skip


def _tell_version(asked: Asked, version: str) -> int:
    """Print the client's version, for which nothing else is imported; the server's too where it is asked for."""
    versions = {"clientVersion": describe_version(version)}
    if not asked.has("--client"):
        from sandbox.release.kubectl.commands import read_server_version

        versions["serverVersion"] = read_server_version(asked, version)
    if asked.text("--output") == "json":
        import json

        sys.stdout.write(json.dumps(versions, indent=2) + "\n")
        return 0
    for name, told in versions.items():
        sys.stdout.write(f"{name.removesuffix('Version').title()} Version: {told['gitVersion']}\n")
    return 0
