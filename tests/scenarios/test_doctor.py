"""`asm-upgrade doctor` against the sandbox's own parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.checks.doctor import Doctor
from bot.app.checks.people import check_approvers
from bot.app.checks.slack import SCOPES, check_clock, check_scopes, check_secret, judge_connections
from bot.app.known_releases import read_releases
from bot.app.wiring import build_outside, build_ports_for
from bot.engine.plans import Ports
from bot.settings.environment import Settings
from bot.settings.policy import Policy
from steps.contract.checks import Check
from steps.mesh import ClusterAddress
from tests.scenarios.rig import World, open_world

# After which Slack has forgotten what it was asked before.
LATER_SECONDS = 3600.0


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all: a doctor changes nothing in it."""
    with open_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(opened: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give it to the next doctor."""
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    monkeypatch.setenv(name, opened.variables[name])
    opened.clock.advance(LATER_SECONDS)
    return opened


def examine(world: World, given: Settings | None = None, *, post: bool = False) -> list[Check]:
    """All lines for the world's cluster."""
    settings = given or world.settings
    os.environ["PATH"] = world.path
    ports_for = build_ports_for(settings, build_outside(settings))
    doctor = Doctor(settings, read_releases(settings.releases), ports_for, world.path, post)
    return list(doctor.examine("cluster-x"))


def find(checks: list[Check], name: str) -> list[Check]:
    """Those whose name begins so."""
    return [check for check in checks if check.name.startswith(name)]


def test_a_healthy_sandbox_has_no_error(world: World) -> None:
    """Rights that the access phase will ask for are a warning, not an error."""
    assert [check for check in examine(world) if check.severity == "error"] == []


def test_every_part_is_looked_at(world: World) -> None:
    """Each token by its own name, blocks, channel, people, journal, disk, programs, release, cluster."""
    names = {check.name.removeprefix("cluster-x: ") for check in examine(world)}
    assert {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "Slack scopes", "clock", "blocks", "people", "approvers"} <= names
    assert {
        "journal",
        "state folder",
        "writing",
        "disk",
        "kubectl",
        "reach",
        "rights",
        "installed version",
        "way back",
    } <= names
    assert {name.split()[0] for name in names} >= {"channel", "release"}


def test_a_test_message_is_posted_and_deleted(world: World) -> None:
    """With `--post` alone; nobody is left with it."""
    before = world.messages()
    assert find(examine(world), "channel")[0].sentence.startswith("it can be read; `--post` tries")
    assert find(examine(world, post=True), "channel")[0].sentence.startswith("it can be read and posted to")
    assert world.messages() == before


@pytest.mark.parametrize(
    ("name", "token", "told"),
    [
        ("bot_token", "xoxb-wrong", "SLACK_BOT_TOKEN: Slack refuses it: invalid_auth"),
        ("bot_token", "xapp-1-A0-1-x", "SLACK_BOT_TOKEN: it is an app-level token, not a bot token"),
        ("bot_token", "xoxp-user", "SLACK_BOT_TOKEN: it is a user's token, not a bot token"),
        ("bot_token", "nonsense\n", "SLACK_BOT_TOKEN: it is nothing that Slack gives out, not a bot token"),
        ("app_token", "xapp-wrong", "SLACK_APP_TOKEN: Slack refuses it: invalid_auth"),
        ("app_token", "xoxb-swapped", "SLACK_APP_TOKEN: it is a bot token, not an app-level token"),
    ],
)
def test_a_wrong_token_is_an_error_by_its_own_name(world: World, name: str, token: str, told: str) -> None:
    """Slack's own code is named, or what was mixed up."""
    slack = world.settings.slack
    slack = replace(slack, bot_token=token) if name == "bot_token" else replace(slack, app_token=token)
    checks = examine(world, replace(world.settings, slack=slack))
    errors = [f"{check.name}: {check.sentence}" for check in checks if check.severity == "error"]
    assert errors == [told]


def test_people_and_channels_that_slack_does_not_know_are_errors(world: World) -> None:
    """With the field of clusters.toml that names them."""
    cluster = world.settings.clusters["cluster-x"]
    policy = Policy(frozenset({"U0NOBODY01"}), frozenset({"U0BEN00002", "S0NOBODY01"}))
    changed = replace(cluster, channel="C0NOWHERE1", policy=policy)
    checks = examine(world, replace(world.settings, clusters={"cluster-x": changed}))
    errors = [f"{check.name}: {check.sentence}" for check in checks if check.severity == "error"]
    assert errors == [
        "channel C0NOWHERE1: it can't be read: channel_not_found",
        "cluster-x: people S0NOBODY01: Slack does not say who is in this group: no_such_subteam (in approvers)",
    ]
    (warning,) = find(checks, "cluster-x: people U0NOBODY01")
    assert warning.sentence == "Slack does not say who this is: user_not_found (in requesters)"


def test_a_fault_of_one_part_is_a_line_and_the_others_go_on(world: World) -> None:
    """Whatever it is."""

    def break_off(_address: ClusterAddress) -> Ports:
        raise KeyError("what nobody thought of")

    doctor = Doctor(world.settings, read_releases(world.settings.releases), break_off, world.path)
    checks = list(doctor.examine("cluster-x"))
    (broken,) = find(checks, "cluster-x: cluster")
    assert (broken.severity, "KeyError" in broken.sentence, bool(find(checks, "disk"))) == ("error", True, True)


def test_other_connections_of_the_app_token_are_counted(world: World) -> None:
    """By Slack's own first word on a connection."""
    said = [check for check in examine(world) if check.name == "SLACK_APP_TOKEN"]
    assert [(check.severity, check.sentence) for check in said] == [
        ("ok", "Socket Mode can be opened; Slack counts 0 other connections")
    ]


@pytest.mark.parametrize(("others", "severity"), [(None, "ok"), (0, "ok"), (2, "ok"), (3, "warning"), (4, "warning")])
def test_more_connections_than_one_bot_has_are_a_warning(others: int | None, severity: str) -> None:
    """Slack hands each click to one of them."""
    assert judge_connections("SLACK_APP_TOKEN", others).severity == severity


def test_missing_scopes_are_named() -> None:
    """What must be granted is said."""
    assert check_scopes("commands,chat:write").sentence.startswith("the bot token lacks app_mentions:read, im:write")


def test_an_app_that_hears_no_mentions_can_upgrade() -> None:
    """Installed before they were understood: a warning."""
    assert check_scopes(",".join(set(SCOPES) - {"app_mentions:read"})).severity == "warning"


@pytest.mark.parametrize(("apart", "severity"), [(5, "ok"), (60, "warning"), (3600, "error")])
def test_a_clock_that_is_wrong_is_seen(apart: int, severity: str) -> None:
    """Either way, by Slack's own Date header."""
    now = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    told = (now - timedelta(seconds=apart)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert check_clock(told, now).severity == severity


ANA, BEN, CAI = "U0ANA00001", "U0BEN00002", "U0CAI00003"


@pytest.mark.parametrize(
    ("approvers", "requesters", "needed", "severity"),
    [
        ({BEN, CAI}, {ANA}, 1, "ok"),
        ({BEN, CAI}, {ANA}, 2, "ok"),
        (set(), {ANA}, 1, "error"),
        ({BEN}, {ANA}, 2, "error"),
        ({ANA}, {ANA}, 1, "warning"),
        ({ANA, BEN}, {ANA}, 2, "warning"),
        ({BEN}, set(), 1, "ok"),
    ],
)
def test_approvers_are_counted_against_what_an_approval_takes(
    approvers: set[str], requesters: set[str], needed: int, severity: str
) -> None:
    """No gate would ever open with fewer; the requester does not count on a production cluster."""
    policy = Policy(frozenset(requesters), frozenset(approvers), approvals_needed=needed)
    assert check_approvers(policy, policy.approvers, policy.requesters).severity == severity


@pytest.mark.parametrize(
    ("secret", "severity"), [("0123456789abcdef" * 2, "ok"), ("xoxb-1", "warning"), ("", "warning")]
)
def test_a_signing_secret_is_judged_by_its_form(secret: str, severity: str) -> None:
    """Nothing but a request of Slack's proves it, and that is said."""
    assert check_secret(secret).severity == severity


def test_the_scopes_are_those_of_the_manifest(project_root: Path) -> None:
    """One list in two places."""
    import yaml

    manifest = yaml.safe_load((project_root / "manifests" / "slack-app.yaml").read_text())
    assert set(SCOPES) == set(manifest["oauth_config"]["scopes"]["bot"])
