"""What must be right before an upgrade: one check a line. The cluster's lines are the preflight of prepare."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from bot.engine.runner import Ports
from bot.journal.store import StoreBroken, StoredCopy
from bot.settings.clusters import Cluster
from bot.settings.environment import Settings
from bot.settings.policy import is_group
from bot.slack.api.clients import build_posting_client
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.errors import GiveUp, StepError
from steps.contract.release import Release
from steps.mesh import ClusterAddress
from steps.phases.access import find_missing_rights
from steps.phases.download import choose_platform
from steps.preflight.eligibility import judge_survey
from steps.preflight.machine import check_disk, check_kubectl
from steps.preflight.rights import describe_rights
from steps.preflight.survey import take_survey

# Why each is needed stands beside it in manifests/slack-app.yaml.
SCOPES = (
    "commands",
    "chat:write",
    "im:write",
    "usergroups:read",
    "users:read",
    "files:read",
    "files:write",
    "channels:history",
    "groups:history",
    "im:history",
)
SKEW_WARNING_SECONDS = 30
SKEW_ERROR_SECONDS = 240
TOOL_SECONDS = 10


@dataclass(frozen=True)
class Doctor:
    """Runs the checks; nothing is changed anywhere."""

    settings: Settings
    releases: Mapping[str, Release]
    ports_for: Callable[[ClusterAddress], Ports]
    path: str

    def examine(self, cluster: str = "") -> Iterator[Check]:
        """All checks of the bot, then those of one cluster or of all."""
        yield from check_slack(self.settings)
        yield check_database(self.settings.state)
        yield check_disk(measure_room(self.settings.state))
        for release in {c.release for c in self.settings.clusters.values()}:
            yield check_tools(self.releases[release], self.path)
        for found in self.settings.clusters.values():
            if cluster in ("", found.key):
                yield from self._examine_cluster(found)

    def _examine_cluster(self, cluster: Cluster) -> Iterator[Check]:
        release = self.releases[cluster.release]
        try:
            ports = self.ports_for(cluster.address)
            checks = list(self._survey(cluster, ports, release))
        except StepError as error:
            remedy = error.remedy if isinstance(error, GiveUp) else "Run doctor again."
            checks = [failed("cluster", str(error), remedy)]
        yield from (Check(f"{cluster.key}: {c.name}", c.severity, c.sentence, c.remedy) for c in checks)

    def _survey(self, cluster: Cluster, ports: Ports, release: Release) -> Iterator[Check]:
        identity = ports.gke.describe_cluster(cluster.address)
        yield passed("reach", f"{identity.name} in {identity.location} answers by its {identity.endpoint} endpoint")
        yield check_people(cluster)
        missing = find_missing_rights(ports.kubernetes)
        if missing:
            yield warned(
                "rights", f"the bot may not yet: {describe_rights(missing)}", "The access phase asks to grant them."
            )
        else:
            yield passed("rights", "the bot may do everything that an upgrade does")
        yield from judge_survey(take_survey(ports.gke, ports.kubernetes, cluster.address, release, identity), release)


def check_people(cluster: Cluster) -> Check:
    """Whether anybody may approve, and somebody other than the requester."""
    approvers = cluster.policy.approvers
    if not approvers:
        return failed("approvers", "nobody may approve", "Set `approvers` for it in clusters.toml.")
    groups = sorted(name for name in approvers if is_group(name))
    if groups:
        return passed("approvers", f"the members of {', '.join(groups)} may approve, as Slack tells at each decision")
    if len(approvers) < cluster.policy.approvals_needed:
        return failed(
            "approvers",
            f"each approval takes {cluster.policy.approvals_needed} people, and {len(approvers)} may approve",
            "Add approvers in clusters.toml, or lower `approvals_needed`.",
        )
    if cluster.policy.four_eyes and len(approvers) == 1 and approvers <= cluster.policy.requesters:
        return warned(
            "approvers",
            "the only approver is a requester too, and may not approve what they started",
            "Add a second approver in clusters.toml.",
        )
    return passed("approvers", f"{len(approvers)} people may approve")


def check_slack(settings: Settings) -> Iterator[Check]:
    """Tokens, scopes and the clock, which is compared with Slack's."""
    from slack_sdk.errors import SlackApiError

    client = build_posting_client(settings.slack.bot_token, settings.slack.api_url)
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        code = str(error.response.get("error", error))
        yield failed("Slack bot token", f"Slack refuses it: {code}", "Set SLACK_BOT_TOKEN to the app's xoxb- token.")
        return
    except OSError as error:
        yield failed("Slack", f"Slack can't be reached: {error}", "Check the network and SLACK_API_URL.")
        return
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    yield passed("Slack bot token", f"{answer.get('user')} in {answer.get('team')}")
    yield check_scopes(headers.get("x-oauth-scopes", ""))
    yield check_clock(headers.get("date", ""), datetime.now(UTC))
    if settings.slack.mode == "socket":
        yield _check_app_token(client, settings.slack.app_token)


