"""What was told of an upgrade, for the command line."""

from __future__ import annotations

from bot.clock import SystemClock
from bot.journal.journal import JournalView
from bot.journal.outbox import OutboxView
from bot.journal.store import StoredCopy
from bot.telling.logs import describe_parcel, find_file, read_lines, write_lines
from bot.telling.reports import describe_history
from bot.telling.views import Views

# As many as Slack tells.
LISTED = 20


def open_views(copy: StoredCopy) -> Views:
    """The upgrades as they are shown, for a command that runs beside the bot."""
    return Views(JournalView(copy), SystemClock())


def read_told(copy: StoredCopy, target: str, file: str) -> str:
    """The log of an upgrade or of a cluster's latest, or a file of it by its name; LookupError where there is none."""
    journal = JournalView(copy)
    row = journal.find_upgrade(target) or next(iter(journal.list_upgrades(target, 1)), None) if target else None
    if row is None:
        raise LookupError(f"there is no upgrade {target}, nor one of a cluster of that name")
    outbox = OutboxView(copy)
    if not file:
        return write_lines(read_lines(outbox, row.id))
    text = find_file(outbox.list_told(row.id), file)
    if not text:
        put = outbox.find_put_away(row.id)
        where = f": {describe_parcel(put)}" if put else "; its log names those that it has"
        raise LookupError(f"{row.id} has no file {file}{where}")
    return text


def read_history(copy: StoredCopy, target: str) -> str:
    """What became of all upgrades, of those of a cluster, or of one by its id; LookupError where there is none."""
    journal = JournalView(copy)
    row = journal.find_upgrade(target) if target else None
    rows = [row] if row else journal.list_upgrades(target, LISTED)
    if target and not rows:
        raise LookupError(f"there is no upgrade {target}, nor one of a cluster of that name")
    views = open_views(copy)
    left = views.list_left(rows[0].id) if len(rows) == 1 else ()
    return describe_history([views.build_view(row) for row in rows], left)
