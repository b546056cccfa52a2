"""Lets an upgrade go on as a willing person would, whatever it waits for."""

from __future__ import annotations

from collections.abc import Callable

from bot.journal.rows import UpgradeRow
from sandbox.watching.messages import buttons
from tests.scenarios.rig import BEN, CAI, Rig

MOST_DECISIONS = 40


def go_on(rig: Rig, upgrade: str, is_far_enough: Callable[[UpgradeRow], bool] = lambda _row: False) -> UpgradeRow:
    """Approve, resume and retry until the upgrade has ended or is far enough; its row then."""
    for _ in range(MOST_DECISIONS):
        rig.run_until(lambda: _stands_still(rig, upgrade), 20_000)
        row = read(rig, upgrade)
        if row.ended_at or is_far_enough(row):
            return row
        _decide(rig, row)
    raise AssertionError(f"it asks and asks: {rig.describe()}")


def read(rig: Rig, upgrade: str) -> UpgradeRow:
    """The upgrade as it stands."""
    row = rig.bot.journal.find_upgrade(upgrade)
    assert row is not None, rig.describe()
    return row


def _stands_still(rig: Rig, upgrade: str) -> bool:
    row = read(rig, upgrade)
    return row.state != "running" or bool(row.paused_by)


def _decide(rig: Rig, row: UpgradeRow) -> None:
    if row.paused_by:
        rig.command(BEN, f"resume {row.cluster}")
    elif row.state == "blocked":
        rig.command(BEN, f"retry {row.cluster}")
    else:
        _approve(rig, row)


def _approve(rig: Rig, row: UpgradeRow) -> None:
    """Click the button that stands in Slack, a second person too where one is not enough."""
    for user in (BEN, CAI):
        before = len(rig.private(user))
        rig.run_until(lambda user=user: rig.approve_next(user, row), 120)  # type: ignore[misc]
        rig.settle()
        press_offered(rig, user, before)
        now = read(rig, row.id)
        if (now.state, now.generation) != (row.state, row.generation):
            return


def press_offered(rig: Rig, user: str, before: int) -> None:
    """Where an earlier bot's card did not ask once more, this bot offers a button that does."""
    offered = [(note, button) for note in rig.private(user)[before:] for button in buttons(note)]
    for note, button in offered[-1:]:
        rig.click(user, note, button)
        rig.settle()
