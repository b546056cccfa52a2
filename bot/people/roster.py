"""Who a person is and which groups they are in: read when something is decided, and never trusted for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from bot.clicks.clicks import Click
from bot.clock import Clock
from bot.incidents import note_incident
from bot.people.rights import READING, refuse_person
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy, is_group

# An answer counts for this long; it is asked for anew well before, so that none runs out in the middle of a decision.
LONGEST = timedelta(seconds=60)
RENEWED = timedelta(seconds=30)
# What Slack did not answer is not asked again at once.
FAULT_KEPT = timedelta(seconds=5)
# Slack answers 20 such questions a minute: enough for a dozen groups.
WARMED = timedelta(seconds=45)

T = TypeVar("T")


class DirectoryFault(Exception):
    """Slack did not answer; the text says why. It gives nobody a right."""


@dataclass(frozen=True)
class SlackUser:
    """Somebody as Slack knows them; `teams` are the workspaces that they belong to.

    An outsider is somebody whom Slack marks as a stranger in a shared channel. `zone` is the time zone in which they
    read times, "" where it is not known.
    """

    id: str
    teams: frozenset[str]
    is_outsider: bool = False
    is_bot: bool = False
    is_guest: bool = False
    deleted: bool = False
    zone: str = ""


class Directory(Protocol):
    """Slack's people. Each call may raise DirectoryFault."""

    def read_workspace(self) -> str:
        """The id of the workspace that the bot is installed in."""
        ...

    def read_person(self, user: str) -> SlackUser:
        """Who this is."""
        ...

    def list_members(self, group: str) -> frozenset[str]:
        """The user ids of a user group."""
        ...


@dataclass(frozen=True)
class _Found(Generic[T]):
    at: datetime
    value: T | None
    fault: str = ""


