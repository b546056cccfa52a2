"""What there is to draw for a check of the drawing: the latest upgrade of the journal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bot.journal.journal import JournalView
from bot.journal.store import StoreBroken, StoredCopy
from bot.settings.environment import JOURNAL
from bot.telling.views import UpgradeView, Views


def list_latest(state: Path) -> list[UpgradeView]:
    """The latest upgrade, where the journal has one and can be read; whether it can is another line's matter."""
    try:
        with closing(StoredCopy(state / JOURNAL)) as copy:
            journal = JournalView(copy)
            return [Views(journal).build_view(row) for row in journal.list_upgrades(limit=1)]
    except StoreBroken:
        return []
