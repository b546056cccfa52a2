"""What a form shows of a cluster and checks the input against, read just before somebody fills it in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.discovery.search import call_waiting
from bot.pools import hand_over_each
from steps.mesh import ClusterAddress
from steps.preflight.named_namespaces import describe_unknown_namespaces

# A reading is used for this long before it is read again, and a cluster that didn't tell is left alone for as long.
KEPT = timedelta(minutes=5)
READ_SECONDS = 6.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FormReading:
    """The mTLS mode in force, PERMISSIVE, STRICT or "", and the names of all namespaces; none where it is unknown."""

    mode: str = ""
    namespaces: tuple[str, ...] = ()

    def find_unknown(self, named: Sequence[str]) -> str:
        """What is wrong with namespaces that the cluster does not have, "" where they are not known."""
        unknown = [one for one in named if self.namespaces and one not in self.namespaces]
        return describe_unknown_namespaces(unknown, self.namespaces) if unknown else ""


@dataclass(frozen=True)
class _Read:
    at: datetime
    reading: FormReading


class ClusterReadings:
    """Readings by cluster. `turn` reads what was asked for; `want` and `recall` never block.

    `read` bounds its own time, and takes `limit` seconds at most here.
    """

    def __init__(
        self, read: Callable[[ClusterAddress], FormReading], clock: Clock, limit: float = READ_SECONDS
    ) -> None:
        self._ask = read
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._known: dict[ClusterAddress, _Read] = {}
        self._wanted: list[tuple[ClusterAddress, Callable[[], None]]] = []

    def recall(self, address: ClusterAddress) -> FormReading:
        """What was read lately."""
        found = self._find(address)
        return found.reading if found else FormReading()

    def want(self, address: ClusterAddress, then: Callable[[], None]) -> None:
        """Have the cluster read unless that was done lately; `then` is called afterwards, from another thread."""
        if self._find(address):
            return
        with self._lock:
            self._wanted.append((address, then))

    def turn(self) -> bool:
        """Read what is wanted; whether anything was."""
        with self._lock:
            wanted, self._wanted = self._wanted, []
        missing = {address for address, _ in wanted if not self._find(address)}
        if missing:
            self._read(sorted(missing, key=lambda address: address.key))
        call_waiting(then for _, then in wanted)
        return bool(wanted)

    def _find(self, address: ClusterAddress) -> _Read | None:
        found = self._known.get(address)
        return found if found and abs(self._clock.now() - found.at) < KEPT else None

    def _read(self, addresses: list[ClusterAddress]) -> None:
        pool = ThreadPoolExecutor(len(addresses), thread_name_prefix="reading")
        asked = hand_over_each(pool, self._ask, addresses, "the reading of a cluster")
        wait(asked.values(), timeout=self._limit)
        pool.shutdown(wait=False, cancel_futures=True)
        for address, future in asked.items():
            fault = future.exception() if future.done() and not future.cancelled() else TimeoutError()
            if fault:
                log.info("cluster not read for a form", cluster=address.key, error=repr(fault))
            self._known[address] = _Read(self._clock.now(), FormReading() if fault else future.result())
