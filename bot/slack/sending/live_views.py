"""Upgrades as the thread shows them: which approvals ask once more follows what clusters.toml says now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from bot.orders.judging import list_buttons
from bot.settings.clusters import Cluster
from bot.telling.chronicle import Chronicle
from bot.telling.views import UpgradeView, Views
from steps.contract.notes import Note, read_as

# Whether root and card were drawn as of a cluster in production, where that changed since the start.
SHOWN = Note("shown/production", read_as(bool))


class LiveViews:
    """Reads them for the sender. A cluster that clusters.toml has lost keeps what its upgrade was started with."""

    def __init__(self, journal: Journal, views: Views, clusters: Mapping[str, Cluster], chronicle: Chronicle) -> None:
        self._journal = journal
        self._views = views
        self._clusters = clusters
        self._chronicle = chronicle
        self._shown: dict[str, bool] = {}

    def read_view(self, upgrade: str) -> UpgradeView:
        """The upgrade with the buttons that a decision would be judged by; KeyError where there is none."""
        view = self._views.read_view(upgrade)
        if view.ended_at is not None:
            return view
        live = replace(view, production=self._is_production(view.cluster, view.production))
        question = self._journal.find_open_question(upgrade)
        if live.question is None or question is None:
            return live
        return replace(live, question=replace(live.question, choices=list_buttons(question, live.production)))

    def tick(self) -> None:
        """Have root and card drawn again where the cluster became one in production, or is none any more."""
        rows = self._journal.list_open_upgrades()
        for row in rows:
            production = self._is_production(row.cluster, row.options.production)
            if self._find_shown(row) != production:
                with self._journal.transact():
                    self._chronicle.redraw(row)
                    self._journal.revise_json(row.id, SHOWN.key, production)
            self._shown[row.id] = production
        self._shown = {row.id: self._shown[row.id] for row in rows}

    def _find_shown(self, row: UpgradeRow) -> bool:
        """What root and card say: the bot before this one may have drawn them by other settings than the start's."""
        if row.id in self._shown:
            return self._shown[row.id]
        drawn = self._journal.recall(row.id, SHOWN)
        return row.options.production if drawn is None else drawn

    def _is_production(self, cluster: str, otherwise: bool) -> bool:
        known = self._clusters.get(cluster)
        return known.policy.production if known else otherwise
