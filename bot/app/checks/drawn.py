"""What the check of the drawing draws: the journal's latest upgrade."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bot.clock import SystemClock
from bot.journal.journal import JournalView
from bot.journal.store import StoreBroken, StoredCopy
from bot.settings.environment import JOURNAL
from bot.telling.views import UpgradeView, Views


def list_latest(state: Path) -> list[UpgradeView]:
    """The latest upgrade, if the journal has one and can be read; another check says whether it can."""
    try:
        with closing(StoredCopy(state / JOURNAL)) as copy:
            journal = JournalView(copy)
            return [Views(journal, SystemClock()).build_view(row) for row in journal.list_upgrades(limit=1)]
    except StoreBroken:
        return []
