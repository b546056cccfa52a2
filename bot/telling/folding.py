"""What the thread tells in a message of its own, and what the card decided last carries instead. Pure.

Whatever isn't named here is a message of its own: decisions, the start and the end of writes, what people did, and
everything that went wrong. A way back and an abort fold nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.journal.rows import UpgradeRow
from steps.plan import is_way_back, name_phases

# Steps whose outcome is a line of the card that was decided before it.
FOLDED = frozenset(
    {
        "prepare/identify",
        "prepare/inspect",
        "prepare/propose",
        "download/fetch",
        "download/unpack",
        "download/preview",
        "access/check",
        "access/release",
        "control-plane/backup",
        "control-plane/apply",
        "validate/run",
        "sidecars/plan",
        "sidecars/canary",
        "sidecars/restart",
        "authorization/apply",
    }
)
# Steps that are folded and take long enough for a message that shows how far they are.
SHOWING = frozenset({"download/fetch", "control-plane/apply", "sidecars/canary", "sidecars/restart"})
# A step that goes on in the message of the one before it, and ends it with its own outcome.
GOES_ON: Mapping[str, str] = {"download/verify": "download/fetch", "control-plane/rollout": "control-plane/apply"}
# Files that nobody needs while all goes well; the journal keeps them.
KEPT_FILES = frozenset({"manifest.yaml", "istioctl-apply.txt", "control-plane.txt", "asmctl-validate.txt"})
KEPT_OF = frozenset({"control-plane/backup", "sidecars/restart"})


def is_folded(row: UpgradeRow) -> bool:
    """Whether the step's outcome stands on a card."""
    return row.step in FOLDED and may_fold(row)


def may_fold(row: UpgradeRow) -> bool:
    """Whether anything of the upgrade stands on a card: nothing of one that ends otherwise than it was approved."""
    return not row.aborted_by and bool(row.plan) and not is_way_back(row.plan)


def stays_in_journal(row: UpgradeRow, file: str) -> bool:
    """Whether a file of a step that went well is kept in the journal alone; the ledger comes once, at the end."""
    return may_fold(row) and (file in KEPT_FILES or row.step in KEPT_OF)


def shows_progress(row: UpgradeRow) -> bool:
    """Whether a message shows how far the step is; of a short one that is folded the root tells it."""
    return row.step in SHOWING or not is_folded(row)


def find_phase(row: UpgradeRow) -> str:
    """The phase that the upgrade stands in, under which the thread tells its step."""
    return name_phases(row.plan).get(row.step, row.step.partition("/")[0])
