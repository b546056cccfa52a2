"""The bot's front door for tests: the real Bolt app against the sandbox's Slack, with a desk that only remembers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.records import Click
from handlers.app import build_app, build_http_server, build_socket_handler
from tests.unit.slack.stand_in import CHANNEL, LocalSlack

ANA, BEN = "U0ANA00001", "U0BEN00002"


@dataclass
class GuestBook:
    """A desk that keeps what it received, each id once; `fault` is raised in place of that."""

    clicks: list[Click] = field(default_factory=list)
    fault: Exception | None = None

    def receive(self, click: Click) -> bool:
        """Keep the click."""
        if self.fault is not None:
            raise self.fault
        if any(known.id == click.id for known in self.clicks):
            return False
        self.clicks.append(click)
        return True

    @property
    def last(self) -> Click:
        """The click received last."""
        return self.clicks[-1]


@dataclass(frozen=True)
class Front:
    """The running front door."""

    slack: LocalSlack
    book: GuestBook

    def command(self, text: str, user: str = ANA) -> dict[str, Any]:
        """Type a slash command."""
        return self.slack.act("command", user=user, channel=CHANNEL, text=f"/asm-upgrade {text}".strip())

    def click(self, ts: str, action_id: str, user: str = BEN) -> dict[str, Any]:
        """Click a button."""
        return self.slack.act("click", user=user, channel=CHANNEL, ts=ts, action_id=action_id)

    def post(self, blocks: list[dict[str, Any]]) -> str:
        """Post a card as the bot; its ts."""
        return str(self.slack.posting().chat_postMessage(channel=CHANNEL, text="card", blocks=blocks)["ts"])


@contextmanager
def open_socket(slack: LocalSlack, book: GuestBook) -> Iterator[Front]:
    """Socket Mode, connected."""
    app = build_app(book, slack.identity(), slack.clock, slack.posting())
    handler = build_socket_handler(app, slack.cast.app.app_token)
    handler.connect()
    try:
        slack.wait_for_socket()
        yield Front(slack, book)
    finally:
        handler.close()


@contextmanager
def open_http(slack: LocalSlack, book: GuestBook) -> Iterator[Front]:
    """HTTP mode: signed requests to a server of the bot's own."""
    secret = slack.cast.app.signing_secret
    app = build_app(book, slack.identity(), slack.clock, slack.posting(), secret)
    server = build_http_server(app, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert slack.act("mode", mode="http", url=f"http://127.0.0.1:{server.port}/slack/events")["ok"]
    try:
        yield Front(slack, book)
    finally:
        server.close()
        thread.join(10)
