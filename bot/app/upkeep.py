"""What is looked after every hour: archives on disk, what programs were given, the journal's file and its copies."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Clock, Interval
from bot.gateways.releases.archive_cache import Removed
from bot.incidents import note_incident
from bot.journal.journal import JournalView
from bot.journal.packs.forms import BadPack
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store, StoreBroken
from bot.journal.upkeep import copy_journal
from bot.retention.packing import Packing
from bot.returns import has_written
from steps.contract.ports import Tools
from steps.notes.download import PREVIOUS, SHA256, TOOLS

log = structlog.get_logger(__name__)
BETWEEN = timedelta(hours=1)
# Younger kubeconfigs may be on their way to a program of an upgrade that has just begun.
SECONDS_KEPT = 300.0
COPIES_KEPT = 14
# Upgrades packed at once, a tenth of a second each; those of an earlier version are many, and nobody waits for them.
PACKED_AT_ONCE = 10
BETWEEN_PACKED = timedelta(minutes=1)
# As many as come to their turn until all that can be are found anew.
PACKED_AN_HOUR = 600
# What could not be packed is the same an hour later, as a rule.
BEFORE_ANEW = timedelta(days=1)


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
        self._limit = limit
        self._interval = Interval(BETWEEN, clock)

    def turn(self) -> None:
        """Prune where the last time is long enough ago; what was removed is logged."""
        if not self._interval.begin():
            return
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
        """The SHA-256 of what open upgrades use, and of each cluster the last upgrade and the last that wrote to it."""
        rows = self._journal.list_upgrades(limit=10_000)
        last = {row.cluster: row.id for row in reversed(rows)}
        wanted = {*last.values(), *self._list_changed(rows), *(row.id for row in self._journal.list_open_upgrades())}
        return {sha256 for upgrade in wanted for sha256 in self._list_used(upgrade)}

    def _list_changed(self, rows: Iterable[UpgradeRow]) -> Iterator[str]:
        """The last upgrade of each cluster that wrote to it, behind any number of proposals and denials."""
        seen = set[str]()
        for row in rows:
            if row.cluster not in seen and has_written(self._journal, row):
                seen.add(row.cluster)
                yield row.id

    def _list_used(self, upgrade: str) -> Iterator[str]:
        """The archives of an upgrade's target and of its previous release."""
        if sha256 := self._journal.recall(upgrade, SHA256):
            yield sha256
        for tools in (self._journal.recall(upgrade, TOOLS), self._journal.recall(upgrade, PREVIOUS)):
            if isinstance(tools, Tools):
                # archives are unpacked into a folder named by their hash
                yield tools.folder.parent.name


class AccessLeftovers:
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


class JournalCopies:
    """Every hour all that was committed goes into the journal's own file, and once a day a copy into `folder`, if any.

    The youngest COPIES_KEPT copies stay.
    """

    def __init__(self, store: Store, journal: Path, folder: Path | None, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._folder = folder
        self._clock = clock
        self._interval = Interval(BETWEEN, clock)

    def turn(self) -> None:
        """Do what is due; what fails is logged, and tried again an hour later."""
        if not self._interval.begin():
            return
        try:
            self._store.checkpoint()
            if self._folder is not None:
                self._copy(self._folder, self._clock.now())
        except (OSError, sqlite3.Error) as error:
            log.warning("journal_not_copied", why=str(error))

    def _copy(self, folder: Path, now: datetime) -> None:
        target = folder / f"asm-upgrade-{now:%Y-%m-%d}.db"
        if target.exists():
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_journal(self._journal, target)
        log.info("journal_copied", file=str(target))
        for old in sorted(folder.glob("asm-upgrade-????-??-??.db"))[:-COPIES_KEPT]:
            old.unlink(missing_ok=True)


class JournalPacks:
    """Packs what is kept of ended upgrades, a few a minute; every hour all that can be are found anew."""

    def __init__(self, packing: Packing, clock: Clock) -> None:
        self._packing = packing
        self._clock = clock
        self._looks = Interval(BETWEEN, clock)
        self._pieces = Interval(BETWEEN_PACKED, clock)
        self._due: list[str] = []
        self._failed: dict[str, datetime] = {}

    def turn(self) -> None:
        """Do a piece of what is due, if a minute is over since the last one.

        What fails keeps no other back, is logged, and is tried again a day later.
        """
        if not self._pieces.begin():
            return
        now = self._clock.now()
        if self._looks.begin():
            self._failed = {upgrade: at for upgrade, at in self._failed.items() if abs(now - at) < BEFORE_ANEW}
            due = self._packing.list_due(now, PACKED_AN_HOUR + len(self._failed))
            self._due = [upgrade for upgrade in due if upgrade not in self._failed]
        piece, self._due = self._due[:PACKED_AT_ONCE], self._due[PACKED_AT_ONCE:]
        try:
            for upgrade in piece:
                self._pack(upgrade, now)
        except OSError as fault:  # a full disk takes no other either; the next hour looks anew
            self._due = []
            log.warning("upgrade_not_packed", why=str(fault))

    def _pack(self, upgrade: str, now: datetime) -> None:
        try:
            self._packing.pack(upgrade, now)
        except (StoreBroken, OSError):
            raise
        except BadPack as fault:
            self._failed[upgrade] = now
            log.warning("upgrade_not_packed", upgrade=upgrade, why=str(fault))
        except Exception as fault:
            self._failed[upgrade] = now
            note_incident("upgrade_not_packed", fault, upgrade=upgrade)
