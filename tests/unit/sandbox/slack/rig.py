"""What the tests share: a clock moved by hand, a person's window on the control API, a Bolt app."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.websocket_client import SocketModeClient

from sandbox.slack.server import SlackStandIn
from sandbox.web.sites import RunningSite
from tests.page import ACK_SECONDS

Json = dict[str, Any]
CHANNEL = "C0MESHOPS1"
SECONDS = 1.5 * ACK_SECONDS


class HandClock:
    """Unix seconds that only a test moves."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(frozen=True)
class Window:
    """The control API as tests use it."""

    url: str

    def post(self, name: str, /, **body: Any) -> Json:
        """Do an act and return the answer, refusals included."""
        return dict(requests.post(f"{self.url}/ui/{name}", json=body, timeout=SECONDS).json())

    def command(self, text: str, user: str = "ana", channel: str = CHANNEL) -> Json:
        """Run a slash command."""
        return self.post("command", user=user, channel=channel, text=text)

    def state(self) -> Json:
        """Return the whole state."""
        return dict(requests.get(f"{self.url}/ui/state", timeout=SECONDS).json())

    def messages(self, channel: str = CHANNEL) -> list[Json]:
        """Return a channel's messages, thread replies included."""
        return next(list(room["messages"]) for room in self.state()["channels"] if room["id"] == channel)

    def notes(self, user: str) -> list[Json]:
        """Return what only this person sees."""
        return [note for note in self.state()["ephemerals"] if note["to"] == user]

    def log(self) -> list[Json]:
        """Return the inspector's entries."""
        return list(requests.get(f"{self.url}/ui/log", timeout=SECONDS).json()["entries"])

    def wait(self, kind: str, fits: Callable[[Json], bool] = lambda _: True, after: int = 0) -> Json:
        """Wait for an event of this kind that fits."""
        while True:
            query: dict[str, str | float] = {"after": after, "kinds": kind, "timeout": SECONDS}
            answer = requests.get(f"{self.url}/ui/wait", params=query, timeout=2 * SECONDS).json()
            assert answer["events"], f"no {kind} event came"
            for event in answer["events"]:
                if fits(event):
                    return dict(event)
            after = answer["seq"]

    def wait_for_connections(self, count: int, after: int = 0) -> None:
        """Wait until that many sockets are open."""
        self.wait("connection", lambda event: event["count"] == count, after)


class PromptClient(SocketModeClient):
    """The websocket-client adapter whose reader wakes often, without its monitor.

    As it is, the reader now and then sleeps through a close() of another thread, for ten seconds. And the monitor
    looks before the first connection stands, so that it opens a second one and closes the first.
    """

    def connect(self) -> None:
        """A monitor that is said to run is not started; the reader replaces what went."""
        self.current_app_monitor_started = True
        super().connect()

    def _run_current_session(self) -> None:
        if self.current_session is not None:
            self.current_session.run_forever(ping_timeout=0.2)

    def close(self) -> None:
        """The thread that takes messages waits a second for one: this is its last."""
        self.closed = True
        self.message_queue.put(None)
        super().close()


@dataclass(frozen=True)
class BoltListener:
    """Hands Socket Mode requests to a Bolt app."""

    app: App

    def __call__(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Run the app and send its ack."""
        began = time.time()
        send_response(client, request, run_bolt_app(self.app, request), began)


@dataclass(frozen=True)
class Stage:
    """A running stand-in with all that a test touches."""

    stand_in: SlackStandIn
    site: RunningSite
    clock: HandClock
    window: Window

    @property
    def client(self) -> WebClient:
        """Return a Web API client with the bot's token that tries once."""
        return WebClient(self.stand_in.cast.app.bot_token, base_url=f"{self.site.url}/api/", retry_handlers=[])

    def bolt(self) -> App:
        """Return a Bolt app of the cast's Slack app."""
        return App(client=self.client, signing_secret=self.stand_in.cast.app.signing_secret)

    def connect(self, app: App) -> PromptClient:
        """Connect an app by Socket Mode and wait until it is there."""
        before = self.window.state()
        client = PromptClient(self.stand_in.cast.app.app_token, web_client=self.client, ping_interval=2)
        client.socket_mode_request_listeners.append(BoltListener(app))
        client.connect()
        self.window.wait_for_connections(before["bot"]["connections"] + 1, before["seq"])
        return client


class QuietHandler(WSGIRequestHandler):
    """Serves without a log line a request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served(app: App) -> Iterator[str]:
    """Serve a Bolt app in HTTP mode and give its request URL."""
    with make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/slack/events"
        finally:
            server.shutdown()
            thread.join(SECONDS)


def button(action: str, value: str = "v") -> Json:
    """Return a button."""
    return {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": action}, "value": value}


def actions(*elements: Json, block_id: str = "row") -> Json:
    """Return an actions block."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def section(text: str, **more: Any) -> Json:
    """Return a section."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def text_input(block_id: str, action: str = "typed", **more: Any) -> Json:
    """Return an input block with a text field."""
    element = {"type": "plain_text_input", "action_id": action}
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": block_id},
        "element": element,
        **more,
    }


def modal(*blocks: Json, **more: Any) -> Json:
    """Return a modal view."""
    text = {"type": "plain_text", "text": "Title"}
    return {"type": "modal", "callback_id": "form", "title": text, "submit": text, "blocks": list(blocks), **more}
