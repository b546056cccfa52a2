from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.bot.child import BotChild
from sandbox.supervisor import work_until

SLEEPER = (sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)")
DIES = (sys.executable, "-c", "import sys; sys.exit('no token')")
LIMIT = 150.0


def child(tmp_path: Path, command: tuple[str, ...], said: list[str]) -> BotChild:
    """Make a child that runs `command`."""
    return BotChild({"PATH": os.environ["PATH"]}, tmp_path / "bot.log", said.append, command)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another program does."""
    for _ in range(int(LIMIT * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)


async def until_up(bot: BotChild, starts: int) -> None:
    """Wait until the child was started so many times and has written a line each time."""
    await until(lambda: bot.starts >= starts and bot.tail().count("up") >= starts)


async def run(bot: BotChild, act: Awaitable[None]) -> None:
    """Watch the child while something is done to it."""
    bot.allow()
    await asyncio.wait_for(work_until([bot.watch()], [act]), LIMIT)


def test_a_killed_bot_comes_back(tmp_path: Path) -> None:
    """It is started again, and the sandbox says so."""
    said: list[str] = []
    bot = child(tmp_path, SLEEPER, said)

    async def act() -> None:
        await until_up(bot, 1)
        assert bot.kill(signal.SIGKILL)
        await until_up(bot, 2)

    asyncio.run(run(bot, act()))
    assert said[0].startswith("The bot was ended by SIGKILL; it starts again in 0.5 s.")


def test_a_bot_that_cannot_start_is_quoted(tmp_path: Path) -> None:
    """Its last lines are shown once."""
    said: list[str] = []
    bot = child(tmp_path, DIES, said)

    asyncio.run(run(bot, until(lambda: len(said) >= 2)))
    assert said[1] == "no token"


def test_a_stopped_bot_stays_away(tmp_path: Path) -> None:
    """Until it is allowed again."""
    bot = child(tmp_path, SLEEPER, [])

    async def act() -> None:
        await until_up(bot, 1)
        await bot.stop()
        assert bot.pid is None
        bot.allow()
        await until_up(bot, 2)

    asyncio.run(run(bot, act()))
    assert bot.starts == 2


def test_nothing_is_left_when_the_watch_ends(tmp_path: Path) -> None:
    """The child ends with it."""
    bot = child(tmp_path, SLEEPER, [])
    asyncio.run(run(bot, until_up(bot, 1)))
    assert bot.pid is None
