"""`asm-upgrade doctor` against the sandbox's own parts."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.doctor import Doctor, check_people
from bot.app.known_releases import read_releases
from bot.app.slack_checks import check_clock, check_scopes
from bot.app.wiring import build_ports_for, build_programs
from bot.settings.policy import Policy
from steps.contract.checks import Check
from tests.scenarios.rig import World


def examine(world: World) -> list[Check]:
    """All lines for the world's cluster."""
    settings = world.settings
    os.environ["PATH"] = world.path
    ports_for = build_ports_for(settings, build_programs(settings))
    doctor = Doctor(settings, read_releases(settings.releases), ports_for, world.path)
    return list(doctor.examine("cluster-x"))


def test_a_healthy_sandbox_has_no_error(world: World) -> None:
    """Rights that the access phase will ask for are a warning, not an error."""
    assert [check for check in examine(world) if check.severity == "error"] == []


def test_every_part_is_looked_at(world: World) -> None:
    """Slack, journal, disk, tools and the cluster's preflight."""
    names = {check.name.removeprefix("cluster-x: ") for check in examine(world)}
    assert {"Slack bot token", "journal", "disk", "kubectl", "reach", "rights", "installed version"} <= names


def test_a_refused_token_is_an_error(world: World) -> None:
    """Slack's own code is named."""
    broken = replace(world.settings, slack=replace(world.settings.slack, bot_token="xoxb-wrong"))
    checks = examine(replace(world, settings=broken))
    assert [check.sentence for check in checks if check.name == "Slack bot token"] == ["Slack refuses it: invalid_auth"]


def test_missing_scopes_are_named() -> None:
    """What must be granted is said."""
    assert check_scopes("commands,chat:write").sentence.startswith("the bot token lacks im:write, usergroups:read")


@pytest.mark.parametrize(("apart", "severity"), [(5, "ok"), (60, "warning"), (3600, "error")])
def test_a_clock_that_is_wrong_is_seen(apart: int, severity: str) -> None:
    """Either way, by Slack's own Date header."""
    now = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    told = (now - timedelta(seconds=apart)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert check_clock(told, now).severity == severity


def test_a_cluster_without_approvers_is_an_error(world: World) -> None:
    """Nobody may approve then."""
    cluster = replace(world.settings.clusters["cluster-x"], policy=Policy(frozenset(), frozenset()))
    assert check_people(cluster).severity == "error"


def test_fewer_approvers_than_an_approval_takes_is_an_error(world: World) -> None:
    """No gate would ever open."""
    policy = Policy(frozenset(), frozenset({"U0BEN00002"}), approvals_needed=2)
    cluster = replace(world.settings.clusters["cluster-x"], policy=policy)
    assert check_people(cluster).severity == "error"


def test_a_group_of_approvers_is_not_counted(world: World) -> None:
    """Who is in it is asked at each decision."""
    policy = Policy(frozenset(), frozenset({"S0APPROVE1"}), approvals_needed=2)
    cluster = replace(world.settings.clusters["cluster-x"], policy=policy)
    assert check_people(cluster).sentence.startswith("the members of S0APPROVE1 may approve")


def test_the_scopes_are_those_of_the_manifest(project_root: Path) -> None:
    """One list in two places."""
    import yaml

    from bot.app.slack_checks import SCOPES

    manifest = yaml.safe_load((project_root / "manifests" / "slack-app.yaml").read_text())
    assert set(SCOPES) == set(manifest["oauth_config"]["scopes"]["bot"])
