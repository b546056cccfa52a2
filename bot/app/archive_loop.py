"""Keeps the archives on disk within bounds: what an upgrade or a way back needs stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.gateways.releases.archive_cache import Removed
from bot.incidents import note_incident
from bot.journal.journal import JournalView
from bot.journal.store import StoreBroken
from steps.contract.ports import Tools
from steps.notes.download import PREVIOUS, SHA256, TOOLS

log = structlog.get_logger(__name__)
BETWEEN = timedelta(hours=1)
# Younger kubeconfigs may be on their way to a program of an upgrade that has just begun.
SECONDS_KEPT = 300.0


class Prunes(Protocol):
    """Removes archives from disk."""

    def prune(self, needed: Collection[str], limit: int) -> list[Removed]:
        """Remove what was used longest ago until the rest is within `limit` bytes. Raises OSError."""
        ...


class Archives:
    """Prunes the cache every hour. `limit` is in bytes."""

    def __init__(self, journal: JournalView, cache: Prunes, clock: Clock, limit: int) -> None:
        self._journal = journal
        self._cache = cache
        self._clock = clock
        self._limit = limit
        self._last: datetime | None = None

    def turn(self) -> None:
        """Prune where the last time is long enough ago; what was removed is logged."""
        now = self._clock.now()
        if self._last is not None and abs(now - self._last) < BETWEEN:
            return
        self._last = now
        try:
            removed = self._cache.prune(self.find_needed(), self._limit)
        except OSError as error:
            log.warning("archives_not_pruned", why=str(error))
            return
        except StoreBroken:
            raise
        except Exception as fault:
            note_incident("archives_not_pruned", fault)
            return
        for one in removed:
            log.info("archive_removed", name=one.name, megabytes=one.size // 1_000_000, days=int(one.age // 86400))

    def find_needed(self) -> set[str]:
        """The SHA-256 of what open upgrades use, and the last upgrade of each cluster for its way back."""
        upgrades = {row.cluster: row.id for row in reversed(self._journal.list_upgrades(limit=10_000))}
        wanted = {*upgrades.values(), *(row.id for row in self._journal.list_open_upgrades())}
        return {sha256 for upgrade in wanted for sha256 in self._list_used(upgrade)}

    def _list_used(self, upgrade: str) -> Iterator[str]:
        """The archives of an upgrade's target and of its previous release."""
        if sha256 := self._journal.recall(upgrade, SHA256):
            yield sha256
        for tools in (self._journal.recall(upgrade, TOOLS), self._journal.recall(upgrade, PREVIOUS)):
            if isinstance(tools, Tools):
                # archives are unpacked into a folder named by their hash
                yield tools.folder.parent.name


class Leftovers:
    """Removes what programs were given to reach clusters, once no upgrade is open that could need it."""

    def __init__(self, journal: JournalView, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._journal = journal
        self._folder = folder
        self._clock = clock

    def turn(self) -> None:
        """Look once; a file that can't be removed is logged, and looked at again the next time."""
        if self._journal.list_open_upgrades():
            return
        try:
            for path in self._folder.glob("*"):
                if path.is_file() and self._clock() - path.stat().st_mtime > SECONDS_KEPT:
                    path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("kubeconfigs_not_removed", why=error.strerror or str(error))
