"""The mTLS mode that is in force in a cluster, read when somebody is about to choose one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.discovery.search import call_waiting
from steps.mesh import ClusterAddress

# A mode is shown for this long before it is read again, and a cluster that didn't tell is left alone for as long.
KEPT = timedelta(minutes=5)
READ_SECONDS = 6.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Read:
    at: datetime
    mode: str


class MeshModes:
    """Modes by cluster. `turn` reads what is wanted; everybody else only wants and recalls, which never blocks.

    `read_mode` answers PERMISSIVE, STRICT or ""; it bounds its own time, and takes `limit` seconds at most here.
    """

    def __init__(self, read_mode: Callable[[ClusterAddress], str], clock: Clock, limit: float = READ_SECONDS) -> None:
        self._read_mode = read_mode
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._known: dict[ClusterAddress, _Read] = {}
        self._wanted: list[tuple[ClusterAddress, Callable[[], None]]] = []

    def recall(self, address: ClusterAddress) -> str:
        """The mode that was read lately, "" for unknown."""
        found = self._find(address)
        return found.mode if found else ""

    def want(self, address: ClusterAddress, then: Callable[[], None]) -> None:
        """Have the mode read unless that was done lately; `then` is called afterwards, from another thread."""
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
        pool = ThreadPoolExecutor(len(addresses), thread_name_prefix="mode")
        asked = {address: pool.submit(self._read_mode, address) for address in addresses}
        wait(asked.values(), timeout=self._limit)
        pool.shutdown(wait=False, cancel_futures=True)
        for address, future in asked.items():
            fault = future.exception() if future.done() and not future.cancelled() else TimeoutError()
            if fault:
                log.info("mTLS mode not read", cluster=address.key, error=repr(fault))
            self._known[address] = _Read(self._clock.now(), "" if fault else future.result())
