"""The way back of cluster-x in the sandbox, in real time, beside the way there."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import httpx

from tests.bench.findings import Finding

TITLE = "The way back of cluster-x in the sandbox"
PATIENCE = 300.0
REQUESTER, CHANNEL = "U0ANA00001", "C0MESHOPS1"
ORDER = "/asm-upgrade rollback cluster-x the new proxies leak"


def measure() -> list[Finding]:
    """From one person's order to the report, after an upgrade that the same stand-in person approved."""
    with open_sandbox() as sandbox:
        there = sandbox.wait_for("56/58 pods, 2 manual")
        click.echo(f"  cluster-x in the sandbox, the way there: {there:.0f} s")
        sandbox.send("command", user=REQUESTER, channel=CHANNEL, text=ORDER)
        back = sandbox.wait_for("cluster-x-1 is taken back")
    how = f"{there:.0f} s there, {back:.0f} s back, on the same machine in one run"
    return [
        Finding("cluster-x in the sandbox", back, "s", 60, how="from the order to the report, as started"),
        Finding("time of the way back beside the way there", back / there, "times", 1.25, how=how),
    ]


@dataclass(frozen=True)
class Sandbox:
    """A sandbox whose stand-in person starts an upgrade and approves whatever is asked."""

    slack: str

    def send(self, act: str, **body: Any) -> None:
        """What a person does on the page."""
        httpx.post(f"{self.slack}/ui/{act}", json=body, timeout=30, trust_env=False).raise_for_status()

    def wait_for(self, text: str) -> float:
        """Seconds until a finished message says this."""
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE:
            if any(text in message for message in self._list_texts()):
                return time.monotonic() - begun
            time.sleep(0.2)
        raise TimeoutError(f"nobody says {text!r}: {self._list_texts()[-3:]}")

    def _list_texts(self) -> list[str]:
        state = httpx.get(f"{self.slack}/ui/state", timeout=30, trust_env=False).json()
        return [str(one.get("text")) for channel in state["channels"] for one in channel["messages"]]


@contextmanager
def open_sandbox() -> Iterator[Sandbox]:
    """The sandbox as anybody starts it."""
    command = [sys.executable, "-m", "bot.app.cli", "sandbox", "--json", "--auto-approve"]
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [*command, "--state", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert child.stdout is not None
            yield Sandbox(str(json.loads(child.stdout.readline())["page"]))
        finally:
            child.terminate()
            child.wait(30)
