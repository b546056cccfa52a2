from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

RELEASES = Path(__file__).parents[3] / "steps" / "releases"
LAST_LINE = re.compile(r"upgraded cluster-x: 1\.4\.7-asm\.0 → 1\.4\.10-asm\.18, (\d+)/(\d+) pods, (\d+) manual")
# Wherever the bot is killed, in the middle of a download and while istioctl runs for instance, it goes on.
KILL_AFTER = ("Verified OK", "istioctl manifest apply")


@pytest.fixture
def upgrading(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the sandbox with a stand-in person, for a bot without a key file."""
    command = [sys.executable, "-m", "sandbox", "--releases", str(RELEASES), "--auto-approve", "--exit"]
    sandbox = subprocess.Popen(
        [*command, "--state", str(tmp_path / "state"), "--credentials", "workload-identity"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield sandbox
    sandbox.terminate()
    sandbox.communicate(timeout=30)


def test_a_killed_bot_carries_the_upgrade_to_its_end(upgrading: subprocess.Popen[str]) -> None:
    """Exit code 0, every pod accounted for, and no line of the thread twice."""
    lines = follow(upgrading)
    upgrading.wait(timeout=60)
    counted = LAST_LINE.fullmatch(lines[-1])
    assert counted is not None, "\n".join(lines)
    upgraded, total, manual = (int(number) for number in counted.groups())
    assert (upgrading.returncode, upgraded + manual) == (0, total)
    milestones = [line.partition(" ")[2] for line in lines if " • " in line]
    assert len(milestones) == len(set(milestones))


def follow(sandbox: subprocess.Popen[str]) -> list[str]:
    """Read what the sandbox prints, killing its bot on the way."""
    assert sandbox.stdout is not None
    lines: list[str] = []
    left = list(KILL_AFTER)
    control = ""
    for line in sandbox.stdout:
        lines.append(line.rstrip())
        if line.startswith("Switches"):
            control = line.split()[1]
        if left and left[0] in line:
            left.pop(0)
            httpx.post(f"{control}/bot", json={"action": "kill"}, timeout=10)
    assert not left
    return lines
