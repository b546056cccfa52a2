"""What a scrape of /metrics tells, read from the journal at that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.clock import Clock
from bot.journal.journal import JournalView
from bot.journal.outbox import Outbox
from bot.journal.rows import RowUnreadable, UpgradeRow
from bot.journal.store import StoreBroken
from bot.windows.permits import Permit
from steps.mesh import ClusterAddress
from steps.notes.permissions import LEASE_LOST

STATES = ("running", "asking", "blocked", "paused")


@dataclass(frozen=True)
class Signs:
    """What the running bot knows of itself.

    Whether Slack is reached, the journal written and Google gives it tokens, its free disk, and where API servers take
    its credentials no more.
    """

    is_slack_reached: Callable[[], bool]
    is_journal_written: Callable[[], bool]
    are_credentials_taken: Callable[[], bool]
    measure_room: Callable[[], int]
    list_refusing: Callable[[], Collection[ClusterAddress]]


class JournalCollector(Collector):
    """Open upgrades by state, what they wait for, their pods by ledger state, and how the bot itself stands.

    `find_window` says until when an upgrade's window is open, None where nothing ends it.
    """

    def __init__(
        self,
        journal: JournalView,
        outbox: Outbox,
        clock: Clock,
        find_window: Callable[[UpgradeRow, datetime], Permit],
        signs: Signs,
    ) -> None:
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._find_window = find_window
        self._signs = signs

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics as they are now; those of a journal that can't be read are left out, and a sign says so."""
        with suppress(StoreBroken):
            yield from self._read_journal()
        yield from self._tell_signs()

    def _read_journal(self) -> Iterator[GaugeMetricFamily]:
        yield self._count_upgrades()
        yield self._count_pods()
        yield self._measure_outbox()
        yield self._count_given_up()
        yield self._measure_questions()
        yield self._measure_waits()
        yield self._measure_windows()
        yield self._tell_lost_leases()

    def _count_upgrades(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily("asm_upgrade_open_upgrades", "Open upgrades by state.", labels=["state"])
        counted = Counter("paused" if row.paused_by else row.state for row in self._journal.list_open_upgrades())
        for state in STATES:
            gauge.add_metric([state], counted[state])
        return gauge

    def _count_pods(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_pods", "Pods of open upgrades by what became of them.", labels=["cluster", "state"]
        )
        for row in self._journal.list_open_upgrades():
            for state, number in self._journal.count_ledger(row.id).items():
                gauge.add_metric([row.cluster, state], number)
        return gauge

    def _measure_outbox(self) -> GaugeMetricFamily:
        now = self._clock.now()
        oldest = min((message.created_at for message in self._outbox.list_unsent(now) if not message.ts), default=now)
        return GaugeMetricFamily(
            "asm_upgrade_outbox_oldest_seconds",
            "Age of the oldest message that Slack has not got.",
            value=(now - oldest).total_seconds(),
        )

    def _count_given_up(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "asm_upgrade_outbox_given_up", "Messages that were given up.", value=self._outbox.count_given_up()
        )

    def _measure_questions(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_question_seconds", "How long people have been asked for an approval.", labels=["cluster"]
        )
        for row in self._journal.list_open_upgrades():
            # a question that can't be read is told where it is asked, and keeps no other number from being scraped
            with suppress(RowUnreadable):
                question = self._journal.find_open_question(row.id) if row.state == "asking" else None
                if question is not None and not row.paused_by:
                    gauge.add_metric([row.cluster], self._age(question.asked_at))
        return gauge

    def _measure_waits(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_step_seconds",
            "How long the step at hand has waited or been tried.",
            labels=["cluster", "step"],
        )
        for row in self._journal.list_open_upgrades():
            if row.state == "running" and not row.paused_by and row.waiting_since is not None:
                gauge.add_metric([row.cluster, row.step], self._age(row.waiting_since))
        return gauge

    def _measure_windows(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_window_left_seconds",
            "How long the window of a running upgrade stays open.",
            labels=["cluster"],
        )
        now = self._clock.now()
        for row in self._journal.list_open_upgrades():
            permit = self._find_window(row, now)
            if row.state == "running" and permit.open and permit.until is not None:
                gauge.add_metric([row.cluster], (permit.until - now).total_seconds())
        return gauge

    def _tell_lost_leases(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_lease_lost", "1 while another bot has the Lease that an upgrade held.", labels=["cluster"]
        )
        for row in self._journal.list_open_upgrades():
            if self._journal.recall(row.id, LEASE_LOST):
                gauge.add_metric([row.cluster], 1)
        return gauge

    def _tell_signs(self) -> Iterator[GaugeMetricFamily]:
        signs = self._signs
        yield GaugeMetricFamily(
            "asm_upgrade_slack_reached", "1 while Slack and the bot reach each other.", value=signs.is_slack_reached()
        )
        yield GaugeMetricFamily(
            "asm_upgrade_journal_written", "1 while the journal can be written.", value=signs.is_journal_written()
        )
        yield self._tell_credentials()
        yield GaugeMetricFamily(
            "asm_upgrade_state_free_bytes", "Room on the disk of the state folder.", value=signs.measure_room()
        )

    def _tell_credentials(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "asm_upgrade_credentials_taken",
            "0 while Google gives the bot no token, or a cluster with an open upgrade refuses the bot's.",
            labels=["of"],
        )
        gauge.add_metric(["Google"], self._signs.are_credentials_taken())
        refusing = self._signs.list_refusing()
        # where an open upgrade goes now, of which a cluster has one: what another address answered once is over
        for row in self._journal.list_open_upgrades() if refusing else ():
            if row.address in refusing:
                gauge.add_metric([row.cluster], 0)
        return gauge

    def _age(self, moment: datetime) -> float:
        return max(0.0, (self._clock.now() - moment).total_seconds())


def build_registry(
    journal: JournalView,
    outbox: Outbox,
    clock: Clock,
    find_window: Callable[[UpgradeRow, datetime], Permit],
    signs: Signs,
) -> CollectorRegistry:
    """A registry with the bot's own metrics."""
    registry = CollectorRegistry()
    registry.register(JournalCollector(journal, outbox, clock, find_window, signs))
    return registry
