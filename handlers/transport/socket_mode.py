"""Socket Mode: two connections of the websocket-client adapter, so that one stands while Slack refreshes the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from socket import SHUT_RDWR
from typing import Any, assert_never

import structlog
from slack_bolt import App

from bot.slack.api.answers import Answered, Refused, TooFast, Unclear, call_slack
from bot.slack.api.identity import SlackRefusal, SlackUnreachable
from handlers.transport.headcount import CONNECTIONS, Headcount
from steps.contract.wording import describe_seconds

log = structlog.get_logger(__name__)
# Measured: with 4 threads 200 commands at once are acknowledged sooner than with 16, which fight for the interpreter.
THREADS_A_CONNECTION = 2
PING_SECONDS = 5
FAREWELL_SECONDS = 2


class SocketConnection:
    """The app's way to Slack: stands as long as one of its links does. After an unclean drop it is back in 4 s."""

    def __init__(self, app: App, app_token: str, monotonic: Callable[[], float]) -> None:
        self._headcount = Headcount(CONNECTIONS, monotonic)
        self._links: Sequence[SocketLink] = [SocketLink(app, app_token, self._headcount) for _ in range(CONNECTIONS)]

    def connect(self) -> None:
        """Connect and stay connected. Raises SlackUnreachable or SlackRefusal while that can't be done."""
        for link in self._links:
            fault = link.connect()
            if fault is not None:
                self.close()
                raise fault

    def is_connected(self) -> bool:
        """Whether people can reach the bot; links are mended without being asked."""
        return any(link.is_connected() for link in self._links)

    def count_again(self) -> bool:
        """Have Slack count the token's connections once more where there were too many of them; whether it is asked."""
        if not self._headcount.needs_count():
            return False
        self._links[0].renew()
        return True

    def find_sharer(self) -> str:
        """That another program uses the app's token, a sentence; "" where none does."""
        return self._headcount.find_trouble()

    def close(self) -> None:
        """Disconnect for good."""
        for link in self._links:
            link.close()


class SocketLink:
    """One connection."""

    def __init__(self, app: App, app_token: str, headcount: Headcount) -> None:
        from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler

        self._handler: Any = SocketModeHandler(
            app, app_token, ping_interval=PING_SECONDS, concurrency=THREADS_A_CONNECTION
        )
        skip_first_look(self._handler.client.current_app_monitor)
        self._handler.client.message_listeners.append(lambda _client, message, _raw: headcount.note(message))

    def connect(self) -> SlackRefusal | SlackUnreachable | None:
        """Connect; why that can't be done, None where it is."""
        answer = call_slack(self._handler.connect)
        match answer:
            case Answered():
                return None
            case Refused():
                return SlackRefusal(answer.why)
            case TooFast(seconds):
                return SlackUnreachable(f"Slack asks to wait {describe_seconds(seconds)}")
            case Unclear(why):
                return SlackUnreachable(why)
            case _:
                assert_never(answer)

    def renew(self) -> None:
        """Reconnect, as Slack asks for now and then; the other connection takes what comes meanwhile."""
        answer = call_slack(lambda: self._handler.client.connect_to_new_endpoint(force=True))
        if not isinstance(answer, Answered):
            log.warning("slack_connections_not_counted", answer=str(answer))

    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return bool(self._handler.client.is_connected())

    def close(self) -> None:
        """Disconnect for good."""
        client = self._handler.client
        client.auto_reconnect_enabled = False
        reader = client.current_session_runner
        reader.event.set()
        link = getattr(client.current_session, "sock", None)
        if link is not None and link.sock is not None:
            # The reading thread sleeps up to 10 s through a socket that is merely closed: it has to see an end first.
            with suppress(OSError):
                link.sock.shutdown(SHUT_RDWR)
        if reader.thread is not None:
            reader.thread.join(FAREWELL_SECONDS)
        # One that sleeps through the end of the connection before ends by itself; the SDK would wait for it.
        reader.thread = None
        # The thread that takes messages waits a second for one: this is its last.
        client.closed = True
        client.message_queue.put(None)
        self._handler.close()


def skip_first_look(monitor: Any) -> None:
    """Let the SDK's monitor look for the first time after its interval.

    It looks at once, before the first connection stands, takes it for lost and opens another one in its place. What
    people send meanwhile is lost with the one that goes.
    """
    look, looks = monitor.target, count()
    monitor.target = lambda: look() if next(looks) else None


def build_socket_handler(app: App, app_token: str) -> SocketConnection:
    """The connection of Socket Mode, not yet connected."""
    return SocketConnection(app, app_token, time.monotonic)
