"""Every hour what was told of upgrades that ended long ago, and what their programs left, goes into parcels."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from bot.clock import Clock, Interval
from bot.incidents import note_incident
from bot.journal.packs.forms import BadPack
from bot.journal.store import Store, StoreBroken
from bot.retention.parcels import Contents, Parcels
from bot.retention.past import DAY, Past, PastDay, PastUpgrade

log = structlog.get_logger(__name__)
BETWEEN = timedelta(hours=1)
# Put away at once; the rest is an hour later.
MOST_UPGRADES = 50
MOST_DAYS = 50
# So many pages of the journal that nothing stands in any more are given back at once.
MOST_PAGES = 2000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Runs(Protocol):
    """The folders of child programs."""

    def list_running(self, prefix: str) -> tuple[str, ...]:
        """The runs whose ids begin so and that still run."""
        ...

    def list_folders(self, prefix: str) -> list[Path]:
        """The folders of the runs whose ids begin so."""
        ...


@dataclass(frozen=True)
class Rule:
    """How long after its end an upgrade is kept whole, and where its backups of the cluster stand; no age keeps all."""

    age: timedelta
    backups: Path


class Retention:
    """Looks every hour; a few upgrades at a time, so that nothing waits for it."""

    def __init__(
        self,
        store: Store,
        runs: Runs,
        parcels: Parcels,
        rule: Rule,
        clock: Clock,
        measure_room: Callable[[Path], int],
    ) -> None:
        self._store = store
        self._past = Past(store)
        self._runs = runs
        self._parcels = parcels
        self._rule = rule
        self._clock = clock
        self._measure_room = measure_room
        self._interval = Interval(BETWEEN, clock)
        # what could not be put away is tried again besides as much else as ever
        self._left: set[str] = set()
        self._left_days = 0
        self._told: dict[str, str] = {}

    def turn(self) -> None:
        """Do what is due; what fails keeps nothing else back, is logged once, and is tried again an hour later."""
        if not self._interval.begin():
            return
        if self._rule.age:
            now = self._clock.now()
            self._try("old parcels", self._prune)
            self._try("upgrades", lambda: self._put_upgrades_away(now))
            self._try("backups", self._put_backups_away)
            self._try("answers and orders", lambda: self._put_days_away(now - self._rule.age))
            self._try("old parcels", self._prune)
        self._try("the journal's free pages", self._reclaim)

    def _try(self, what: str, act: Callable[[], None]) -> bool:
        """Whether it went well; the same trouble is told once."""
        try:
            act()
        except StoreBroken:
            raise
        except Exception as fault:
            self._tell(what, fault)
            return False
        self._told.pop(what, None)
        return True

    def _tell(self, what: str, fault: Exception) -> None:
        if self._told.get(what) == repr(fault):
            return
        self._told[what] = repr(fault)
        if isinstance(fault, OSError | sqlite3.Error | BadPack):
            log.warning("not_put_away", what=what, why=str(fault))
        else:
            note_incident("not_put_away", fault, what=what)

    def _prune(self) -> None:
        for name in self._parcels.prune():
            log.info("parcel_removed", name=name)

    def _reclaim(self) -> None:
        if not self._runs.list_running(""):
            self._store.reclaim(MOST_PAGES, self._measure_room)

    def _put_upgrades_away(self, now: datetime) -> None:
        due = self._past.list_due(now - self._rule.age, MOST_UPGRADES + len(self._left))
        self._left = {upgrade.id for upgrade in due if not self._try(upgrade.id, partial(self._put_away, upgrade, now))}

    def _put_away(self, upgrade: PastUpgrade, now: datetime) -> None:
        """First the parcel, then the folders, then the journal: after a kill in between it is done again."""
        if self._runs.list_running(f"{upgrade.id}-"):
            return
        self._past.unpack(upgrade.id)
        folders = self._find_folders(upgrade.id)
        names = {f"programs/{folder.name}": folder for folder in folders}
        parcel = self._parcels.pack(name_parcel(upgrade), Contents(self._past.read_told(upgrade.id), names))
        remove_folders(folders)
        self._past.put_away(upgrade.id, parcel, now)
        log.info("upgrade_put_away", upgrade=upgrade.id, file=str(parcel.path))

    def _find_folders(self, upgrade: str) -> list[Path]:
        """The folders of its programs; those of an upgrade whose id begins with this one's are not."""
        others = tuple(f"{other}-" for other in self._past.list_neighbours(upgrade))
        found = self._runs.list_folders(f"{upgrade}-")
        return [folder for folder in found if not folder.name.startswith(others) and not folder.is_symlink()]

    def _put_backups_away(self) -> None:
        """Backups stay for as long as a way back could need them."""
        for folder in list_folders(self._rule.backups):
            upgrade = self._past.find_put_away(folder.name)
            if upgrade and not self._past.may_be_taken_back(upgrade.id):
                self._try(f"the backup of {upgrade.id}", partial(self._put_backup_away, upgrade, folder))

    def _put_backup_away(self, upgrade: PastUpgrade, folder: Path) -> None:
        self._parcels.pack(f"{name_parcel(upgrade)}-backup", Contents({}, {f"backups/{upgrade.id}": folder}))
        remove_folders([folder])

    def _put_days_away(self, before: datetime) -> None:
        after, left = LONG_AGO, 0
        for _ in range(MOST_DAYS + self._left_days):
            day = self._past.find_day(after, before)
            if day is None:
                break
            after = day.begins + DAY
            left += not self._try(f"the day {day.begins:%Y-%m-%d}", partial(self._put_day_away, day))
        self._left_days = left

    def _put_day_away(self, day: PastDay) -> None:
        self._parcels.pack(f"orders-{day.begins:%Y-%m-%d}", day.describe())
        self._past.remove_day(day)


def name_parcel(upgrade: PastUpgrade) -> str:
    """What an upgrade's parcel is called after the journal's mark."""
    return f"{upgrade.id}-{upgrade.ended_at:%Y-%m-%d-%H%M%S}"


def list_folders(folder: Path) -> list[Path]:
    """The folders in a folder, where there is one; what only leads to a folder elsewhere is somebody else's."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def remove_folders(folders: Sequence[Path]) -> None:
    """Remove folders with what is in them."""
    for folder in folders:
        shutil.rmtree(folder)
