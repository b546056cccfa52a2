"""How long our kubectl takes to answer one call of istioctl, beside a Python that does nothing."""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.gateways.programs.kubectl_seam.rules import BoundFile, Ground, RunLimits
from bot.gateways.programs.kubectl_seam.run_folder import prepare_recording
from tests.bench.findings import Finding

TITLE = "Our kubectl between istioctl and the real one"
ROUNDS = 25
# In istioctl's place: it holds the run's lock on descriptor 9, writes its id there, and calls kubectl.
PARENT = 'exec 9>>"$0"; echo $$ >"$0"; "$@"; exit $?'
LOOK = ("get", "all", "-o", "yaml", "--all-namespaces", "--selector", "operator.istio.io/component=Kiali")


def measure() -> list[Finding]:
    """Median of interleaved runs of a call that is answered without the real kubectl."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = [str(prepare_run(folder)), *LOOK]
        peer = [sys.executable, "-I", "-S", "-c", "pass"]
        times = [(time_run(folder, ours), time_run(folder, peer)) for _ in range(ROUNDS + 1)][1:]
    guard, python = (statistics.median(column) for column in zip(*times, strict=True))
    return [
        Finding("time to the end of a call", guard, "s", 0.05, how=f"median of {ROUNDS}"),
        Finding("beside python3 -I -S -c pass", guard / python, "times", 5, how="interleaved runs"),
    ]


def prepare_run(folder: Path) -> Path:
    """Our kubectl in the folder of a run that looks at nothing."""
    kubectl = Path("/bin/sh").resolve()
    ground = Ground(BoundFile(kubectl, hashlib.sha256(kubectl.read_bytes()).hexdigest()), b"{}", "uid")
    run = prepare_recording(folder / "run", folder / "lock", ground, RunLimits(time.monotonic() + 600, looks=False))
    return run.bin / "kubectl"


def time_run(folder: Path, command: Sequence[str]) -> float:
    """Seconds that a command takes, called as istioctl calls it."""
    begun = time.perf_counter()
    parent = ["/bin/sh", "-c", PARENT, str(folder / "lock"), *command]
    subprocess.run(parent, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - begun
