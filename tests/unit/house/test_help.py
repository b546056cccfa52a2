"""The command line answers at once: it loads a client only where one is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY_PACKAGES = {
    "aiohttp",
    "apscheduler",
    "cryptography",
    "google",
    "grpc",
    "httpx",
    "kubernetes",
    "prometheus_client",
    "requests",
    "rich",
    "slack_bolt",
    "slack_sdk",
    "sqlite_utils",
    "structlog",
}


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def imported_packages(trace: str) -> set[str]:
    """Top-level packages named by `-X importtime`, whose lines end with `| module`."""
    modules = [line.rpartition("|")[2].strip() for line in trace.splitlines() if line.startswith("import time:")]
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["sandbox", "--help"]])
def test_help_loads_no_client(arguments: list[str]) -> None:
    """`asm-upgrade --help` and its kin read the arguments and nothing else."""
    run = run_python("-c", "from bot.app.cli import main; main()", *arguments)
    assert "Usage:" in run.stdout
    assert not imported_packages(run.stderr) & HEAVY_PACKAGES


def test_importing_the_domain_loads_no_client() -> None:
    """Plan and settings can be read anywhere; clients are loaded where they are built."""
    run = run_python("-c", "import bot, handlers, steps, sandbox, steps.plan, bot.settings.environment")
    assert not imported_packages(run.stderr) & HEAVY_PACKAGES
