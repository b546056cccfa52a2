"""What the doctor asks of Slack about a cluster: its channel, and each person and group of clusters.toml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from bot.people.roster import Directory, DirectoryFault, refuse_account
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy, is_group
from bot.slack.api.answers import REMEDIES, Answered, Refused, SlackAnswer, TooFast, Unclear, call_slack
from steps.contract.checks import Check, failed, passed, warned
from steps.contract.wording import describe_seconds

if TYPE_CHECKING:
    from slack_sdk import WebClient

TEST_TEXT = "A test message of `asm-upgrade doctor --post`; it is deleted at once."
CORRECT = "Correct the id in clusters.toml; Slack shows it in the profile, or in the group's details."


@dataclass
class PeopleChecks:
    """Asks about each person and group once, however many clusters name them."""

    directory: Directory
    _accounts: dict[str, str] = field(default_factory=dict)
    _members: dict[str, frozenset[str] | DirectoryFault] = field(default_factory=dict)

    def check_people(self, cluster: Cluster) -> Iterator[Check]:
        """Everybody that clusters.toml names for a cluster, and whether enough of them may approve."""
        policy = cluster.policy
        faults = {name: fault for name in sorted(policy.everybody) if (fault := self._find_fault(name))}
        for name, fault in faults.items():
            where = ", ".join(_list_places(policy, name))
            yield (failed if where == "approvers" else warned)(f"people {name}", f"{fault} (in {where})", CORRECT)
        if policy.everybody and not faults:
            yield passed("people", f"Slack knows all {len(policy.everybody)} people and groups")
        yield check_approvers(policy, self._expand(policy.approvers), self._expand(policy.requesters))

    def _expand(self, names: frozenset[str]) -> frozenset[str]:
        """Those of the names, and of the members of the groups, whose accounts may give orders."""
        groups = [members for name in names if isinstance(members := self._members.get(name), frozenset)]
        users = {name for name in names if not is_group(name)}.union(*groups)
        return frozenset(user for user in users if not self._refuse(user))

    def _find_fault(self, name: str) -> str:
        if not is_group(name):
            return self._refuse(name)
        members = self._read_members(name)
        if isinstance(members, DirectoryFault):
            return f"Slack does not say who is in this group: {members}"
        return "" if members else "nobody is in this group"

    def _read_members(self, group: str) -> frozenset[str] | DirectoryFault:
        if group not in self._members:
            try:
                self._members[group] = self.directory.list_members(group)
            except DirectoryFault as fault:
                self._members[group] = fault
        return self._members[group]

    def _refuse(self, user: str) -> str:
        if user not in self._accounts:
            try:
                self._accounts[user] = refuse_account(self.directory.read_person(user))
            except DirectoryFault as fault:
                self._accounts[user] = f"Slack does not say who this is: {fault}"
        return self._accounts[user]


def check_approvers(policy: Policy, approvers: frozenset[str], requesters: frozenset[str]) -> Check:
    """Whether enough people may approve; groups are given as their members, without accounts that may do nothing."""
    if not policy.approvers:
        return failed("approvers", "nobody may approve", "Set `approvers` for it in clusters.toml.")
    if len(approvers) < policy.approvals_needed:
        return failed(
            "approvers",
            f"each approval takes {policy.approvals_needed} people, and {len(approvers)} may approve",
            "Add approvers in clusters.toml, or lower `approvals_needed`.",
        )
    left = min(len(approvers - {user}) for user in requesters or {""})
    if policy.four_eyes and left < policy.approvals_needed:
        return warned(
            "approvers",
            f"an upgrade that an approver starts leaves {left} who may approve, and each approval takes "
            f"{policy.approvals_needed}",
            "Add an approver in clusters.toml.",
        )
    needed = f", each approval takes {policy.approvals_needed}" if policy.approvals_needed > 1 else ""
    return passed("approvers", f"{len(approvers)} people may approve{needed}")


def try_channel(client: WebClient, channel: str, *, post: bool) -> Check:
    """Whether a channel can be read; with `post` also whether the bot can write there, by a message that it deletes."""
    name = f"channel {channel}"
    answer = call_slack(lambda: client.conversations_history(channel=channel, limit=1))
    if not isinstance(answer, Answered):
        return _judge_channel(name, "read", answer)
    if not post:
        return passed(name, "it can be read; `--post` tries whether the bot can post there too")
    posted = call_slack(lambda: client.chat_postMessage(channel=channel, text=TEST_TEXT))
    if not isinstance(posted, Answered):
        return _judge_channel(name, "posted to", posted)
    ts = str(posted.fields.get("ts") or "")
    gone = call_slack(lambda: client.chat_delete(channel=channel, ts=ts))
    if not isinstance(gone, Answered):
        return warned(name, f"a test message was posted, and could not be deleted ({gone})", "Delete it by hand.")
    return passed(name, "it can be read and posted to: a test message was posted and deleted")


def _judge_channel(name: str, what: str, answer: SlackAnswer) -> Check:
    match answer:
        case Refused(code):
            remedy = REMEDIES.get(code, "invite the bot into the channel")
            return failed(name, f"it can't be {what}: {code}", f"{remedy[0].upper()}{remedy[1:]}.")
        case TooFast(seconds):
            return warned(name, f"Slack asks to wait {describe_seconds(seconds)}", "Run doctor again then.")
        case Unclear(why):
            return warned(name, f"Slack did not say whether it can be {what}: {why}", "Run doctor again.")
        case Answered():
            return passed(name, f"it can be {what}")
        case _:
            assert_never(answer)


def _list_places(policy: Policy, name: str) -> Iterator[str]:
    places = {"approvers": policy.approvers, "requesters": policy.requesters, "break_glass": policy.break_glass}
    return (place for place, names in places.items() if name in names)
