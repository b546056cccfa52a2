"""One bot for a long time at six times the pace: upgrade, way back, upgrade; what it holds and costs stays as it is."""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.watching.messages import consent, kind_of
from tests.bench.findings import Finding
from tests.scenarios.container import Life, Site, begin_life, open_site
from tests.scenarios.rig import ANA, BEN, CHANNEL

# How many minutes; BENCH_MINUTES names another number.
MINUTES = float(os.environ.get("BENCH_MINUTES", "20"))
SPEED = "6"
TITLE = f"{MINUTES:g} minutes at {SPEED} times the pace, one upgrade and way back after another"
LOOK_SECONDS = 2.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Look:
    """What the bot holds at a moment, and what it has cost until then."""

    at: float
    memory: float
    threads: int
    descriptors: int
    temporary: int
    cpu: float


def measure() -> list[Finding]:
    """By the slope over the second half, as growth from its begin to its end."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        with open_site(Path(folder) / "sandbox", SPEED) as site:
            environment = {**site.addresses["environment"], "TMPDIR": str(temporary)}
            site = Site({**site.addresses, "environment": environment}, site.http)
            with begin_life(site, (), Path(folder) / "bot.log", 60.0) as life:
                looks = watch(site, life, temporary)
                ended = count_ended(site)
    half = [look for look in looks if look.at - looks[0].at >= MINUTES * 30]
    return [
        Finding("upgrades and ways back that ended", ended, "of them", max(1, MINUTES // 5), at_least=True, how=load()),
        *judge(half),
    ]


def judge(half: Sequence[Look]) -> list[Finding]:
    """What grew over the second half."""
    last = half[-1]
    costs = [
        (later.at, (later.cpu - sooner.cpu) / (later.at - sooner.at) * 100)
        for sooner, later in itertools.pairwise(half)
    ]
    mean = statistics.fmean(cost for _, cost in costs)
    return [
        grow("memory", [(look.at, look.memory / 1e6) for look in half], "MB", 5, f"RSS, {last.memory / 1e6:.0f} MB"),
        grow("threads", [(look.at, look.threads) for look in half], "threads", 2, f"{last.threads} at the end"),
        grow("descriptors", [(look.at, look.descriptors) for look in half], "open", 3, f"{last.descriptors} then"),
        grow("temporary files", [(look.at, look.temporary) for look in half], "files", 1, f"{last.temporary} then"),
        grow("processor", costs, "% of a core", mean / 4, f"{mean:.1f} % on average, a quarter of that allowed"),
    ]


def grow(what: str, points: list[tuple[float, float]], unit: str, bound: float, how: str) -> Finding:
    """A finding about a straight line through what was seen."""
    return Finding(f"{what}: grown by", find_growth(points), unit, bound, how=how)


def find_growth(points: Sequence[tuple[float, float]]) -> float:
    """What a straight line through the points rises by from the first to the last."""
    times, values = zip(*points, strict=True)
    return float(statistics.linear_regression(times, values).slope * (times[-1] - times[0]))


def watch(site: Site, life: Life, temporary: Path) -> list[Look]:
    """Look each few seconds, while people have the cluster upgraded and taken back again and again."""
    looks: list[Look] = []
    person, end = Person(site), time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        person.act()
        looks.append(look_at(life.pid, temporary))
        time.sleep(LOOK_SECONDS)
    return looks


def look_at(pid: int, temporary: Path) -> Look:
    """From /proc: proc(5)."""
    proc = Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return Look(
        time.monotonic(),
        int((proc / "statm").read_text().split()[1]) * PAGE,
        int(fields[17]),
        len(list((proc / "fd").iterdir())),
        sum(1 for _ in temporary.rglob("*")),
        (int(fields[11]) + int(fields[12])) / TICKS,
    )


class Person:
    """Has the cluster upgraded, taken back and upgraded again, and gives each approval once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._given: set[str] = set()

    def act(self) -> None:
        """Do what there is to do."""
        if not self._site.ask("page", "/ui/state")["bot"]["connections"]:
            return
        with self._site.open_journal() as stored:
            rows = stored.read("select id, state, ended_at from upgrades order by created_at desc limit 1")
        if not rows or rows[0]["ended_at"]:
            order = "rollback cluster-x soak" if rows and rows[0]["state"] == "upgraded" else "start cluster-x"
            self._do_once(f"{order} {rows}", "command", user=ANA, text=f"/asm-upgrade {order}")
        for message in self._site.read_messages():
            assert kind_of(message) != "blocked" or not consent(message), message["text"]
            if kind_of(message) == "gate" and (button := consent(message)):
                self._do_once(message["ts"], "click", user=BEN, ts=message["ts"], action_id=button["action_id"])

    def _do_once(self, what: str, act: str, **body: str) -> None:
        if what not in self._given:
            self._site.tell("page", f"/ui/{act}", channel=CHANNEL, **body)
            self._given.add(what)


def count_ended(site: Site) -> int:
    """How often the cluster has come to an end of an upgrade, either way."""
    with site.open_journal() as stored:
        return int(stored.read("select count(*) as n from upgrades where state in ('upgraded', 'returned')")[0]["n"])


def load() -> str:
    """What else the machine has to do."""
    return f"load {os.getloadavg()[2]:.0f} on {os.cpu_count()} cores"
