"""Reminders of a bot that is killed again and again: each in Slack once, within a minute of its time."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.journal.outbox import Outbox
from bot.reminders.tick import TICK_SECONDS
from bot.slack.sending.posting import Postbox
from sandbox.bot.settings import DEFAULTS, SIMULATED_CLUSTER
from sandbox.state_folder import StateFolder, write_private
from tests.scenarios.crashing import Crash
from tests.scenarios.rig import ANA, BEN, CAI, CHANNEL, START, HandClock, Rig, open_world
from tests.unit.bot.workbench import write_click

KILLS = 50
SEED = 1410
CLUSTERS = tuple(f"cluster-{letter}" for letter in "abcdef")
PLACES = (CHANNEL, f"D{BEN[1:]}", f"D{CAI[1:]}")
LEADS = (timedelta(hours=24), timedelta(hours=1), timedelta(minutes=10), timedelta())
LENGTH = timedelta(hours=3)
BEFORE_END = timedelta(minutes=15)
LONGEST_AWAY = 10.0


@dataclass
class Killer:
    """Kills the bot at the n-th event of a kind; each kind is another moment in the life of a reminder."""

    kind: str = ""
    left: int = 0
    kills: dict[str, int] = field(default_factory=dict)

    def aim(self, kind: str, number: int) -> None:
        """Kill at that event from now on."""
        self.kind, self.left = kind, number

    def meet(self, kind: str) -> None:
        """An event of this kind happens."""
        if kind != self.kind:
            return
        self.left -= 1
        if self.left == 0:
            raise Crash

    def count(self) -> None:
        """The bot is dead."""
        self.kills[self.kind] = self.kills.get(self.kind, 0) + 1
        self.kind = ""


@dataclass
class Told:
    """What 50 kills left in Slack."""

    kills: dict[str, int]
    planned: list[tuple[str, datetime, str]]
    messages: dict[str, list[dict[str, Any]]]

    def find(self, upgrade: str, due: datetime, place: str) -> list[dict[str, Any]]:
        """The reminders of an upgrade in a place that came within a minute of their time."""
        first, last = due.timestamp(), due.timestamp() + 60
        return [m for m in self.messages[place] if upgrade in m["text"] and first <= float(m["ts"]) <= last]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Six upgrades with their reminders over three days."""
    folder, clock = StateFolder(tmp_path_factory.mktemp("reminders")), HandClock()
    parts = [SIMULATED_CLUSTER.replace("[clusters.cluster-x]", f"[clusters.{key}]") for key in CLUSTERS]
    write_private(folder.clusters_file, "\n".join([DEFAULTS, *parts]))
    killer = Killer()
    with pytest.MonkeyPatch.context() as patch, open_world(Path(folder.root), clock) as world:
        patch_events(patch, killer)
        rig = Rig(world, on_commit=lambda: killer.meet("commit"), in_slack=False)
        times = schedule_all(rig)
        live(rig, killer, times)
        state = world.state()
        rig.crash()
    rooms = {room["id"]: room["messages"] for room in state["channels"]}
    messages = {place: [m for m in rooms[place] if is_reminder(m)] for place in PLACES}
    sys.__stderr__.write(f"\nreminders: kills {killer.kills}, messages {sum(map(len, messages.values()))}\n")  # type: ignore[union-attr]
    return Told(killer.kills, [(key, due, place) for key, due in times for place in PLACES], messages)


def patch_events(patch: pytest.MonkeyPatch, killer: Killer) -> None:
    """Let the killer see what lies between two commits."""
    post, put = Postbox.post, Outbox.put_message

    def post_and_die(*arguments: Any) -> Any:
        answer = post(*arguments)
        killer.meet("taken by Slack")
        return answer

    def put_and_die(*arguments: Any) -> None:
        put(*arguments)
        killer.meet("written, not committed")

    patch.setattr(Postbox, "post", post_and_die)
    patch.setattr(Outbox, "put_message", put_and_die)


def schedule_all(rig: Rig) -> list[tuple[str, datetime]]:
    """Ana schedules every cluster; the reminders' times by upgrade, in order."""
    chance = random.Random(SEED)
    times = []
    for number, key in enumerate(CLUSTERS):
        starts = START + timedelta(hours=25 + number * 5, minutes=chance.randrange(60))
        words = {"date": f"{starts:%Y-%m-%d}", "time": f"{starts:%H:%M}", "zone": "UTC", "for": "3h"}
        rig.bot.upgrades.receive(
            write_click(key, "schedule", ANA, rig.world.clock.now(), key, channel=CHANNEL, arguments=words)
        )
        times += [(f"{key}-1", starts - lead) for lead in LEADS] + [(f"{key}-1", starts + LENGTH - BEFORE_END)]
    rig.bot.upgrades.settle_clicks()
    return sorted(times, key=lambda time: time[1])


def live(rig: Rig, killer: Killer, times: list[tuple[str, datetime]]) -> None:
    """Live through every reminder's minute, and be killed in it."""
    chance = random.Random(SEED)
    for _, due in times:
        rig.world.clock.time = max(rig.world.clock.time, due - timedelta(seconds=chance.uniform(5, 30)))
        for _ in range(3):
            killer.aim(chance.choice(("commit", "taken by Slack", "written, not committed")), chance.randrange(1, 4))
            live_until(rig, killer, due + timedelta(seconds=20), chance)
        killer.aim("", 0)
        live_until(rig, killer, due + timedelta(seconds=90), chance)


def live_until(rig: Rig, killer: Killer, end: datetime, chance: random.Random) -> None:
    """Tick and post up to that moment; after a kill the bot is away for some seconds."""
    clock = rig.world.clock
    ticked = clock.now() - timedelta(seconds=TICK_SECONDS)
    while clock.now() < end:
        try:
            if (clock.now() - ticked).total_seconds() >= TICK_SECONDS:
                ticked = clock.now()
                rig.bot.reminders.tick()
            wait = rig.bot.announcer.turn()
            clock.advance(min(max(wait or 1.0, 0.1), 1.0))
        except Crash:
            killer.count()
            clock.advance(chance.uniform(0, LONGEST_AWAY))
            rig.crash()
            rig.restart()
            return


def is_reminder(message: dict[str, Any]) -> bool:
    """Whether a message is a reminder."""
    return ((message.get("metadata") or {}).get("event_payload") or {}).get("kind") == "reminder"


def test_it_was_killed_fifty_times(told: Told) -> None:
    """In every moment that matters: between commit and post, between post and commit, in the middle of writing."""
    assert sum(told.kills.values()) >= KILLS
    assert len(told.kills) == 3


def test_every_reminder_came_within_a_minute(told: Told) -> None:
    """In the channel and to both approvers."""
    assert [planned for planned in told.planned if not told.find(*planned)] == []


def test_no_reminder_came_twice(told: Told) -> None:
    """A post in flight at the kill is looked for by its metadata before it is repeated."""
    assert [planned for planned in told.planned if len(told.find(*planned)) > 1] == []
    assert sum(len(messages) for messages in told.messages.values()) == len(told.planned)