class Roster:
    """People over a directory. An answer counts for 60 s at most, and no answer means no.

    `others` are policies besides those of the clusters.
    """

    def __init__(
        self, directory: Directory, clock: Clock, clusters: Mapping[str, Cluster], others: Sequence[Policy] = ()
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._clusters = clusters
        self._others = tuple(others)
        self._lock = threading.Lock()
        self._groups: dict[str, _Found[frozenset[str]]] = {}
        self._persons: dict[str, _Found[SlackUser]] = {}

    def admit(self, click: Click, cluster: Cluster | None) -> str:
        """Refuse bots, guests, deleted people and outsiders; read the groups that the decision will need."""
        if click.order.action in READING:
            return ""
        self._read_groups(RENEWED)
        person, fault = self._read_person(click.user)
        if person is None:
            return f"Slack did not say who you are ({fault}), so nothing was done. Try again in a moment."
        return refuse_account(person) or self._refuse_outsider(person, click, cluster)

    def read_accounts(self, users: Iterable[str]) -> None:
        """Read the accounts whose earlier approvals count in what is decided next. Asks Slack: not in a transaction."""
        for user in users:
            _ask(self._persons, user, self._directory.read_person, self._clock.now, RENEWED)

    def read_zone(self, user: str) -> str:
        """The time zone that somebody reads times in, "" where Slack does not say. May ask Slack."""
        person, _ = self._read_person(user)
        return person.zone if person else ""

    def recall_account(self, user: str) -> str | None:
        """Why this account may do nothing, "" where it is a member's, None where nobody asked or Slack did not say."""
        found = self._persons.get(user)
        if found is None or found.value is None or abs(self._clock.now() - found.at) >= LONGEST:
            return None
        return refuse_account(found.value)

    def turn(self) -> float:
        """Keep the groups read, so that cards mention the right people; seconds until the next look."""
        try:
            self._read_groups(RENEWED)
        except Exception as fault:
            note_incident("groups_not_read", fault)
        return WARMED.total_seconds()

    def _read_groups(self, longest: timedelta) -> None:
        policies = (*(cluster.policy for cluster in self._clusters.values()), *self._others)
        names = {name for policy in policies for name in policy.everybody}
        for group in sorted(name for name in names if is_group(name)):
            _ask(self._groups, group, self._directory.list_members, self._clock.now, longest)

    def _read_person(self, user: str) -> tuple[SlackUser | None, str]:
        found = _ask(self._persons, user, self._directory.read_person, self._clock.now, LONGEST)
        with self._lock:
            for key in [key for key, kept in self._persons.items() if abs(found.at - kept.at) >= LONGEST]:
                del self._persons[key]
        return found.value, found.fault

    def _refuse_outsider(self, person: SlackUser, click: Click, cluster: Cluster | None) -> str:
        allowed = cluster.policy.workspaces if cluster else frozenset[str]()
        try:
            home = self._directory.read_workspace()
        except DirectoryFault as fault:
            return f"Slack did not say which workspace this is ({fault}), so nothing was done. Try again in a moment."
        accepted = allowed if person.is_outsider else allowed | {home}
        if person.teams & accepted and (not click.team or click.team in accepted | person.teams):
            return ""
        return "You belong to another workspace, and this bot takes orders from people of its own only."

    def expand_policy(self, policy: Policy) -> Policy:
        """The policy with each group replaced by its members; one that was not read within a minute has none."""
        if not any(map(is_group, policy.everybody)):
            return policy
        faults: dict[str, str] = {}

        def expand(names: frozenset[str]) -> frozenset[str]:
            users = {name for name in names if not is_group(name)}
            for group in names - users:
                found = self._groups.get(group)
                if found is None or abs(self._clock.now() - found.at) >= LONGEST:
                    faults[group] = "not read lately"
                elif found.value is None:
                    faults[group] = found.fault
                else:
                    users |= found.value
            return frozenset(users)

        expanded = replace(
            policy,
            requesters=expand(policy.requesters),
            approvers=expand(policy.approvers),
            break_glass=expand(policy.break_glass),
        )
        return replace(expanded, trouble=_describe_faults(faults)) if faults else expanded


class PeopledClusters(Mapping[str, Cluster]):
    """The clusters with the policies of this moment."""

    def __init__(self, clusters: Mapping[str, Cluster], roster: Roster) -> None:
        self._clusters = clusters
        self._roster = roster

    def __getitem__(self, key: str) -> Cluster:
        return self._expand(self._clusters[key])

    def _expand(self, cluster: Cluster) -> Cluster:
        policy = self._roster.expand_policy(cluster.policy)
        return cluster if policy is cluster.policy else replace(cluster, policy=policy)

    def items(self) -> ItemsView[str, Cluster]:
        """A snapshot of all of them, whatever is read again meanwhile."""
        return {key: self._expand(cluster) for key, cluster in self._clusters.items()}.items()

    def values(self) -> ValuesView[Cluster]:
        """The same without their keys."""
        return {key: self._expand(cluster) for key, cluster in self._clusters.items()}.values()

    def list_approvers(self, cluster: str, requester: str) -> list[str]:
        """Whom the cards of a cluster mention: who may approve what this person asked for."""
        known = self._clusters.get(cluster)
        policy = self._expand(known).policy if known else None
        people = sorted(policy.approvers) if policy else []
        return [user for user in people if policy and not refuse_person(policy, "approve", user, requester, True)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clusters)

    def __len__(self) -> int:
        return len(self._clusters)


def refuse_account(person: SlackUser) -> str:
    """Why this kind of account may do nothing, "" where it is a member."""
    if person.deleted:
        return "This account is deactivated, so nothing was done."
    if person.is_bot:
        return "Bots can't give orders to this bot; a person has to."
    if person.is_guest:
        return "Guests can't give orders to this bot; ask a member of the workspace."
    return ""


def _ask(
    kept: dict[str, _Found[T]], key: str, ask: Callable[[str], T], now: Callable[[], datetime], longest: timedelta
) -> _Found[T]:
    """The kept answer while it is young enough, else a new one."""
    found = kept.get(key)
    if found is None or abs(now() - found.at) >= (FAULT_KEPT if found.value is None else longest):
        # Its age counts from before the call; one from the future of a clock that was set back is old as well.
        at = now()
        try:
            found = _Found(at, ask(key))
        except DirectoryFault as fault:
            found = _Found(at, None, str(fault))
        kept[key] = found
    return found


def _describe_faults(faults: Mapping[str, str]) -> str:
    groups = ", ".join(f"{group} ({why})" for group, why in sorted(faults.items()))
    return f"Slack did not say who is in {groups}, so nobody counts as a member; try again in a minute."
