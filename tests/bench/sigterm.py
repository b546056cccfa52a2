"""The bot as process 1 of a container, told to stop at random moments of upgrades that go on by themselves."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.findings import Finding
from tests.namespaces import Apart, find_way_apart
from tests.scenarios.container import Person, Site, begin_life, has_ended, list_faults, open_site, wait_until

TITLE = "SIGTERM at random moments, the bot as process 1 of a container"
SEED, STOPS = 4711, 50
# No more stops are begun after so long, whatever the machine has to do besides; BENCH_MINUTES gives it other time.
MOST_SECONDS = float(os.environ.get("BENCH_MINUTES", "13")) * 60
# Three lives in four are counted from when Slack has the bot, so that a busy machine has upgrades that go on, too.
LIFE_SECONDS = (0.0, 8.0)
CONNECTED = 0.75
# A container that has time, and one that has next to none.
GRACES = (120.0, 0.5)


@dataclass
class Course:
    """What came of the stops so far."""

    codes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    upgrades: int = 0
    met: Counter[str] = field(default_factory=Counter)


def measure() -> list[Finding]:
    """Upgrade after upgrade, each in a sandbox of its own, until there were enough stops."""
    course, chance, apart = Course(), random.Random(SEED), find_way_apart()
    end = time.monotonic() + MOST_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        while len(course.codes) < STOPS and time.monotonic() < end:
            course.upgrades += 1
            with open_site(Path(folder) / str(course.upgrades)) as site:
                try:
                    stop_again_and_again(course, site, chance, apart, end)
                    told = list_faults(site)
                except AssertionError as fault:  # a person had to decide, or it did not end in time
                    told = [str(fault)]
            course.faults += [f"upgrade {course.upgrades}: {what}" for what in told]
    how = f"seed {SEED}, {course.upgrades} upgrades; met: " + ", ".join(
        f"{phase} {times}" for phase, times in course.met.most_common()
    )
    return [
        Finding("stops", len(course.codes), "stops", STOPS, at_least=True, how=how),
        Finding("left with another code than 0", sum(code != 0 for code in course.codes), "stops", 0, how="exit code"),
        Finding(
            "upgrades that ended otherwise than one that nothing disturbed",
            len(course.faults),
            "faults",
            0,
            how="; ".join(course.faults) or "state, ledger, approvals, audit, messages, programs",
        ),
        Finding("longest from SIGTERM to the end", max(course.seconds), "s", max(GRACES), how=f"grace {GRACES}"),
    ]


def stop_again_and_again(course: Course, site: Site, chance: random.Random, apart: Apart, end: float) -> None:
    """One upgrade; its last bot is let go on to its end."""
    person = Person(site)
    while not has_ended(site.read_messages()):
        is_last = len(course.codes) >= STOPS or time.monotonic() > end
        with begin_life(site, apart, site.state.parent / "bot.log", chance.choice(GRACES)) as life:
            if chance.random() < CONNECTED:
                wait_until(lambda: bool(site.ask("page", "/ui/state")["bot"]["connections"]), "never connected")
            until = float("inf") if is_last else time.monotonic() + chance.uniform(*LIFE_SECONDS)
            wait_until(lambda until=until: is_over(site, person, until), "not upgraded in time")  # type: ignore[misc]
            phase, begun = find_phase(site), time.monotonic()
            code = life.stop()
        if not is_last:
            course.codes.append(code)
            course.seconds.append(time.monotonic() - begun)
            course.met[phase] += 1
        person.forget()


def is_over(site: Site, person: Person, until: float) -> bool:
    """Whether the bot's time is over, or the upgrade; people do what they do meanwhile."""
    messages = site.read_messages()
    person.act(messages)
    return has_ended(messages) or time.monotonic() > until


def find_phase(site: Site) -> str:
    """The phase of the upgrade, "before it" where there is none yet."""
    if not (site.state / "asm-upgrade.db").exists():
        return "before it"
    with site.open_journal() as stored:
        rows = stored.read("select step from upgrades")
    return str(rows[0]["step"]).partition("/")[0] if rows else "before it"
