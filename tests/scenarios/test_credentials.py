"""Google credentials that are refused in the middle of an upgrade: the alert fires, and ends once they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.app.metrics import build_registry
from bot.app.serving import read_signs
from sandbox.google.account import ServiceAccount
from tests.scenarios.desk import Desk
from tests.unit.bot.app.test_alerts import fires, read_rules

# What fires where Slack does not reach the bot, as at this desk.
NO_SLACK = "AsmUpgradeSlackAway"


@pytest.fixture(scope="session")
def wire() -> bool:
    """Tokens are refused and renewed here."""
    return True


@pytest.fixture
def rules(project_root: Path) -> dict[str, dict[str, Any]]:
    """The alerts that are shipped."""
    return read_rules(project_root, "google")


def list_alerts(desk: Desk, rules: dict[str, dict[str, Any]]) -> set[str]:
    """What fires on the metrics of this bot."""
    bot = desk.rig.bot
    signs = read_signs(bot, desk.rig.front)
    registry = build_registry(bot.journal, bot.outbox, bot.clock, bot.keeper.find_window, signs)
    scraped = list(registry.collect())
    return {name for name, rule in rules.items() if fires(rule, scraped)}


def test_a_deleted_key_is_an_alert_until_one_is_taken(desk: Desk, rules: dict[str, dict[str, Any]]) -> None:
    """The upgrade is blocked meanwhile, and goes on by retry."""
    google = desk.world.google
    account, google.account = google.account, ServiceAccount.make()
    desk.start()
    desk.rig.run_until(lambda: desk.read().state == "blocked")
    assert list_alerts(desk, rules) == {"AsmUpgradeCredentialsFailing", "AsmUpgradeBlocked", NO_SLACK}
    google.account = account
    desk.click("retry")
    desk.rig.run_until(lambda: desk.read().state == "asking")
    assert list_alerts(desk, rules) == {NO_SLACK}


def test_a_cluster_that_refuses_the_bot_is_an_alert_until_it_does_not(
    desk: Desk, rules: dict[str, dict[str, Any]]
) -> None:
    """Whoever is called has credentials to renew, of this cluster, and no upgrade to look into."""
    faults = desk.world.cluster.faults
    faults.expire_all_tokens = True
    desk.start()
    desk.rig.run_until(lambda: desk.read().state == "blocked")
    assert list_alerts(desk, rules) == {"AsmUpgradeCredentialsFailing", "AsmUpgradeBlocked", NO_SLACK}
    faults.expire_all_tokens = False
    desk.click("retry")
    desk.rig.run_until(lambda: desk.read().state == "asking")
    assert list_alerts(desk, rules) == {NO_SLACK}
