"""The Slack stand-in as one site: everything at one address, and an end that may come twice."""

from __future__ import annotations

import asyncio
import json

import pytest
import requests

from sandbox.slack.server import SlackStandIn
from tests.unit.sandbox.slack.rig import CHANNEL, HandClock, Stage


@pytest.mark.parametrize("path", ["/", "/ui/state"])
def test_page_and_control_stand_beside_the_api(stage: Stage, path: str) -> None:
    """A person's browser needs no other address than the bot's."""
    assert stage.client.auth_test()["ok"]
    assert requests.get(f"{stage.site.url}{path}", timeout=30).status_code == 200


def test_a_path_that_slack_lacks_is_not_found(stage: Stage) -> None:
    """Nothing answers by chance."""
    assert requests.get(f"{stage.site.url}/apis/auth.test", timeout=30).status_code == 404


def test_two_stand_ins_share_nothing(stage: Stage, clock: HandClock) -> None:
    """What is posted to one workspace is not in another."""
    stage.client.chat_postMessage(channel=CHANNEL, text="only here")
    other = SlackStandIn(clock)
    assert "only here" in str(stage.stand_in.workspace.shown()["channels"])
    assert "only here" not in str(other.workspace.shown()["channels"])


def test_who_is_in_the_sites_thread_is_shown_what_the_page_is(stage: Stage) -> None:
    """Without a request."""
    stage.client.chat_postMessage(channel=CHANNEL, text="for both", blocks=[{"type": "divider"}])
    fetched = requests.get(f"{stage.site.url}/ui/state", timeout=5).json()
    assert stage.site.ask(lambda: json.dumps(stage.stand_in.shown())) == json.dumps(fetched)


def test_closing_twice_is_safe(clock: HandClock) -> None:
    """The site's shutdown and its owner may both end it."""

    async def close_twice() -> None:
        stand_in = SlackStandIn(clock)
        await stand_in.close()
        await stand_in.close()

    asyncio.run(close_twice())
