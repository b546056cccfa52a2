"""Clusters that GKE knows and clusters.toml doesn't: they can be proposed, not changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.discovery.search import GkeSearch
from bot.journal.journal import JournalView
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.settings.projects import DiscoverySettings, name_found, write_cluster_table
from steps.contract.options import UpgradeOptions
from steps.mesh import ClusterAddress
from steps.plan import reads_only

NOT_CONFIGURED = "was found in GKE and is not in clusters.toml, so it can be proposed and nobody can approve"


class Found:
    """Answers at once, from what a search found last. `expand` replaces the groups of a policy by their members."""

    def __init__(
        self,
        journal: JournalView,
        search: GkeSearch,
        settings: DiscoverySettings,
        clusters: Mapping[str, Cluster],
        expand: Callable[[Policy], Policy],
    ) -> None:
        self._journal = journal
        self._search = search
        self._settings = settings
        self._clusters = clusters
        self._expand = expand

    def find(self, key: str) -> Cluster | None:
        """The cluster under this key; one that was proposed before is known without a search."""
        if not key or key in self._clusters:
            return None
        address = self._list_addresses().get(key) or self._recall_address(key)
        return self._build(address) if address else None

    def list_clusters(self) -> tuple[Cluster, ...]:
        """Those found last, by key."""
        return tuple(self._build(address) for _, address in sorted(self._list_addresses().items()))

    def list_faults(self) -> tuple[str, ...]:
        """A sentence for each project that didn't tell all of its clusters."""
        return self._search.read().faults

    def is_fresh(self) -> bool:
        """Whether GKE was searched lately."""
        return self._search.is_fresh()

    def want(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a search soon; `then` is called afterwards, by the thread that searched."""
        self._search.want(then)

    def write_table(self, address: ClusterAddress, options: UpgradeOptions) -> tuple[str, ...]:
        """The lines that clusters.toml lacks."""
        return write_cluster_table(address, options, self._settings.given)

    def _list_addresses(self) -> dict[str, ClusterAddress]:
        return name_found(self._search.read().clusters, self._clusters)

    def _recall_address(self, key: str) -> ClusterAddress | None:
        rows = self._journal.list_upgrades(key, 1)
        return rows[0].address if rows and reads_only(rows[0].plan) else None

    def _build(self, address: ClusterAddress) -> Cluster:
        template = self._settings.template
        return replace(template, key=address.key, address=address, policy=self._expand(template.policy))
