"""How fast slash commands are acknowledged that arrive at the same moment, as a person on the page sees it."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from tests.bench.findings import Finding

TITLE = "200 slash commands at once"
COMMANDS = 200
READY_SECONDS = 30.0
USER, CHANNEL = "U0ANA00001", "C0MESHOPS1"


def measure() -> list[Finding]:
    """The bot as a child of the sandbox; every command is committed to the journal before its acknowledgement."""
    with (
        run_sandbox() as page,
        httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=COMMANDS)) as http,
    ):
        wait_connected(page, http)
        send(page, http)
        with ThreadPoolExecutor(COMMANDS) as pool:
            times = list(pool.map(lambda _number: send(page, http), range(COMMANDS)))
    ranked = sorted(times)
    return [
        Finding(
            "p99 from envelope to acknowledgement", ranked[int(len(ranked) * 0.99)] / 1000, "s", 0.3, how="Socket Mode"
        ),
        Finding("median", statistics.median(ranked) / 1000, "s", 0.3, how="the same run"),
    ]


def send(page: str, http: httpx.Client) -> float:
    """One command; the milliseconds until it was acknowledged."""
    body = {"user": USER, "channel": CHANNEL, "text": "/asm-upgrade status"}
    answer = http.post(f"{page}/ui/command", json=body).raise_for_status().json()
    return float(answer["acknowledged_in_ms"])


@contextmanager
def run_sandbox() -> Iterator[str]:
    """The sandbox with its bot; answers the page's address."""
    command = [sys.executable, "-m", "bot.cli", "sandbox", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            addresses: dict[str, Any] = json.loads(sandbox.stdout.readline())
            yield str(addresses["page"])
        finally:
            sandbox.send_signal(signal.SIGTERM)
            sandbox.wait(30)


def wait_connected(page: str, http: httpx.Client) -> None:
    """Until the bot has its socket."""
    end = time.monotonic() + READY_SECONDS
    while not http.get(f"{page}/ui/state").json()["bot"]["connections"]:
        if time.monotonic() > end:
            raise TimeoutError(f"the bot did not connect within {READY_SECONDS:.0f} s")
        time.sleep(0.05)
