"""Looks for clusters in GKE when somebody wants to know, and keeps what was found for a short while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.incidents import note_incident
from bot.journal.store import StoreBroken
from bot.pools import hand_over_each
from steps.contract.errors import StepError
from steps.mesh import ClusterAddress, Discovery

# What was found is shown for this long before it is looked for again.
KEPT = timedelta(seconds=60)
PROJECTS_AT_ONCE = 8
LOOK_SECONDS = 6.0

log = structlog.get_logger(__name__)


def call_waiting(waiting: Iterable[Callable[[], None]]) -> None:
    """Call everybody who waits for an answer; a call that fails doesn't stop the others."""
    for then in waiting:
        try:
            then()
        except StoreBroken:
            raise
        except Exception as fault:
            note_incident("search_not_told", fault)


@dataclass(frozen=True)
class Findings:
    """The clusters of all projects, and a sentence for each project that didn't tell all of its own."""

    clusters: tuple[ClusterAddress, ...] = ()
    faults: tuple[str, ...] = ()


class GkeSearch:
    """One search at a time, made by whoever calls `turn`; `want` and `read` never block.

    `discover` lists the clusters of one project and bounds its own time; a project that takes longer than `limit`
    seconds all the same counts as silent. What a project told last stands while it tells nothing.
    """

    def __init__(
        self,
        discover: Callable[[str], Discovery],
        projects: Sequence[str],
        clock: Clock,
        limit: float = LOOK_SECONDS,
    ) -> None:
        self._discover = discover
        self._projects = tuple(projects)
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._known: dict[str, Discovery] = {}
        self._faults: dict[str, str] = {}
        self._looked_at: datetime | None = None
        self._wanted = False
        self._waiting: list[Callable[[], None]] = []

    def is_fresh(self) -> bool:
        """Whether a search ran lately, whatever it found; always true if there is nowhere to search."""
        if not self._projects:
            return True
        at = self._looked_at
        return at is not None and abs(self._clock.now() - at) < KEPT

    def want(self, then: Callable[[], None] | None = None) -> None:
        """Have the next turn search, unless one just did; it calls `then` once there is something new."""
        with self._lock:
            self._wanted = True
            if then:
                self._waiting.append(then)

    def read(self) -> Findings:
        """What was found last."""
        with self._lock:
            clusters = tuple(address for found in self._known.values() for address in found.clusters)
            return Findings(clusters, tuple(self._faults.values()))

    def turn(self) -> bool:
        """Search if somebody asked for it and the last search is old; answers whether it did."""
        with self._lock:
            wanted, self._wanted = self._wanted, False
        if not wanted:
            return False
        looked = not self.is_fresh()
        if looked:
            self._look()
        with self._lock:
            waiting, self._waiting = self._waiting, []
        call_waiting(waiting)
        return looked

    def _look(self) -> None:
        pool = ThreadPoolExecutor(min(len(self._projects), PROJECTS_AT_ONCE), thread_name_prefix="search")
        asked = hand_over_each(pool, self._discover, self._projects, "the search for clusters")
        wait(asked.values(), timeout=self._limit)
        pool.shutdown(wait=False, cancel_futures=True)
        for project, future in asked.items():
            self._note(project, future)
        self._looked_at = self._clock.now()

    def _note(self, project: str, future: Future[Discovery]) -> None:
        fault = self._judge(project, future)
        with self._lock:
            self._faults.pop(project, None)
            if fault:
                self._faults[project] = f"{project} could not be searched: {fault.rstrip('.')}"
                return
            found = self._known[project] = future.result()
            if found.missing_zones:
                zones = ", ".join(found.missing_zones)
                self._faults[project] = f"{project} was searched in part only: {zones} did not answer"

    def _judge(self, project: str, future: Future[Discovery]) -> str:
        if not future.done() or future.cancelled():
            return f"Google did not answer within {self._limit:g} s"
        error = future.exception()
        if error is None:
            return ""
        log.warning("project not searched", project=project, error=repr(error))
        return str(error) if isinstance(error, StepError) else f"a fault of the bot itself ({type(error).__name__})"
