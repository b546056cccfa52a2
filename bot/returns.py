"""The row and the notes that a way back begins with, taken from the upgrade that it takes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import msgspec

from bot.journal.audit import Moved
from bot.journal.journal import Journal, JournalView
from bot.journal.rows import UpgradeRow, open_row
from bot.journal.store import Store
from steps.contract.notes import Json
from steps.contract.release import Release
from steps.gates import WAY_BACK
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.way_back import Cover, WayBack
from steps.phases.way_back.inheritance import choose_options, list_inherited, name_source
from steps.plan import FIRST_WRITE as APPLY
from steps.plan import build_plan, is_way_back

# For so long after its end the approval of an upgrade's control plane covers the way back.
COVERED = timedelta(hours=24)
APPROVALS = (
    "select * from whole_approvals where upgrade = ? and kind = 'gate' and step like 'control-plane/%' "
    "order by generation desc"
)


def has_written(journal: JournalView, row: UpgradeRow) -> bool:
    """Whether an upgrade has begun to write to the control plane, so that there is something to take back.

    Earlier versions of the bot noted no more than that the apply was done.
    """
    if is_way_back(row.plan):
        return False
    if journal.recall(row.id, FIRST_WRITE) is not None:
        return True
    return any(step.step == APPLY and step.outcome == "Done" for step in journal.list_steps(row.id))


class Returns:
    """Prepares ways back, and knows which upgrades may be taken back and under whose approval.

    `channel_of` gives the channel that a cluster has now, "" where it is in clusters.toml no longer.
    """

    def __init__(
        self, store: Store, journal: Journal, releases: Mapping[str, Release], channel_of: Callable[[str], str]
    ) -> None:
        self._store = store
        self._journal = journal
        self._releases = releases
        self._channel_of = channel_of

    def has_written(self, row: UpgradeRow) -> bool:
        """Whether an upgrade has begun to write to the control plane, so that there is something to take back."""
        return has_written(self._journal, row)

    def name_source(self, row: UpgradeRow) -> str:
        """The release that an upgrade came from."""
        return name_source(partial(self._journal.recall, row.id))

    def knows_source(self, row: UpgradeRow) -> bool:
        """Whether there is a file for the release that an upgrade came from."""
        return self.name_source(row) in self._releases

    def build_return(self, row: UpgradeRow, by: str, now: datetime) -> UpgradeRow:
        """The way back of an upgrade: one of its own, to the release that was there, with that install's options.

        It is told where somebody moved the upgrade to, or else where the cluster is told now: the channel of the
        upgrade may be the reason why it is taken back.
        """
        options = choose_options(row.options, row.release)
        return open_row(
            cluster=row.cluster,
            number=self._journal.next_number(row.cluster),
            requester=by,
            channel=(not self._was_moved(row.id) and self._channel_of(row.cluster)) or row.channel,
            release=self.name_source(row),
            options=options,
            address=row.address,
            plan=build_plan("rollback", options),
            now=now,
            takes_back=row.id,
        )

    def _was_moved(self, upgrade: str) -> bool:
        return any(isinstance(entry.event, Moved) for entry in self._journal.list_audit(upgrade))

    def note_return(self, row: UpgradeRow, back: UpgradeRow, now: datetime) -> None:
        """Give the way back what the upgrade knew, in doubt where that is; joins a transaction."""
        recall, cover = partial(self._journal.recall, row.id), self.find_cover(row, now)
        for key, value in list_inherited(recall, row.id, row.release, row.options, cover).items():
            self._journal.remember_json(back.id, key, value)
        if self._journal.standing.read(row.id).faults:
            self._journal.standing.doubt(back.id)

    def find_cover(self, row: UpgradeRow, now: datetime) -> Cover | None:
        """The last approval of the control plane, while it covers the way back; what can't be proven covers nothing."""
        deadline = (row.ended_at or now) + COVERED
        decisions = (self._journal.read_decision([one]) for one in self._store.read(APPROVALS, [row.id]))
        decision = next((one for one in decisions if one and one.approves and WAY_BACK in one.binding), None)
        if decision is None or now >= deadline or self._journal.standing.read(row.id).faults:
            return None
        # ordered in time, it is covered for as long as it may reasonably take
        return Cover(decision.by, now + COVERED, read_way(decision.binding[WAY_BACK]))


def read_way(bound: Json) -> WayBack:
    """What an approval bound of the way back."""
    return msgspec.convert(bound, WayBack)
