"""What a scrape of /metrics tells, read from the journal at that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.clock import Clock
from bot.journal.journal import JournalView
from bot.journal.outbox import Outbox

STATES = ("running", "asking", "blocked", "paused")


class JournalCollector(Collector):
    """Open upgrades by state, their pods by ledger state, and how long the oldest message waits for Slack."""

    def __init__(self, journal: JournalView, outbox: Outbox, clock: Clock) -> None:
        self._journal = journal
        self._outbox = outbox
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics as they are now."""
        yield self._count_upgrades()
        yield self._count_pods()
        yield self._measure_outbox()
        yield self._count_given_up()

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
        unsent = self._outbox.list_unsent(self._clock.now())
        oldest = min((message.created_at for message in unsent if not message.ts), default=self._clock.now())
        seconds = (self._clock.now() - oldest).total_seconds()
        return GaugeMetricFamily(
            "asm_upgrade_outbox_oldest_seconds", "Age of the oldest message that Slack has not got.", value=seconds
        )

    def _count_given_up(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "asm_upgrade_outbox_given_up", "Messages that were given up.", value=self._outbox.count_given_up()
        )


def build_registry(journal: JournalView, outbox: Outbox, clock: Clock) -> CollectorRegistry:
    """A registry with the bot's own metrics."""
    registry = CollectorRegistry()
    registry.register(JournalCollector(journal, outbox, clock))
    return registry
