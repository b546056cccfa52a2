"""What must be right before an upgrade: one check per line. The cluster's lines are the preflight of prepare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.app.machine_checks import check_database, check_folder, check_messages, check_room, check_tools
from bot.app.slack_checks import check_slack
from bot.engine.plans import Ports
from bot.settings.clusters import Cluster
from bot.settings.environment import Settings
from bot.settings.policy import is_group
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.errors import GiveUp, StepError
from steps.contract.release import Release
from steps.mesh import ClusterAddress
from steps.phases.access import find_missing_rights
from steps.preflight.eligibility import find_early_refusal, judge_survey
from steps.preflight.rights import describe_rights
from steps.preflight.survey import take_survey


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
        yield from check_messages(self.settings.state)
        yield check_folder(self.settings.state)
        yield check_room(self.settings.state)
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


def describe_check(check: Check) -> str:
    """One line: severity, name, sentence, remedy."""
    mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}[check.severity]
    return f"{mark}  {check.name}: {check.sentence}" + (f" -- {check.remedy}" if check.remedy else "")
