"""Child programs of tests: what a bot among them is told; what they say is waited for, never without a limit."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from sandbox.bot.settings import CLUSTERS

SECONDS = 90.0


def describe_bot(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a bot without Slack, whose settings and state are in that folder."""
    (folder / "clusters.toml").write_text(CLUSTERS)
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "ASM_UPGRADE_CLUSTERS": str(folder / "clusters.toml"),
        "ASM_UPGRADE_STATE": str(folder / "state"),
        "ASM_UPGRADE_KEY": "k" * 40,
    }
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings, **more}


def read_first_line(child: subprocess.Popen[str], seconds: float = SECONDS) -> str:
    """The line with which a program says that it is there, on whichever of its streams the test reads."""
    stream = child.stdout or child.stderr
    assert stream is not None
    ready, _, _ = select.select([stream], [], [], seconds)
    assert ready, f"{child.args!r} said nothing within {seconds:g} s"
    return stream.readline()
