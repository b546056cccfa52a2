"""Socket Mode's connection: refreshed by Slack, cut without a word, refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import websocket
from slack_bolt import App

from bot.settings.environment import SlackMode, SlackSettings
from bot.slack.api.identity import SlackRefusal, SlackUnreachable, read_identity
from handlers.app import build_app
from handlers.transport.connection import SlackFront
from handlers.transport.headcount import CONNECTIONS
from handlers.transport.socket_mode import SocketConnection, build_socket_handler
from tests.unit.bot.slack.stand_in import HandClock, LocalSlack, run_slack
from tests.unit.handlers.front import Front, GuestBook, build_reception, open_socket


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    """A Slack of its own, because its connections are cut."""
    with run_slack(HandClock()) as running:
        yield running


@pytest.fixture
def front(slack: LocalSlack, tmp_path: Path) -> Iterator[Front]:
    """Connected."""
    with open_socket(slack, GuestBook(), tmp_path) as opened:
        yield opened


def test_a_start_opens_each_connection_once(front: Front) -> None:
    """None is given up for another before it stands."""
    front.command("status")
    assert len(front.slack.calls("apps.connections.open")) == CONNECTIONS


def test_a_refreshed_connection_loses_no_command(front: Front) -> None:
    """Slack asks for a new connection every few hours."""
    front.slack.fault("disconnect")
    front.slack.wait_for_socket()
    for _ in range(5):
        front.command("status")
    assert len(front.book.clicks) == 5


def test_another_program_with_the_same_token_is_found(slack: LocalSlack, tmp_path: Path) -> None:
    """Once a count that comes a minute later says the same; and it is forgotten when that program has ended."""
    ticks = [0.0]
    with build_reception(slack, GuestBook(), tmp_path) as (reception, _front), ExitStack() as others:
        for _ in range(CONNECTIONS):
            others.enter_context(closing(open_plainly(slack)))
        app = build_app(reception, slack.posting())
        with closing(SocketConnection(app, slack.cast.app.app_token, lambda: ticks[0])) as connection:
            connection.connect()
            wait_long(slack, lambda: count_later(connection, ticks, 60))
            wait_long(slack, connection.find_sharer)
            assert f"connections of the app's token, and {CONNECTIONS} are this bot's" in connection.find_sharer()
            others.close()
            assert count_later(connection, ticks, 300)
            wait_long(slack, lambda: not connection.find_sharer())


def open_plainly(slack: LocalSlack) -> websocket.WebSocket:
    """A connection of another program."""
    url = slack.posting().apps_connections_open(app_token=slack.cast.app.app_token)["url"]
    return websocket.create_connection(url, timeout=10)


def wait_long(slack: LocalSlack, find: Callable[[], object]) -> None:
    """The SDK connects in threads of its own, which take their time on a machine that is busy."""
    slack.wait_for("connection", lambda _state: find(), looks=120)


def count_later(connection: SocketConnection, ticks: list[float], seconds: float) -> bool:
    """Whether Slack is asked to count again after so much time."""
    ticks[0] += seconds
    return connection.count_again()


@pytest.mark.parametrize("mode", ["socket", "http"])
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_was_closed_connects_no_more(
    mode: SlackMode, when: str, slack: LocalSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it was on its way to Slack just then: a bot whose journal broke takes no more orders."""
    app = slack.cast.app
    settings = SlackSettings(app.bot_token, app.app_token, app.signing_secret, slack.api_url, mode, 0)
    with build_reception(slack, GuestBook(), tmp_path) as (reception, _front):
        front = SlackFront(settings, reception.desk, slack.clock, reception.fleet, reception.tabs, frozenset())

        def build_and_close(*given: Any) -> App:
            front.close()
            return build_app(*given)

        if when == "before":
            front.close()
        else:
            monkeypatch.setattr("handlers.app.build_app", build_and_close)
        front.turn()
        slack.wait_for("end of the connections", lambda state: not state["bot"]["connections"])
        assert (front._socket, front._http, front.find_trouble()) == (None, None, "Slack was not reached yet")


@pytest.mark.slow
def test_a_cut_connection_comes_back(front: Front) -> None:
    """By itself, within seconds."""
    front.slack.fault("drop")
    front.slack.wait_for_socket()
    front.command("status")
    assert len(front.book.clicks) == 1


def test_a_wrong_app_token_is_refused_with_what_to_do(slack: LocalSlack, tmp_path: Path) -> None:
    """Not retried for ever."""
    with build_reception(slack, GuestBook(), tmp_path) as (reception, _front):
        connection = build_socket_handler(build_app(reception, slack.posting()), "xapp-1-A0-1-wrong")
        with pytest.raises(SlackRefusal, match="invalid_auth"):
            connection.connect()


def test_a_wrong_bot_token_is_refused_with_what_to_do(slack: LocalSlack) -> None:
    """Said before anything else is tried."""
    client = slack.reading()
    client.token = "xoxb-wrong"
    with pytest.raises(SlackRefusal, match="SLACK_BOT_TOKEN"):
        read_identity(client)


def test_a_slack_that_is_down_is_worth_another_try(slack: LocalSlack) -> None:
    """It is told apart from a refusal."""
    client = slack.reading()
    slack.site.stop()
    with pytest.raises(SlackUnreachable):
        read_identity(client)
