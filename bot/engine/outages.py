"""Times in which Slack could not reach the bot: clicks are lost then, so open questions are offered again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.journal.journal import Journal
from bot.journal.store import Store
from bot.telling.chronicle import Chronicle

# Shorter ones end before somebody whose click failed has read Slack's warning.
WORTH_TELLING = timedelta(seconds=30)
# So exactly is known since when a bot that was killed could not be reached.
NOTED_EVERY = timedelta(seconds=15)
ASKING = ("asking", "blocked")


class Outages:
    """Slack repeats events but neither clicks nor commands, so open questions are offered again after an outage.

    A bot that did not run was out of reach too: from when it was reached last, as the journal has it.
    """

    def __init__(self, store: Store, journal: Journal, chronicle: Chronicle, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._chronicle = chronicle
        self._clock = clock
        self._lost_at = self._recall_presence()
        self._noted_at: datetime | None = None

    def observe(self, reachable: bool) -> None:
        """Note whether Slack reaches the bot now; call it often."""
        now = self._clock.now()
        if not reachable:
            self._lost_at = self._lost_at or now
            return
        lost_at, self._lost_at = self._lost_at, None
        if lost_at is not None and now - lost_at >= WORTH_TELLING:
            self._offer_again(lost_at, now)
        # A clock that was set back is noted as well.
        if self._noted_at is None or not timedelta(0) <= now - self._noted_at < NOTED_EVERY:
            self._note_presence(now)

    def _recall_presence(self) -> datetime | None:
        """When an earlier run could be reached last, None for the first run of all."""
        rows = self._store.read("select seen_at from presence")
        return datetime.fromtimestamp(rows[0]["seen_at"], UTC) if rows else None

    def _note_presence(self, now: datetime) -> None:
        self._noted_at = now
        with self._store.transact() as db:
            db.execute("insert or replace into presence (number, seen_at) values (1, ?)", [now.timestamp()])

    def _offer_again(self, lost_at: datetime, now: datetime) -> None:
        sentence = (
            f"Slack could not reach the bot from {lost_at:%H:%M:%S} to {now:%H:%M:%S} UTC. A click in that time was "
            "lost; the question above still stands."
        )
        with self._store.transact():
            for row in self._journal.list_open_upgrades():
                if row.state in ASKING:
                    self._chronicle.tell(row, sentence, now)
