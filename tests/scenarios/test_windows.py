"""A whole upgrade in windows of an hour: every approval comes at noon, and every change in the night that follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from sandbox.bot.settings import CLUSTERS
from sandbox.cluster.server.store import Change
from sandbox.state_folder import StateFolder, write_private
from tests.scenarios.rig import ANA, BEN, Rig, World, open_world
from tests.scenarios.test_downtime import DowntimeRig

WINDOWS = 'windows = [{ days = "mon-sun", hours = "02:00-03:00", zone = "UTC" }]\n'
# What only a person or the bot changes: templates and rights.
WRITTEN = frozenset(
    {"deployments", "daemonsets", "statefulsets", "clusterrolebindings", "mutatingwebhookconfigurations"}
)


@dataclass
class Diary:
    """When the cluster was changed by somebody other than its own controllers, and what was said at the gates."""

    world: World
    changes: list[tuple[str, datetime]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def note(self, change: Change) -> None:
        """Keep a change of what was asked for; a status is no such."""
        resource = change.key.partition(".")[0]
        if resource not in WRITTEN:
            return
        metadata = change.obj["metadata"]
        if change.before is None or metadata.get("generation") != change.before["metadata"].get("generation"):
            self.changes.append((f"{resource} {metadata['name']}", self.world.clock.now()))


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Diary]:
    """The upgrade, from its start to its report."""
    root = tmp_path_factory.mktemp("windows")
    write_private(StateFolder(root).clusters_file, CLUSTERS + WINDOWS)
    with open_world(root, wire=False) as world:
        diary, rig = Diary(world), DowntimeRig(world)
        world.cluster.store.listen(diary.note)
        rig.command(ANA, "start cluster-x")
        while rig.bot.journal.find_open_upgrade("cluster-x"):
            pass_gate_at_noon(rig, diary)
        rig.run_until(lambda: "took " in str(world.messages()[-3:]), 300)
        yield diary
        rig.crash()


def pass_gate_at_noon(rig: Rig, diary: Diary) -> None:
    """Wait for the next question, let the window close on it, approve its new card, and wait for the night.

    What is asked next by day is approved by day.
    """
    rig.run_until(lambda: rig._stands_still("cluster-x"))
    if rig.bot.journal.find_open_upgrade("cluster-x") is None:
        return
    rig.world.clock.time = find_next(rig, 12)
    rig.settle()
    rig.run_until(lambda: rig._stands_still("cluster-x"))
    approve_until_held(rig)
    held = rig.bot.journal.find_open_upgrade("cluster-x")
    diary.held += [held.sentence] if held else []
    rig.world.clock.time = find_next(rig, 2)
    rig.settle()


def approve_until_held(rig: Rig) -> None:
    """What only reads goes on by day, up to the next question or to what waits for the night."""
    while True:
        row = rig.bot.journal.find_open_upgrade("cluster-x")
        if row is None or is_held(rig):
            return
        assert row.state == "asking", rig.describe()
        rig.run_until(lambda asked=row: rig.approve_next(BEN, asked), 120)  # type: ignore[misc]
        rig.run_until(lambda given=row.generation: rig._moved_on("cluster-x", given), 120)  # type: ignore[misc]
        rig.run_until(lambda: is_held(rig) or rig._stands_still("cluster-x"))


def is_held(rig: Rig) -> bool:
    """Whether the upgrade waits for its window."""
    row = rig.bot.journal.find_open_upgrade("cluster-x")
    return row is not None and row.sentence.startswith("held before ")


def find_next(rig: Rig, hour: int) -> datetime:
    """The next time at which a clock in UTC shows this hour."""
    now = rig.world.clock.now()
    moment = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return moment if moment > now else moment + timedelta(days=1)


@pytest.mark.slow
def test_nothing_is_changed_outside_of_the_windows(diary: Diary) -> None:
    """Rights, control plane and sidecars alike."""
    assert diary.changes
    assert [change for change in diary.changes if change[1].hour != 2] == []


@pytest.mark.slow
def test_each_approval_is_held_until_the_window_opens(diary: Diary) -> None:
    """The phases with anything to change say so, and when they go on; access and download are done by day."""
    held = [sentence for sentence in diary.held if sentence.startswith("held before ")]
    assert [sentence.removeprefix("held before ").partition(":")[0] for sentence in held] == [
        "control plane", "validate", "sidecars", "authorization",
    ]  # fmt: skip
    assert all(": the next window is 2026-12-" in sentence for sentence in held)


@pytest.mark.slow
def test_the_report_compares_estimate_and_truth(diary: Diary) -> None:
    """Days of waiting for people and windows are in neither."""
    told = re.search(r"estimated ([\d.]+)–([\d.]+) min, took (\d+) (min|s)", str(diary.world.messages()))
    assert told
    assert told[4] == "s" or float(told[3]) <= float(told[2])
