"""One cluster as one person sees it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.journal.records import Action
from bot.people.rights import refuse_person
from bot.settings.clusters import Cluster
from bot.telling.phrases import list_names, mention
from bot.telling.reports import describe_link, describe_status, describe_troubles
from bot.telling.views import UpgradeView
from steps.mesh import ClusterAddress
from steps.notes.prepare import SeenMesh


@dataclass(frozen=True)
class ClusterView:
    """One cluster for one person: of clusters.toml, or only `found` in GKE.

    `upgrade` is the open one, `last` the latest that ended. `version` is the one last seen, "" before any upgrade; so
    is `mtls`. `may_start` and `allowed` are what this person may do now. `thread` is channel and ts of the open one,
    `asked` who has to decide its question and has not yet.
    """

    key: str
    place: str
    channel: str
    release: str
    production: bool
    version: str
    mtls: str
    testing_workloads: bool
    upgrade: UpgradeView | None
    last: UpgradeView | None
    may_start: bool
    allowed: tuple[Action, ...]
    thread: tuple[str, str] = ("", "")
    found: bool = False
    asked: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether the open upgrade waits for a decision that this person may take."""
        return "approve" in self.allowed


def describe_fleet(clusters: Sequence[ClusterView], troubles: Sequence[str] = ()) -> str:
    """The board in words: each cluster with its version, state, phase and who is asked; plain text."""
    running = [cluster.upgrade for cluster in clusters if cluster.upgrade]
    none = "No upgrade is under way. `/asm-upgrade start CLUSTER` starts one."
    lines = [describe_status(running, [])] if running else [none]
    lines += [f"Asked on {one.key}: {list_names(map(mention, one.asked))}" for one in clusters if one.asked]
    lines += [_describe_idle(cluster) for cluster in clusters if cluster.upgrade is None]
    return "\n".join([*lines, *describe_troubles(troubles)])


def _describe_idle(cluster: ClusterView) -> str:
    version = cluster.version or "version not read yet"
    if cluster.last and cluster.last.ended_at:
        link = describe_link(cluster.last)
        since = f"{cluster.last.id} {cluster.last.state} {cluster.last.ended_at:%Y-%m-%d %H:%M} UTC{link}"
    else:
        since = "never proposed" if cluster.found else "never upgraded by this bot"
    where = ", found in GKE and not in clusters.toml" if cluster.found else ""
    return f"*{cluster.key}*: {version}, {since}{where}"


def write_place(address: ClusterAddress) -> str:
    """Where the cluster is, in one word."""
    if address.kubeconfig:
        return f"{address.kubeconfig} {address.context}".strip()
    return f"{address.project}/{address.location}/{address.name}"


def read_mesh_version(upgrade: UpgradeView | None, last: UpgradeView | None, seen: SeenMesh | None = None) -> str:
    """What the mesh was last seen on, sidecars included; of upgrades by earlier versions of the bot, what they did."""
    if seen is not None:
        return str(seen)
    if upgrade and upgrade.source_version:
        return upgrade.source_version
    if last is None:
        return ""
    return last.release if last.state in ("upgraded", "returned") else last.source_version


def list_asked(cluster: Cluster, upgrade: UpgradeView, given: Sequence[str]) -> tuple[str, ...]:
    """Who may decide the open question and has not yet."""
    if upgrade.state != "asking" or upgrade.paused_by:
        return ()
    may = (
        user
        for user in sorted(cluster.policy.approvers)
        if not refuse_person(cluster.policy, "approve", user, upgrade.requester, approving=True)
    )
    return tuple(user for user in may if user not in given)


def list_allowed(cluster: Cluster, upgrade: UpgradeView, user: str, given: Sequence[str]) -> tuple[Action, ...]:
    """What this person may do with the upgrade as it stands."""
    return tuple(
        action
        for action in upgrade.legal
        if not (action == "approve" and user in given)
        and not refuse_person(cluster.policy, action, user, upgrade.requester, approving=action == "approve")
    )
