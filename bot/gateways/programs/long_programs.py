"""Child programs that outlive the bot: started at most once, adopted after a restart, ended past their time limit.

Each run has a folder. Its file `lock` is locked by the running program itself, which inherits the descriptor and
writes its own process id there before it becomes the program. So a locked file means that it runs, whoever started
it; a free one with a process id means that it ended; a free and empty one means that it never began.
"""

from __future__ import annotations

import fcntl
import glob
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bot.files import write_atomically
from bot.gateways.calls.faults import before_start
from bot.gateways.calls.threads import settle, start_thread
from bot.gateways.programs.places import Places
from steps.contract.errors import NoPlace
from steps.contract.ports import NotStarted, PlacesTaken, ProgramEnded, Running, RunState
from steps.contract.redaction import redact
from steps.contract.wording import count_things

# The shell moves the lock from its standard input to descriptor 9, writes its process id there and becomes the
# program, which keeps id and lock. No instant lies between the start and its record that a kill of the bot could hit.
START = 'exec 9<&0 </dev/null; echo $$ >&9; exec "$@"'
TAIL_BYTES = 16_000
GRACE_SECONDS = 10.0
WATCH_SECONDS = 30.0
# Whoever watches waits so long for the program to be there, which takes milliseconds.
START_SECONDS = 600.0
# What a program prints is kept up to this size, looked at this often; then its beginning and its end, a quarter each.
MOST_OUTPUT = 20 * 2**20
LOOK_SECONDS = 1.0
# A program that has begun is given so many quarters of a look to write down its process, which is a moment's work.
STARTING_LOOKS = 40


@dataclass(frozen=True)
class Run:
    """What is written down before a program starts. `started` is on the machine's monotonic clock."""

    program: str
    limit_seconds: float
    started: float


