"""A local Slack, an outbox in a real journal and the announcer between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.bot.blank import open_store
from tests.unit.bot.slack.desk import PostRoom
from tests.unit.bot.slack.stand_in import HandClock, LocalSlack, run_slack


@pytest.fixture
def clock() -> HandClock:
    """A clock moved by hand."""
    return HandClock()


@pytest.fixture
def slack(clock: HandClock) -> Iterator[LocalSlack]:
    """A local Slack without rate limits."""
    with run_slack(clock) as running:
        yield running


@pytest.fixture
def room(slack: LocalSlack, tmp_path: Path, clock: HandClock) -> Iterator[PostRoom]:
    """The announcer with its outbox, in a journal of its own, and its Slack."""
    store = open_store(tmp_path)
    yield PostRoom(slack, store, clock)
    store.close()
