"""Programs that a test starts on loopback and ends by their process id."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.bot.kinship import die_with_parent

START_SECONDS = 60.0
STOP_SECONDS = 1.0
KILL_SECONDS = 20.0  # a killed program still frees its memory
POLL_SECONDS = 0.05


class NotReady(Exception):
    """A program ended or did not become ready in time; the message holds the end of its log."""


@dataclass
class Program:
    """A program with its command line; its output goes to `log`."""

    command: Sequence[str]
    log: Path
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The program's file name."""
        return Path(self.command[0]).name

    def start(self) -> None:
        """Start it; it dies with the test run."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # Through a proxy the API server would not reach the webhook on loopback.
        variables = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
        with self.log.open("ab") as out:
            self._running = subprocess.Popen(
                list(self.command), stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=variables,
                preexec_fn=die_with_parent,
            )  # fmt: skip

    def stop(self) -> None:
        """End it, gently first. A program that does not run is fine."""
        if self._running is None:
            return
        self._running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(STOP_SECONDS)
        self._running.kill()
        self._running.wait(KILL_SECONDS)
        self._running = None

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait until it is ready. Raises NotReady when it ended or took too long."""
        end = time.monotonic() + seconds
        while not ready():
            if self._running is None or self._running.poll() is not None:
                raise NotReady(f"{self.name} ended: {self.read_tail()}")
            if time.monotonic() > end:
                raise NotReady(f"{self.name} was not ready within {seconds:g} s: {self.read_tail()}")
            time.sleep(POLL_SECONDS)

    def read_tail(self, size: int = 2000) -> str:
        """The end of what it wrote."""
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""

    def find_peak_memory(self) -> int:
        """The highest resident size so far in bytes, 0 where it can't be told."""
        if self._running is None:
            return 0
        status = Path(f"/proc/{self._running.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def find_free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