class ProgramRuns:
    """Runs under `folder`, one folder per run id. One instance for the whole program, thread-safe.

    At most so many programs run at once, and of those that were admitted so many more. `clock` must be the machine's
    monotonic clock, which goes on while the bot is down and never jumps.
    """

    def __init__(
        self,
        folder: Path,
        limit: Places,
        clock: Callable[[], float] = time.monotonic,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._folder = folder.absolute()
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._watchers: dict[str, threading.Thread] = {}
        self._limit = limit
        self._admitted = set[str]()
        # those of a bot before this one count as well
        self._places = {place.name for place in self.list_folders("") if _is_locked(place)}

    def start(
        self,
        run_id: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        limit_seconds: float,
        keep_alive: Callable[[], None] = lambda: None,
    ) -> bool:
        """Start a program unless this run was ever begun; whether it was started now. Raises OSError, TryAgain.

        `keep_alive` is called now and then while this bot watches the program.
        """
        place = self._place(run_id)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock, (place / "lock").open("a+b") as lock:
            if not _take_lock(lock.fileno()) or _read_pid(place):
                return False
            if others := self._count_if_full(place):
                raise refuse_place(PlacesTaken(others))
            run = Run(arguments[0], limit_seconds, self._clock())
            write_atomically(place / "run.json", json.dumps(asdict(run)).encode())
            self._watch_one(run_id, keep_alive, lambda: _spawn(place, lock.fileno(), arguments, environment))
            self._places.add(place.name)
            self._admitted.discard(place.name)
            return True

    def observe(self, run_id: str) -> RunState:
        """How the run stands; one that is past its limit is told to end, and killed after the grace time."""
        place = self._place(run_id)
        if not (place / "lock").exists():
            return self._find_place(place)
        with self._lock:
            locked = _is_locked(place)
        if locked:
            if run_id not in self._watchers:  # a bot before this one started it
                cap_output(place / "output")
            return Running(self._enforce_limit(place), self.read_output(run_id))
        if not _read_pid(place):
            return self._find_place(place)
        self._join(run_id)
        timed_out = (place / "terminated").exists()
        return ProgramEnded(_read_exit_code(place), self.read_output(run_id), timed_out)

    def list_running(self, prefix: str) -> tuple[str, ...]:
        """The runs whose ids begin so and that still run. It costs what runs, not what ever ran."""
        with self._lock:
            self._drop_ended()
            return tuple(sorted(name for name in self._places if _belongs(name, prefix)))

    def list_folders(self, prefix: str) -> list[Path]:
        """The folders of the runs whose ids begin so, ended ones too; where a number follows, it is another's.

        No prefix finds all: a cluster's key may begin with a digit.
        """
        found = sorted(lock.parent for lock in self._folder.glob(f"{glob.escape(prefix)}*/lock"))
        return [place for place in found if _belongs(place.name, prefix)]

    def wait_for_all(self, seconds: float, hurry: threading.Event) -> tuple[str, ...]:
        """Wait for every program, until somebody is in a hurry or the time is over; answers those that still run."""
        ends = self._clock() + seconds
        while (running := self.list_running("")) and self._clock() < ends and not hurry.wait(LOOK_SECONDS / 4):
            continue
        for run_id in [run_id for run_id in self._watchers if run_id not in running]:
            self._join(run_id)
        return running

    def end_all(self) -> None:
        """Tell every program to end, kill those that do not, and note how they ended."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for place in map(self._place, self.list_running("")):
                if group := _wait_for_pid(place):
                    with suppress(ProcessLookupError):
                        os.killpg(group, number)
            self.wait_for_all(self._grace_seconds, threading.Event())

    def read_output(self, run_id: str, most: int = TAIL_BYTES) -> str:
        """The last part of what the program wrote."""
        try:
            with (self._place(run_id) / "output").open("rb") as output:
                size = output.seek(0, os.SEEK_END)
                output.seek(max(0, size - most))
                return redact(output.read().decode("utf-8", "replace"))
        except FileNotFoundError:
            return ""

    def wait_for_end(self, run_id: str, timeout: float) -> bool:
        """Block until the run has ended and its exit code is noted, or `timeout` seconds are over."""
        place = self._place(run_id)
        waiter = threading.Thread(target=_wait_until_free, args=(place,), daemon=True, name=f"wait-{run_id}")
        waiter.start()
        waiter.join(timeout)
        if waiter.is_alive():
            return False
        self._join(run_id)
        return True

    def admit(self, run_id: str) -> None:
        """Let a run, where it is not begun yet, have a place beyond those that all others wait for."""
        with self._lock:
            self._admitted.add(self._place(run_id).name)

    def _find_place(self, place: Path) -> NotStarted | PlacesTaken:
        """Whether a run that was never begun could be."""
        with self._lock:
            others = self._count_if_full(place)
        return PlacesTaken(others) if others else NotStarted()

    def _count_if_full(self, place: Path) -> int:
        """How many programs run where that leaves this one no place, 0 while it has one. Under the lock."""
        most = self._limit.most + (self._limit.spare if place.name in self._admitted else 0)
        if len(self._places) >= most:
            self._drop_ended()
        return len(self._places) if len(self._places) >= most else 0

    def _drop_ended(self) -> None:
        """Count no more what has ended; under the lock. A run that has ended is never begun again."""
        self._places = {name for name in self._places if _is_locked(self._folder / name)}

    def _enforce_limit(self, place: Path) -> float:
        """The seconds since the start of a locked run, ended where they are too many."""
        run, pid = _read_run(place), _read_pid(place)
        seconds = max(0.0, self._clock() - run.started)
        overdue = seconds - run.limit_seconds
        if pid and overdue > 0:
            (place / "terminated").touch()
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM if overdue < self._grace_seconds else signal.SIGKILL)
        return seconds

    def _watch_one(
        self, run_id: str, keep_alive: Callable[[], None], spawn: Callable[[], subprocess.Popen[bytes]]
    ) -> None:
        """Start a program once there is a thread to watch it: one that nobody watches would end unseen."""
        started: Future[subprocess.Popen[bytes]] = Future()
        watch = partial(self._note_end, self._place(run_id), started, keep_alive)
        watcher = start_thread(watch, f"watch-{run_id}")
        settle(started, spawn)
        started.result(0)
        self._watchers[run_id] = watcher

    def _note_end(self, place: Path, started: Future[subprocess.Popen[bytes]], keep_alive: Callable[[], None]) -> None:
        """Note the exit code of a program that ends while this bot watches it."""
        if started.exception(START_SECONDS):
            return
        process = started.result(0)
        for looks in itertools.count(1):
            try:
                code = process.wait(LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                cap_output(place / "output")
                if looks % (WATCH_SECONDS // LOOK_SECONDS) == 0:
                    self._enforce_limit(place)
                    keep_alive()
        cap_output(place / "output")
        with suppress(OSError):
            write_atomically(place / "exit", str(code).encode())

    def _join(self, run_id: str) -> None:
        with self._lock:
            watcher = self._watchers.pop(run_id, None)
        if watcher is not None:
            watcher.join(WATCH_SECONDS)

    def find_folder(self, run_id: str) -> Path:
        """The folder of a run, whether it was begun or not."""
        return self._place(run_id)

    def _place(self, run_id: str) -> Path:
        return self._folder / run_id.replace("/", "_").replace("..", "_")


def refuse_place(taken: PlacesTaken) -> NoPlace:
    """Another program took the last place."""
    return NoPlace(
        f"waits for a place: no more than {count_things(taken.others, 'other program')} may run at once", 2.0
    )


def cap_output(path: Path) -> None:
    """Leave out the middle of what grew too large; the writer appends, so what comes meanwhile is kept or left out."""
    with suppress(OSError):
        size = path.stat().st_size
        if size <= MOST_OUTPUT:
            return
        part = MOST_OUTPUT // 4
        with path.open("r+b") as output:
            output.seek(size - part)
            end = output.read(part)
            output.truncate(part)
        with path.open("ab") as output:
            output.write(f"\n… {size - 2 * part} bytes left out …\n".encode() + end)


def _spawn(place: Path, lock: int, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with before_start(arguments[0]), (place / "output").open("ab") as output:
        return subprocess.Popen(
            ["/bin/sh", "-c", START, "sh", *arguments],
            stdin=lock,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=place,
            start_new_session=True,
        )


def _take_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _belongs(name: str, prefix: str) -> bool:
    """Whether a run's id begins so; no prefix finds all, as a cluster's key may begin with a digit."""
    return name.startswith(prefix) and not (prefix and name.removeprefix(prefix)[:1].isdigit())


def _is_locked(place: Path) -> bool:
    """Whether its program runs; one whose folder somebody removed is nobody's any more."""
    try:
        with (place / "lock").open("rb") as lock:
            return not _take_lock(lock.fileno())
    except FileNotFoundError:
        return False


def _wait_until_free(place: Path) -> None:
    with (place / "lock").open("rb") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)


def _wait_for_pid(place: Path) -> int:
    """The process that a program wrote down as its first act; 0, which would be the bot's own group, where none did."""
    for _ in range(STARTING_LOOKS):
        if pid := _read_pid(place):
            return pid
        time.sleep(LOOK_SECONDS / 4)
    return 0


def _read_pid(place: Path) -> int:
    text = (place / "lock").read_text().strip()
    return int(text) if text.isdecimal() else 0


def _read_run(place: Path) -> Run:
    return Run(**json.loads((place / "run.json").read_text()))


def _read_exit_code(place: Path) -> int | None:
    try:
        return int((place / "exit").read_text())
    except (FileNotFoundError, ValueError):
        return None
