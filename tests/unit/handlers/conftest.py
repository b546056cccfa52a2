"""The front door in Socket Mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.bot.slack.stand_in import HandClock, LocalSlack, run_slack
from tests.unit.handlers.front import Front, GuestBook, open_http, open_socket


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    """A local Slack without rate limits."""
    with run_slack(HandClock()) as running:
        yield running


@pytest.fixture(scope="module")
def socket(slack: LocalSlack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Connected in Socket Mode."""
    with open_socket(slack, GuestBook(), tmp_path_factory.mktemp("state")) as opened:
        yield opened


@pytest.fixture
def front(socket: Front) -> Iterator[Front]:
    """The front door with an empty guest book."""
    socket.book.clicks.clear()
    yield socket
    socket.book.fault = None


@pytest.fixture
def http(tmp_path: Path) -> Iterator[Front]:
    """Connected in HTTP mode to a Slack of its own."""
    with run_slack(HandClock()) as running, open_http(running, GuestBook(), tmp_path) as opened:
        yield opened
