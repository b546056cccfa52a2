"""Keeps the Home tabs that people look at up to date."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import structlog
from slack_sdk import WebClient

from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.bodies import AgendaSection
from bot.journal.store import StoreBroken
from bot.orders.fleet import Fleet, State
from bot.slack.api.answers import Answered, TooFast, call_slack
from bot.slack.api.pacing import Budget
from bot.slack.drawing.home import draw_home
from bot.slack.drawing.text import Pen

# Slack allows 100 views.publish a minute; forms share no limit with it.
PUBLISHES_A_MINUTE = 80
PUBLISH_BURST = 10
SPACING = timedelta(seconds=3)
AGENDA_KEPT = timedelta(seconds=5)
WATCHED = timedelta(hours=1)
# What takes this long to draw is drawn anew so many times later: tabs take a twentieth of the processor at most.
QUICK_SECONDS, REST, LONGEST_REST = 0.1, 20.0, 600.0


@dataclass(frozen=True)
class Tab:
    """A Home tab that was opened lately; `shown` is what Slack has, "" if that is out of date.

    `look` is the number of the look after which that was so.
    """

    opened_at: datetime
    workspace: str
    shown: str = ""
    look: int = 0
    published_at: datetime | None = None


class HomeTabs:
    """Publishes a tab when it is opened, and for an hour again within seconds of a change. One thread calls `turn`.

    `measure` tells the processor's seconds of that thread.
    """

    def __init__(
        self,
        fleet: Fleet,
        posting: WebClient,
        clock: Clock,
        pen: Pen,
        measure: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._posting = posting
        self._clock = clock
        self._pen = pen
        self._measure = measure
        self._budget = Budget(PUBLISHES_A_MINUTE, PUBLISH_BURST)
        self._lock = threading.Lock()
        self._tabs: dict[str, Tab] = {}
        self._agenda: Sequence[AgendaSection] = ()
        self._agenda_at: datetime | None = None
        self._seen: tuple[State, Sequence[AgendaSection]] | None = None
        self._look, self._looked = 0, False
        # who may be mentioned, asked once a look for all tabs
        self._knows = pen.knows
        self._spent = 0.0
        self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._log = structlog.get_logger(__name__)

    def open(self, user: str, workspace: str) -> None:
        """Somebody looks at their tab: the next turn publishes it, with links into the workspace at that address."""
        with self._lock:
            self._tabs[user] = Tab(self._clock.now(), workspace)

    def turn(self) -> float | None:
        """Publish the tabs that have changed; seconds until the next may be published, None where nothing waits."""
        watched = self._list_watched()
        if not watched:
            return None
        self._spent, self._looked = 0.0, False
        waits = [wait for user, tab in watched if (wait := self._keep_fresh(user, tab))]
        if self._spent > QUICK_SECONDS:
            self._rests_until = self._clock.now() + timedelta(seconds=self._spent * REST)
        return min(waits, default=None)

    def _look_again(self) -> None:
        """Count a look at which anything that tabs show is another; once a turn."""
        if self._looked:
            return
        seen = self._fleet.read_state(), self._read_agenda(self._clock.now())
        if seen != self._seen:
            self._seen, self._look = seen, self._look + 1
            self._knows = cache(self._pen.knows)
        self._looked = True

    def _find_pause(self, tab: Tab, now: datetime) -> float:
        """Seconds to wait before a tab that Slack has may be drawn again; what was just opened never waits."""
        rest = (self._rests_until - now).total_seconds() if tab.shown else 0.0
        spacing = (tab.published_at + SPACING - now).total_seconds() if tab.published_at else 0.0
        # a longer rest than any was begun before the clock was set back
        return max(spacing, rest if rest <= LONGEST_REST else 0.0)

    def _read_agenda(self, now: datetime) -> Sequence[AgendaSection]:
        """The calendar, read anew every few seconds: it takes longer to read than a tab to draw."""
        if self._agenda_at is None or not timedelta(0) <= now - self._agenda_at < AGENDA_KEPT:
            self._agenda, self._agenda_at = self._fleet.read_agenda(), now
        return self._agenda

    def _list_watched(self) -> list[tuple[str, Tab]]:
        oldest = self._clock.now() - WATCHED
        with self._lock:
            self._tabs = {user: tab for user, tab in self._tabs.items() if tab.opened_at > oldest}
            return sorted(self._tabs.items(), key=lambda item: item[1].shown != "")

    def _keep_fresh(self, user: str, tab: Tab) -> float:
        """Refresh one tab; one that the bot itself fails at is left alone until it is opened again."""
        try:
            return self._refresh(user, tab)
        except StoreBroken:
            raise
        except Exception as fault:
            note_incident("home_tab_failed", fault, user=user)
            with self._lock:
                if self._tabs.get(user) == tab:
                    del self._tabs[user]
            return 0.0

    def _refresh(self, user: str, tab: Tab) -> float:
        """Publish one tab if it has changed; seconds to wait before that may be done, 0 when there is nothing to do."""
        self._look_again()
        if tab.shown and tab.look == self._look:
            return 0.0
        now, look = self._clock.now(), self._look
        if (wait := max(self._find_pause(tab, now), self._budget.seconds_until_free(now))) > 0:
            return wait
        view = self._draw(user, tab, now)
        shown = json.dumps(view, sort_keys=True)
        if shown == tab.shown:
            self._keep(user, tab, replace(tab, look=look))
            return 0.0
        self._budget.take(now)
        answer = call_slack(lambda: self._posting.views_publish(user_id=user, view=view))
        if isinstance(answer, TooFast):
            self._budget.hold(now, answer.seconds)
            return answer.seconds
        if not isinstance(answer, Answered):
            self._log.warning("home tab not published", user=user, why=answer.why)
        given = shown if isinstance(answer, Answered) else ""
        self._keep(user, tab, replace(tab, shown=given, published_at=now, look=look))
        return 0.0 if isinstance(answer, Answered) else SPACING.total_seconds()

    def _draw(self, user: str, tab: Tab, now: datetime) -> dict[str, object]:
        begun = self._measure()
        pen = replace(self._pen, knows=self._knows, workspace=tab.workspace)
        faults = [*self._fleet.list_failing_channels(), *self._fleet.list_faults()]
        view: dict[str, object] = draw_home(
            self._fleet.list_clusters(user), pen, faults, self._read_agenda(now)
        ).to_dict()
        self._spent += self._measure() - begun
        return view

    def _keep(self, user: str, tab: Tab, changed: Tab) -> None:
        """Note what became of a tab, unless it was opened anew meanwhile."""
        with self._lock:
            if self._tabs.get(user) == tab:
                self._tabs[user] = changed
