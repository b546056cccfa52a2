"""What an order is about: the cluster or the upgrade that a person named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from bot.clicks.orders import Order
from bot.discovery.found import NOT_CONFIGURED, Found
from bot.journal.journal import JournalView
from bot.journal.rows import UpgradeRow
from bot.likeness import suggest
from bot.people.rights import READING
from bot.settings.clusters import Cluster
from bot.telling.phrases import list_names
from bot.windows.appointments import clean_word
from steps.plan import reads_only

CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|([^<>]*))?>")


class Refusal(Exception):
    """The person can't have what was asked for; the text says why and what to do."""


class Targets:
    """Finds clusters, those `found` in GKE too, and upgrades. What nobody knows raises Refusal.

    `list_faults` tells why clusters.toml as it stands is not in force.
    """

    def __init__(
        self,
        journal: JournalView,
        clusters: Mapping[str, Cluster],
        found: Found,
        list_faults: Callable[[], tuple[str, ...]],
    ) -> None:
        self._journal = journal
        self._clusters = clusters
        self.found = found
        self._list_faults = list_faults

    def list_faults(self) -> tuple[str, ...]:
        """A sentence for each reason why what is known of the clusters isn't all, or not the newest."""
        return (*self._list_faults(), *self.found.list_faults())

    def look_up(self, key: str) -> Cluster | None:
        """The cluster under this key, None where nobody knows it."""
        return self._clusters.get(key) or self.found.find(key)

    def read_name(self, target: str) -> str:
        """What an order names. A channel stands for the cluster of its name, or for the only one that is told in it."""
        channel = CHANNEL.fullmatch(target)
        if not channel:
            return target
        name = (channel[2] or "").lower()
        told = [row.cluster for row in self._journal.list_open_upgrades() if row.channel == channel[1]]
        own = {*told, *(cluster.key for cluster in self._clusters.values() if cluster.channel == channel[1])}
        return name if self.look_up(name) or len(own) != 1 else own.pop()

    def list_clusters(self) -> list[Cluster]:
        """All clusters, those only found in GKE last."""
        return [*self._clusters.values(), *self.found.list_clusters()]

    def list_upgrades(self, target: str) -> list[UpgradeRow]:
        """The latest upgrades of a cluster, or of all; the one of this id."""
        if row := self._journal.find_upgrade(target) if target else None:
            return [row]
        if target:
            self.find_cluster(target)
        return self._journal.list_upgrades(target, 20)

    def find_cluster(self, key: str) -> Cluster:
        """The cluster under this key."""
        if not key:
            raise Refusal(f"Which cluster? Known ones: {list_names(self._clusters)}.")
        cluster = self.look_up(key)
        if cluster is None:
            also = [found.key for found in self.found.list_clusters()]
            raise Refusal(" ".join([describe_unknown_cluster(key, self._clusters, also), *self._tell_found()]))
        return cluster

    def find_upgrade(self, order: Order) -> tuple[UpgradeRow, Cluster]:
        """The upgrade that an order names by its id, or the open one of the cluster that it names."""
        by_id = self._journal.find_upgrade(order.target) if order.target else None
        if by_id:
            return by_id, self.find_cluster_of(by_id)
        cluster = (
            self._find_only() if not order.target and len(self._clusters) == 1 else self.find_cluster(order.target)
        )
        row = self._journal.find_open_upgrade(cluster.key)
        if row:
            return row, self.find_cluster_of(row)
        if cluster.found and order.action not in READING:
            raise Refusal(f"{cluster.key} {NOT_CONFIGURED} it. `/asm-upgrade start {cluster.key}` proposes.")
        raise Refusal(
            f"No upgrade of {cluster.key} is under way. `/asm-upgrade start {cluster.key}` starts one, "
            f"`/asm-upgrade history {cluster.key}` lists the ended ones."
        )

    def find_latest(self, target: str) -> UpgradeRow:
        """The upgrade of this id, or the latest of the cluster of this key."""
        found = self.list_upgrades(target)
        if not found:
            raise Refusal(f"{target} was never upgraded by this bot.")
        return found[0]

    def guess(self, target: str) -> tuple[UpgradeRow | None, Cluster | None]:
        """The upgrade with this id and its cluster, or the cluster of this key; nobody is asked."""
        row = self._journal.find_upgrade(target) if target else None
        only = self._find_only().key if not target and len(self._clusters) == 1 else ""
        return row, self.look_up(row.cluster if row else target or only)

    def _find_only(self) -> Cluster:
        return next(iter(self._clusters.values()))

    def find_cluster_of(self, row: UpgradeRow) -> Cluster:
        """The cluster of an upgrade. One that clusters.toml has lost counts only where nothing can be changed."""
        if row.cluster not in self._clusters and not reads_only(row.plan):
            known = list_names(self._clusters)
            raise Refusal(f"There is no cluster `{row.cluster}` in clusters.toml any more. Known ones: {known}.")
        return self.find_cluster(row.cluster)

    def _tell_found(self) -> list[str]:
        names = list_names(cluster.key for cluster in self.found.list_clusters())
        found = [] if names == "none" else [f"Found in GKE and not in clusters.toml: {names}."]
        return [*found, *(f"{fault}." for fault in self.found.list_faults())]


def describe_unknown_cluster(key: str, clusters: Iterable[str], also: Iterable[str] = ()) -> str:
    """That clusters.toml has no such cluster, which one may have been meant, and which there are."""
    known = list(clusters)
    meant = suggest(key, [*known, *also])
    return f"There is no cluster `{clean_word(key)}` in clusters.toml.{meant} Known ones: {list_names(known)}."
