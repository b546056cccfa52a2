"""What must be right before an upgrade: one check per line. The cluster's lines are the preflight of prepare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from bot.app.checks.machine import (
    check_database,
    check_disk_room,
    check_folder,
    check_messages,
    check_release,
    check_tools,
    check_way_back,
    check_writing,
)
from bot.app.checks.people import try_channel
from bot.app.checks.slack import SlackChecks
from bot.engine.plans import Ports
from bot.settings.clusters import Cluster
from bot.settings.environment import Settings
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.errors import GiveUp, StepError
from steps.contract.release import Release
from steps.mesh import ClusterAddress
from steps.phases.access import find_missing_rights
from steps.preflight.eligibility import find_early_refusal, find_source, judge_survey
from steps.preflight.rights import describe_rights
from steps.preflight.survey import take_survey


@dataclass(frozen=True)
class Doctor:
    """Runs the checks. Nothing is changed anywhere, but for a test message in each channel where `post` says so."""

    settings: Settings
    releases: Mapping[str, Release]
    ports_for: Callable[[ClusterAddress], Ports]
    path: str
    post: bool = False

    def examine(self, cluster: str = "") -> Iterator[Check]:
        """All checks of the bot, then those of one cluster or of all."""
        chosen = {key: found for key, found in self.settings.clusters.items() if cluster in ("", key)}
        yield from guard("Slack", self._examine_slack(chosen))
        yield from guard("machine", self._examine_machine())
        archives = {found.release: found.options.archive for found in chosen.values() if found.options.archive}
        for version in sorted({found.release for found in chosen.values()}):
            yield from guard(f"release {version}", self._examine_release(version, archives.get(version, "")))
        for found in chosen.values():
            yield from _name(found.key, guard("cluster", self._examine_cluster(found)))

    def _examine_slack(self, clusters: Mapping[str, Cluster]) -> Iterator[Check]:
        slack = SlackChecks(self.settings.slack)
        checks = list(slack.check_bot_token())
        yield from checks
        yield slack.check_entrance()
        if any(check.severity == "error" for check in checks):
            return
        yield slack.check_blocks(clusters, self.settings.state)
        for channel in sorted({found.channel for found in clusters.values()}):
            yield try_channel(slack.client, channel, post=self.post)
        people = slack.open_people()
        for found in clusters.values():
            yield from _name(found.key, people.check_people(found))

    def _examine_machine(self) -> Iterator[Check]:
        state = self.settings.state
        yield check_database(state)
        yield from check_messages(state)
        yield check_folder(state)
        yield check_writing(state)
        yield check_disk_room(state)

    def _examine_release(self, version: str, archive: str) -> Iterator[Check]:
        tools = check_tools(self.releases[version], self.path)
        yield tools
        if tools.name != "platform":
            yield check_release(self.releases[version], archive)

    def _examine_cluster(self, cluster: Cluster) -> Iterator[Check]:
        release = self.releases[cluster.release]
        try:
            yield from self._survey(cluster, self.ports_for(cluster.address), release)
        except StepError as error:
            remedy = error.remedy if isinstance(error, GiveUp) else "Run doctor again."
            yield failed("cluster", str(error), remedy)

    def _survey(self, cluster: Cluster, ports: Ports, release: Release) -> Iterator[Check]:
        identity = ports.gke.describe_cluster(cluster.address)
        yield passed("reach", f"{identity.name} in {identity.location} answers by its {identity.endpoint} endpoint")
        refused = find_early_refusal(identity, release)
        if refused is not None:
            yield refused
            return
        missing = find_missing_rights(ports.kubernetes)
        if missing:
            yield warned(
                "rights", f"the bot may not yet: {describe_rights(missing)}", "The access phase asks to grant them."
            )
        else:
            yield passed("rights", "the bot may do everything that an upgrade does")
        survey = take_survey(ports.gke, ports.kubernetes, cluster.address, release, identity)
        yield from judge_survey(survey, release, cluster.options)
        yield from check_way_back(self.releases, find_source(survey, release), release)


def guard(name: str, checks: Iterable[Check]) -> Iterator[Check]:
    """The checks of one part; where the part breaks off, that is a line too, and the others go on."""
    try:
        yield from checks
    except Exception as fault:
        yield failed(name, f"a fault of the bot itself: {type(fault).__name__}: {fault}", "Report it with this line.")


def _name(cluster: str, checks: Iterable[Check]) -> Iterator[Check]:
    return (replace(check, name=f"{cluster}: {check.name}") for check in checks)


def describe_check(check: Check) -> str:
    """One line: severity, name, sentence, remedy."""
    mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}[check.severity]
    return f"{mark}  {check.name}: {check.sentence}" + (f" -- {check.remedy}" if check.remedy else "")


def write_checks(checks: Iterable[Check]) -> str:
    """All checks as one line of JSON, for other programs."""
    listed = list(checks)
    fine = all(check.severity != "error" for check in listed)
    return json.dumps({"ok": fine, "checks": [asdict(check) for check in listed]}, ensure_ascii=False)
