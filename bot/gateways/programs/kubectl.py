"""The kubectl that istioctl's calls are passed on to: found once, with links and dispatchers resolved, and hashed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.short_programs import Printed, run_program
from bot.gateways.releases.signatures import hash_file
from steps.contract.documents import BadDocument, read_table
from steps.contract.errors import GiveUp
from steps.contract.ports import Kubectl
from steps.contract.redaction import redact
from steps.contract.wording import shorten
from steps.versions import parse_numbers

VERSION = re.compile(r"v?(?<!\d)\d+\.\d+\.\d+[\w.+-]*")
# gcloud's kubectl is a dispatcher that runs one of the kubectl.1.NN beside it.
BESIDE = re.compile(r"kubectl\.1\.(\d+)")


def find_kubectl(search_path: str, server_version: str, limit: float) -> Kubectl | None:
    """The kubectl on a search path, None where there is none. Raises GiveUp for one that doesn't work."""
    found = shutil.which("kubectl", path=search_path)
    if not found:
        return None
    try:
        path = Path(found).resolve(strict=True)
        version = read_kubectl_version(path, limit)
        if "dispatcher" in version:
            path = choose_dispatched(path.parent, server_version)
            version = read_kubectl_version(path, limit)
        return Kubectl(path, hash_file(path), version)
    except OSError as error:
        raise judge_disk(error, Path(found)) from error


def read_kubectl_version(kubectl: Path, limit: float) -> str:
    """The client's own version; it gets no credentials for that."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    return parse_kubectl_version(
        "kubectl", run_program([str(kubectl), "version", "--client", "-o", "json"], environment, limit)
    )


def choose_dispatched(folder: Path, server_version: str) -> Path:
    """The kubectl.1.NN that is nearest to the server's version; GiveUp where there is none."""
    numbers = parse_numbers(server_version)
    wanted = numbers[1] if numbers else 0
    beside = {int(found[1]): path for path in folder.iterdir() if (found := BESIDE.fullmatch(path.name))}
    if not beside:
        raise GiveUp(
            f"kubectl in {folder} is a dispatcher, and there is no kubectl.1.NN beside it to run",
            "Install a kubectl of its own on the bot's machine, or the versions that gcloud's one dispatches to.",
        )
    return beside[min(beside, key=lambda minor: (abs(minor - wanted), minor))].resolve(strict=True)


def parse_kubectl_version(name: str, printed: Printed) -> str:
    """The client's version from `version -o json`, or the first thing like a version in another form."""
    if printed.exit_code == 0:
        try:
            client: Mapping[str, str] = read_table(printed.output)["clientVersion"]
            return str(client.get("version") or client["gitVersion"]).removeprefix("v")
        except (BadDocument, KeyError, TypeError, AttributeError):
            found = VERSION.search(printed.output)
            if found:
                return found.group().removeprefix("v")
    raise GiveUp(
        f"{name} did not tell its version (exit code {printed.exit_code}): {find_last_words(printed)}",
        f"Run `{name} version` on the bot's machine to see what is wrong with it, then retry.",
    )


def find_last_words(printed: Printed) -> str:
    """The end of what a program said of itself, redacted."""
    lines = redact(printed.errors.strip() or printed.output.strip()).splitlines()
    return shorten(" ".join(lines[-3:]), 300) or "it printed nothing"
