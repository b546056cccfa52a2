"""The bot as a child of the sandbox: started with an environment and nothing else, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from sandbox.bot.kinship import die_with_parent

COMMAND = (sys.executable, "-m", "bot.app.cli", "serve")
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 20.0
STOP_SECONDS = 5.0
TAIL_LINES = 15
# So many deaths in a row, each soon after the start, and the fault is not a passing one.
HOPELESS_DEATHS = 6


class BotChild:
    """Keeps one bot running. `say` gets a sentence whenever it dies or comes back."""

    def __init__(
        self,
        environment: Mapping[str, str],
        output: Path,
        say: Callable[[str], None],
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._environment = dict(environment)
        self._output = output
        self._say = say
        self._command = command
        self._wanted = asyncio.Event()
        self._hopeless = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The bot's process id while it runs."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def hopeless(self) -> None:
        """Wait until the bot has died so often that it won't come up by itself."""
        await self._hopeless.wait()

    def allow(self) -> None:
        """Let the bot run from now on."""
        self._wanted.set()

    async def watch(self) -> None:
        """Run the bot for as long as it is wanted, with growing pauses while it dies young. Ends by cancellation."""
        deaths = 0
        try:
            while True:
                await self._wanted.wait()
                began = asyncio.get_running_loop().time()
                code = await self._run_once()
                if not self._wanted.is_set():
                    continue
                steady = asyncio.get_running_loop().time() - began > STEADY_SECONDS
                pause = PAUSES[min(0 if steady else deaths, len(PAUSES) - 1)]
                deaths = 1 if steady else deaths + 1
                if deaths >= HOPELESS_DEATHS:
                    self._hopeless.set()
                self._say(f"The bot {describe_end(code)}; it starts again in {pause:g} s. Its output: {self._output}")
                if deaths == 1 and code > 0:
                    self._say(self.tail())
                await asyncio.sleep(pause)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End the bot politely, then firmly, and keep it ended until `allow`."""
        self._wanted.clear()
        child = self._child
        if child is None or child.returncode is not None:
            return
        _send(child, signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            _send(child, signal.SIGKILL)
            await child.wait()

    def kill(self, number: int = signal.SIGKILL) -> bool:
        """Send a signal to the bot; it is started again as after any other death. False when it isn't running."""
        if self._child is None or self._child.returncode is not None:
            return False
        _send(self._child, number)
        return True

    def tail(self) -> str:
        """Return the last lines that the bot wrote."""
        try:
            lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-TAIL_LINES:])

    async def _run_once(self) -> int:
        with self._open_output() as output:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in the terminal must reach the sandbox alone, which then ends the bot itself.
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.starts += 1
        if not self._wanted.is_set():
            _send(self._child, signal.SIGTERM)
        return await self._child.wait()

    def _open_output(self) -> IO[bytes]:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        return self._output.open("ab")


def describe_end(code: int) -> str:
    """Say how a program ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _send(child: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)