def _check_app_token(client: Any, token: str) -> Check:
    from slack_sdk.errors import SlackApiError

    try:
        client.apps_connections_open(app_token=token)
    except (SlackApiError, OSError) as error:
        return failed(
            "Slack app token",
            f"Socket Mode can't be opened: {error}",
            "Set SLACK_APP_TOKEN to an app-level token with connections:write.",
        )
    return passed("Slack app token", "Socket Mode can be opened")


def check_scopes(granted: str) -> Check:
    """The scopes of the bot token, as Slack's header x-oauth-scopes lists them."""
    names = {name.strip() for name in granted.split(",") if name.strip()}
    if not names:
        return warned("Slack scopes", "Slack did not tell the token's scopes")
    missing = [scope for scope in SCOPES if scope not in names]
    if missing:
        remedy = "Install the app again from manifests/slack-app.yaml."
        return failed("Slack scopes", f"the bot token lacks {', '.join(missing)}", remedy)
    return passed("Slack scopes", f"all {len(SCOPES)} are granted")


def check_clock(told: str, now: datetime) -> Check:
    """This machine's clock against an HTTP Date header."""
    try:
        there = parsedate_to_datetime(told)
    except ValueError:
        return warned("clock", "Slack told no time to compare with")
    skew = abs((now - there).total_seconds())
    sentence = f"{skew:.0f} s apart from Slack's"
    remedy = "Set the clock (NTP): signatures, tokens and approvals' expiry depend on it."
    if skew > SKEW_ERROR_SECONDS:
        return failed("clock", sentence, remedy)
    return warned("clock", sentence, remedy) if skew > SKEW_WARNING_SECONDS else passed("clock", sentence)


def check_database(state: Path) -> Check:
    """Whether the journal can be read and is whole."""
    path = state / "asm-upgrade.db"
    if not path.exists():
        return passed("journal", f"none yet; it will be made at {path}")
    try:
        stored = StoredCopy(path)
        told = stored.read("pragma quick_check")
        stored.close()
    except (StoreBroken, OSError, sqlite3.OperationalError) as error:
        return failed("journal", f"{path} can't be read: {error}", "Check the file's owner and the volume.")
    except sqlite3.DatabaseError as error:
        told = [{"quick_check": error}]
    answer = str(next(iter(told[0].values())))
    if answer != "ok":
        return failed("journal", f"{path} is damaged: {answer}", "Stop the bot and restore the file from a backup.")
    return passed("journal", f"{path} is whole")


def measure_room(state: Path) -> int:
    """The bytes that are free where the state is kept, or will be."""
    place = next(folder for folder in (state, *state.absolute().parents) if folder.exists())
    return shutil.disk_usage(place).free


def check_tools(release: Release, path: str) -> Check:
    """The platform's archive, and the kubectl that istioctl will call."""
    try:
        choose_platform(sys.platform)
    except GiveUp as error:
        return failed("platform", error.why, error.remedy)
    kubectl = shutil.which("kubectl", path=path)
    return check_kubectl(_read_kubectl_version(kubectl) if kubectl else "", release)


def _read_kubectl_version(kubectl: str) -> str:
    command = [kubectl, "version", "--client", "-o", "json"]
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
        return str(json.loads(printed.stdout)["clientVersion"]["gitVersion"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return "unreadable"


def describe_check(check: Check) -> str:
    """One line: severity, name, sentence, remedy."""
    mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}[check.severity]
    return f"{mark}  {check.name}: {check.sentence}" + (f" -- {check.remedy}" if check.remedy else "")
