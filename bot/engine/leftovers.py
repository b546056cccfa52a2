"""Cluster-admin that an ended upgrade left bound: found by its mark, taken back, told, and on the record."""

from __future__ import annotations

import structlog

from bot.clock import Clock
from bot.journal.audit import Acted, Deed
from bot.journal.journal import Journal
from bot.journal.records import BOT
from bot.journal.rows import UpgradeRow
from bot.telling.chronicle import Chronicle
from steps.contract.ports import Kubernetes
from steps.mesh import Binding
from steps.phases.own_binding import GUIDE_BINDING, OWN_BINDING, may_take_back, take_back

log = structlog.get_logger(__name__)
# No step of a plan: the upgrade has ended.
STEP = "access/left-over"
DID = "take back"


class Leftovers:
    """Looks at one cluster at a time."""

    def __init__(self, journal: Journal, chronicle: Chronicle, clock: Clock) -> None:
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock

    def look(self, kubernetes: Kubernetes, latest: UpgradeRow) -> None:
        """Take back what ended upgrades of this journal left; what the journal lost stands with the `latest` one."""
        for name in (GUIDE_BINDING, OWN_BINDING):
            found = kubernetes.read_binding(name)
            if found is not None and self._is_left_over(found):
                self._clear(kubernetes, found, latest)

    def _is_left_over(self, found: Binding) -> bool:
        """Whether this journal's bot wrote it for an upgrade that has ended, or that a restored backup lacks."""
        if found.mark is None or found.mark.journal != self._journal.read_id():
            return False
        upgrade = self._journal.find_upgrade(found.mark.upgrade)
        return upgrade is None or upgrade.ended_at is not None

    def _clear(self, kubernetes: Kubernetes, found: Binding, latest: UpgradeRow) -> None:
        if not may_take_back(found):
            log.warning("binding_left_over", cluster=latest.cluster, binding=found.name, taken="left in place")
            return
        upgrade = self._journal.find_upgrade(found.mark.upgrade) if found.mark else None
        row = upgrade or latest
        # on the record before the call, as a bot that is killed in it would find nothing left to tell of
        self._record(row, found.name, "begun")
        try:
            taken = take_back(kubernetes, found)
        except Exception as fault:
            self._record(row, found.name, f"failed: {fault}")
            raise
        log.warning("binding_left_over", cluster=row.cluster, binding=found.name, taken=taken)
        whose = "this upgrade" if upgrade else f"{found.mark.upgrade if found.mark else 'an upgrade'}, lost since,"
        with self._journal.transact():
            self._record(row, found.name, taken)
            told = f"cluster-admin, which {whose} had left behind, is taken back: {taken}"
            self._chronicle.tell(row, told, self._clock.now())

    def _record(self, row: UpgradeRow, name: str, result: str) -> None:
        """In the audit, and in the journal's own chain where that had the upgrade's end already."""
        now = self._clock.now()
        with self._journal.transact():
            self._journal.append(row.id, BOT, Acted(STEP, (Deed(DID, name, result),)), now)
            if row.ended_at is not None:
                self._journal.close_chain(row.id, now)
