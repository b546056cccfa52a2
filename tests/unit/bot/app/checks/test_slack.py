"""doctor's lines about Slack's opinion of what the bot draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.checks.slack import SlackChecks
from bot.settings.environment import SlackSettings
from tests.unit.bot.slack.stand_in import HandClock, LocalSlack, run_slack
from tests.unit.bot.workbench import Build


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    """A stand-in of Slack."""
    with run_slack(HandClock()) as opened:
        yield opened


def open_checks(slack: LocalSlack) -> SlackChecks:
    """The checks, with the tokens of the stand-in's app."""
    app = slack.cast.app
    return SlackChecks(
        SlackSettings(
            bot_token=app.bot_token,
            app_token=app.app_token,
            signing_secret=app.signing_secret,
            api_url=slack.api_url,
            mode="socket",
            http_port=1,
            listen="127.0.0.1",
        )
    )


def test_slack_is_asked_about_the_home_tab(slack: LocalSlack, tmp_path: Path) -> None:
    """Before any upgrade, when there is nothing else to draw."""
    found = open_checks(slack).check_blocks({}, tmp_path)
    assert (found.severity, found.sentence) == ("ok", "Slack takes the bot's Home tab as drawn")


def test_slack_is_asked_about_the_latest_upgrades_root(slack: LocalSlack, build: Build, tmp_path: Path) -> None:
    """And what it refuses is an error, posted nowhere."""
    build({}).add_upgrade(["a/b"])
    assert "root message" in open_checks(slack).check_blocks({}, tmp_path).sentence
    slack.fault("invalid_blocks", method="blocks.validate")
    assert open_checks(slack).check_blocks({}, tmp_path).severity == "error"
    assert slack.messages() == []
