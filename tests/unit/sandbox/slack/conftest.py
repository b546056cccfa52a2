"""Fixtures: a running Slack stand-in with a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.slack.server import SlackStandIn
from sandbox.web.sites import serve_in_thread
from tests.page import ACK_SECONDS
from tests.unit.sandbox.slack.rig import HandClock, Stage, Window


@pytest.fixture
def clock() -> HandClock:
    """Give a clock that stands still."""
    return HandClock()


@pytest.fixture
def ack_seconds() -> float:
    """How long an ack may take; a test of a bot that is too late sets another."""
    return ACK_SECONDS


@pytest.fixture
def stage(clock: HandClock, ack_seconds: float) -> Iterator[Stage]:
    """Give a running stand-in."""
    stand_in = SlackStandIn(clock, ack_seconds=ack_seconds)
    site = serve_in_thread(stand_in.app())
    yield Stage(stand_in, site, clock, Window(site.url))
    site.stop()
