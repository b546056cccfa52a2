"""The sandbox's Slack for tests: served from a thread, on a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from bot.slack.api.clients import build_posting_client, build_reading_client
from bot.slack.api.identity import SlackIdentity, read_identity
from sandbox.slack.server import SlackStandIn
from sandbox.slack.workspace.cast import Cast
from sandbox.web.sites import RunningSite, serve_in_thread
from tests.page import ACK_SECONDS, Page, open_page

START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
CHANNEL = "C0MESHOPS1"


class HandClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self._time = START
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time set last."""
        with self._lock:
            return self._time

    def advance(self, seconds: float) -> None:
        """Move on."""
        with self._lock:
            self._time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class LocalSlack:
    """A running stand-in with what a test does to it and reads from it."""

    site: RunningSite
    cast: Cast
    clock: HandClock
    page: Page
    _whispers: dict[str, list[str]] = field(default_factory=dict)
    _forms: dict[str, list[str]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """The base of the Web API."""
        return f"{self.site.url}/api/"

    def posting(self) -> WebClient:
        """The bot's posting client."""
        return build_posting_client(self.cast.app.bot_token, self.api_url)

    def reading(self) -> WebClient:
        """The bot's reading client."""
        return build_reading_client(self.cast.app.bot_token, self.api_url)

    def identity(self) -> SlackIdentity:
        """Who the bot is here."""
        return read_identity(self.reading(), self.cast.app.app_token)

    def act(self, path: str, **body: Any) -> dict[str, Any]:
        """One call of the control API; the answer, refusals included."""
        return self.page.act(path, body)

    def fault(self, kind: str, **fields: Any) -> None:
        """Switch a fault on."""
        assert self.act("faults", kind=kind, **fields)["ok"]

    def state(self) -> dict[str, Any]:
        """Everything that the stand-in shows."""
        return self.page.read("/ui/state")

    def wait_for_socket(self) -> None:
        """Return once a bot is connected in Socket Mode."""
        self.wait_for("connection", lambda state: state["bot"]["connections"])

    def wait_for_form(self, user: str) -> dict[str, Any]:
        """The form on top for this person, once it is one that nobody asked for yet; forms open after the ack."""
        seen = self._forms.setdefault(user, [])
        found = self.wait_for(
            "views", lambda state: [view for view in state["views"].get(user, [])[-1:] if view["id"] not in seen]
        )
        seen.append(found[0]["id"])
        return dict(found[0])

    def wait_for_whisper(self, user: str) -> str:
        """The text of the first message that only this person sees and nobody asked for yet."""
        seen = self._whispers.setdefault(user, [])
        found = self.wait_for(
            "ephemeral", lambda state: [note for note in state["ephemerals"] if self._is_new(note, user)]
        )
        seen.append(found[0]["ts"])
        return str(found[0]["text"])

    def _is_new(self, note: dict[str, Any], user: str) -> bool:
        return note["to"] == user and note["ts"] not in self._whispers[user]

    def wait_for(self, kind: str, find: Callable[[dict[str, Any]], Any], looks: int = 120) -> Any:
        """What `find` finds in the state, looked for again after each event of this kind."""
        after = 0
        for _ in range(looks):
            if found := find(self.state()):
                return found
            after = self.page.read(f"/ui/wait?after={after}&timeout=0.5&kinds={kind}")["seq"]
        raise AssertionError(f"no {kind} came")

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        """The inspector's entries for one Web API method, or all."""
        entries = self.page.read("/ui/log")["entries"]
        return [entry for entry in entries if entry["kind"] == "api" and method in ("", entry["name"])]

    def messages(self) -> list[dict[str, Any]]:
        """Every message of the channel, threads included, oldest first."""
        client = self.reading()
        found = []
        history = client.conversations_history(channel=CHANNEL, include_all_metadata=True, limit=200)["messages"]
        for message in reversed(history):
            found.append(message)
            if message.get("reply_count"):
                replies = client.conversations_replies(
                    channel=CHANNEL, ts=message["ts"], include_all_metadata=True, limit=200
                )["messages"]
                found.extend(replies[1:])
        return found


@contextmanager
def run_slack(clock: HandClock, cast: Cast | None = None, *, rate_limits: bool = False) -> Iterator[LocalSlack]:
    """A stand-in for the time of the block; `rate_limits` as honest as Slack's."""
    whole = cast or Cast()
    stand_in = SlackStandIn(lambda: clock.now().timestamp(), whole, rate_limits=rate_limits, ack_seconds=ACK_SECONDS)
    site = serve_in_thread(stand_in.app())
    try:
        with open_page(site.url) as page:
            yield LocalSlack(site, whole, clock, page)
    finally:
        site.stop()
