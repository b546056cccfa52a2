from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.slack.server import SlackStandIn
from sandbox.supervisor import work_until
from sandbox.watching.narrator import Narrator
from sandbox.watching.outcome import Verdict
from sandbox.watching.person import StandInPerson
from sandbox.watching.slack_page import SlackPage
from sandbox.watching.terminal import Lines
from sandbox.web.sites import open_site
from tests.page import ACK_SECONDS
from tests.unit.sandbox.watching.fake_bot import FakeBot

Json = dict[str, Any]

LIMIT = 2 * ACK_SECONDS
APPROVE: Json = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Approve"},
    "action_id": "asm:approve",
    "value": "cluster-x-1|access.gate|1",
    "style": "primary",
}
DONE: Json = {"result": "upgraded", "from": "a", "to": "b", "pods_upgraded": 3, "pods_manual": 1, "pods_total": 4}


@dataclass
class Scene:
    """A Slack stand-in with a bot of forty lines and whoever looks on."""

    bot: FakeBot
    page: SlackPage
    out: io.StringIO = field(default_factory=io.StringIO)
    said: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    async def look_on(self, until: Awaitable[object]) -> None:
        """Narrate, with a stand-in person at work, until something has happened."""
        narrator = Narrator(self.page, Lines(self.out), self.verdict, await self.page.state())
        person = StandInPerson(self.page, self.said.append, pause=0)
        works: list[Awaitable[object]] = [self.bot.serve(), narrator.narrate(), narrator.act(person)]
        await asyncio.wait_for(work_until(works, [until]), LIMIT)


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """Open a scene."""
    site = await open_site(SlackStandIn(time.time, rate_limits=False, ack_seconds=ACK_SECONDS).app())
    async with aiohttp.ClientSession() as session:
        yield Scene(FakeBot(session, site.url), SlackPage(session, site.url))
    await site.close()


def play(act: Callable[[Scene], Awaitable[None]]) -> Scene:
    """Run one act in a scene and return the scene."""

    async def run() -> Scene:
        async with scene() as opened:
            await act(opened)
            return opened

    return asyncio.run(run())


def test_the_person_starts_the_upgrade_when_the_bot_is_there() -> None:
    """By the slash command, as Ana."""

    async def act(opened: Scene) -> None:
        await opened.look_on(_received(opened, seen, 1))

    seen: list[Json] = []
    play(act)
    assert (seen[0]["command"], seen[0]["text"], seen[0]["user_name"]) == ("/asm-upgrade", "start cluster-x", "ana")


def test_the_person_approves_each_question_once() -> None:
    """Also where its button stands in two messages."""

    async def act(opened: Scene) -> None:
        async def ask() -> None:
            await _received(opened, [], 1)
            await opened.bot.post("gate", "Go on?", [APPROVE])
            await opened.bot.post("root", "cluster-x", [APPROVE])
            await _received(opened, clicks, 1)
            await opened.bot.post("finished", "done", **DONE)
            await opened.verdict.settled()

        await opened.look_on(ask())
        clicks.extend(opened.bot.received.get_nowait() for _ in range(opened.bot.received.qsize()))

    clicks: list[Json] = []
    play(act)
    assert [(click["user"]["id"], click["actions"][0]["value"]) for click in clicks] == [
        ("U0BEN00002", "cluster-x-1|access.gate|1")
    ]


def test_the_person_clicks_again_where_a_click_was_lost() -> None:
    """As somebody would who sees nothing happen."""

    async def act(opened: Scene) -> None:
        async def ask() -> None:
            await _received(opened, [], 1)
            body = {"kind": "lost_envelope", "method": "interactive"}
            async with opened.page.session.post(f"{opened.page.url}/ui/faults", json=body) as answer:
                assert answer.status == 200
            await opened.bot.post("gate", "Go on?", [APPROVE])
            await _received(opened, clicks, 1)

        await opened.look_on(ask())

    clicks: list[Json] = []
    played = play(act)
    assert [click["actions"][0]["value"] for click in clicks] == ["cluster-x-1|access.gate|1"]
    assert "The click on" in played.said[0]


def test_the_thread_is_printed_and_judged() -> None:
    """Milestones are lines, and the finish settles the verdict."""

    async def act(opened: Scene) -> None:
        async def report() -> None:
            await _received(opened, [], 1)
            await opened.bot.post("milestone", "Verified OK")
            await opened.bot.post("finished", "done", **DONE)
            await opened.verdict.settled()

        await opened.look_on(report())

    played = play(act)
    assert "• Verified OK" in played.out.getvalue()
    assert played.verdict.sentence() == "upgraded cluster-x: a → b, 3/4 pods, 1 manual"


def test_an_upgrade_that_stands_open_is_not_started_again() -> None:
    """After a restart with the same folder the person only approves."""

    async def act(opened: Scene) -> None:
        await opened.bot.post("root", "cluster-x")
        await opened.bot.post("gate", "Go on?", [APPROVE])
        await opened.look_on(_received(opened, seen, 1))

    seen: list[Json] = []
    play(act)
    assert seen[0]["type"] == "block_actions"


async def _received(opened: Scene, seen: list[Json], count: int) -> None:
    for _ in range(count):
        seen.append(await asyncio.wait_for(opened.bot.received.get(), 30))
