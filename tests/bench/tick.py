"""What one tick of the reminders costs with a thousand scheduled upgrades."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.journal.journal import Journal
from bot.journal.outbox import Outbox
from bot.journal.proofs import Key
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store
from bot.reminders.tick import TICK_SECONDS, Reminders
from bot.schedule.tables import Reminder, Schedules
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.windows.appointments import Appointment
from steps.contract.options import UpgradeOptions
from steps.mesh import ClusterAddress
from tests.bench.findings import Finding

TITLE = "One tick with 1,000 scheduled upgrades and 3,000 reminders"
UPGRADES = 1000
LEADS = (timedelta(hours=24), timedelta(hours=1), timedelta(minutes=10))
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
APPROVERS = frozenset({"U0BEN00002", "U0CAI00003"})
BOUND = 50.0
ROUNDS = 15


@dataclass
class HandClock:
    """A clock that only moves when told to."""

    time: datetime = START

    def now(self) -> datetime:
        """The time set last."""
        return self.time


def measure() -> list[Finding]:
    """Least of some fresh journals on the disk, as others use the machine too; upgrades start a minute apart."""
    quiet = [time_tick(START) for _ in range(ROUNDS)]
    usual = [time_tick(START + timedelta(days=2, seconds=TICK_SECONDS)) for _ in range(ROUNDS)]
    hour = [time_tick(START + timedelta(days=2, hours=1)) for _ in range(ROUNDS)]
    all_at_once = [time_tick(START + timedelta(days=2, hours=23, minutes=55), together=True) for _ in range(ROUNDS)]
    return [
        _find("nothing due", quiet, "most ticks"),
        _find("one upgrade's reminder due", usual, "to a channel and two approvers"),
        _find("60 upgrades' reminders overdue", hour, "after an hour down"),
        _find("all 3,000 reminders overdue", all_at_once, "after three days down: its share, 170 upgrades"),
    ]


def _find(what: str, times: list[float], how: str) -> Finding:
    return Finding(f"tick with {what}", min(times), "ms", BOUND, how=f"{how}; least of {ROUNDS}")


def time_tick(now: datetime, together: bool = False) -> float:
    """Milliseconds that the first tick at this moment takes."""
    with open_journal(together) as (reminders, clock):
        clock.time = now
        begun = time.perf_counter()
        reminders.tick()
        return (time.perf_counter() - begun) * 1000


@contextmanager
def open_journal(together: bool) -> Iterator[tuple[Reminders, HandClock]]:
    """A journal with the upgrades, each with its appointment and three reminders."""
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "asm-upgrade.db", Key(bytes(32)))
        journal, schedules = Journal(store), Schedules(store)
        clusters = {f"cluster-{number}": name_cluster(f"cluster-{number}") for number in range(UPGRADES)}
        with store.transact():
            for number, key in enumerate(clusters):
                starts = START + timedelta(days=3, minutes=0 if together else number)
                add_upgrade(journal, schedules, key, starts)
        yield Reminders(store, schedules, Outbox(store), clock, clusters), clock
        store.close()


def add_upgrade(journal: Journal, schedules: Schedules, key: str, starts: datetime) -> None:
    """An upgrade that is scheduled and waits."""
    row = UpgradeRow(
        id=f"{key}-1", cluster=key, number=1, requester="U0ANA00001", channel="C0MESHOPS1", release="1.4.10-asm.18",
        options=UpgradeOptions(), address=ClusterAddress(key), plan=("access/approve",), step="access/approve",
        generation=0, state="running", paused_by="", aborted_by="", due=None, waiting_since=None, sentence="",
        remedy="", created_at=START, ended_at=None,
    )  # fmt: skip
    journal.add_upgrade(row)
    schedules.set_appointment(row.id, Appointment(starts, starts + timedelta(hours=3), "UTC"), row.requester, START)
    schedules.add_reminders(Reminder(0, row.id, "before", starts - lead, starts) for lead in LEADS)


def name_cluster(key: str) -> Cluster:
    """A cluster with two approvers."""
    policy = Policy(frozenset({"U0ANA00001"}), APPROVERS)
    return Cluster(key, ClusterAddress(key), "C0MESHOPS1", "1.4.10-asm.18", policy, UpgradeOptions())
