"""The way back: of cluster-x in the sandbox, and of 2,000 pods on a real control plane beside the way there."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import httpx

from steps.contract.options import Limits
from steps.contract.step import Done
from tests.bench.control_plane import find_programs
from tests.bench.findings import Finding
from tests.bench.reinjection_lab import OLD, Lab, WallStage
from tests.realcluster.control_plane import FleetSettings, run_control_plane
from tests.unit.steps.rig import Rig, load_release, start

TITLE = "The way back: cluster-x in the sandbox, and 2,000 pods on a real control plane"
READY_SECONDS = 3.5
UNLIMITED = Limits(workloads_at_once=0, pods_per_minute=0)
TURNS = 5000
ROUNDS = 2
PATIENCE = 300.0
REQUESTER, CHANNEL = "U0ANA00001", "C0MESHOPS1"
ORDER = "/asm-upgrade rollback cluster-x the new proxies leak"


def measure() -> list[Finding]:
    """Without KUBEBUILDER_ASSETS the sandbox alone."""
    with open_sandbox() as sandbox:
        there = sandbox.wait_for("56/58 pods, 2 manual")
        click.echo(f"  cluster-x in the sandbox, the way there: {there:.0f} s")
        sandbox.send("command", user=REQUESTER, channel=CHANNEL, text=ORDER)
        back = sandbox.wait_for("cluster-x-1 is taken back")
    found = [Finding("cluster-x in the sandbox", back, "s", 60, how="from the order to the report, as started")]
    programs = find_programs("2,000 pods")
    return [*found, *measure_real_pods(programs)] if programs else found


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


def measure_real_pods(programs: Path) -> list[Finding]:
    """Every pod goes there and back, some rounds; by the sums."""
    fleet = FleetSettings(nodes=20, ready=READY_SECONDS, grace=0.5)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        lab = Lab(stack.enter_context(run_control_plane(programs, Path(folder), fleet)), load_release(), stack)
        lab.fill()
        click.echo(f"  filled: {lab.list_versions()}")
        pairs = [(move(lab, lab.release.version), move(lab, OLD)) for _ in range(ROUNDS)]
    there, back = (sum(each) for each in zip(*pairs, strict=True))
    how = (
        f"{ROUNDS} rounds of restarts, {there:.0f} s there and {back:.0f} s back, pods ready after {READY_SECONDS:g} s"
    )
    return [Finding("time beside the way there", back / there, "times", 1.25, how=how)]


def move(lab: Lab, version: str) -> float:
    """Seconds that the bot's own step takes to bring every pod to this version."""
    lab.inject(version)
    release = replace(lab.release, version=version)
    left = lab.release.version if version == OLD else ""
    rig: Rig[WallStage] = start(WallStage(release, lab.stage.kubernetes), limits=UNLIMITED, only_from=left)
    approved = rig.approve("approve")
    assert isinstance(approved, Done), approved
    begun = time.monotonic()
    outcome = rig.run("restart", TURNS)
    seconds = time.monotonic() - begun
    assert isinstance(outcome, Done), outcome
    lab.wait()
    click.echo(f"  to {version}: {seconds:.0f} s, {lab.list_versions()}")
    return seconds
