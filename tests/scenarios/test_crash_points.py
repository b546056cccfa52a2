"""A bot that loses all but its files after each distinct write of an upgrade still ends where a quiet one does."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.journal import UpgradeRow
from bot.records import Click
from bot.store import Store
from tests.scenarios.records import (
    find_doubled_programs,
    find_repeated,
    list_decisions,
    list_milestones,
    sum_ledger,
)
from tests.scenarios.rig import ANA, BEN, CHANNEL, Rig, World, open_world

# A crash closes nothing: what it leaves open is collected while these tests run.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class Crash(BaseException):
    """The bot is gone; no handler of the program may catch it."""


@dataclass
class Saboteur:
    """Crashes the bot after each commit that writes something new; numbers and times make no difference."""

    armed: bool = True
    seen: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)

    def watch(self, store: Store) -> None:
        """Note every statement of this store."""
        with store.transact() as db:
            db.conn.set_trace_callback(self.pending.append)

    def strike(self) -> None:
        """Called after each commit."""
        written = "\n".join(re.sub(r"\d+\.\d+", "#", line) for line in self.pending if is_write(line))
        self.pending.clear()
        if self.armed and written and written not in self.seen:
            self.seen.add(written)
            raise Crash


def is_write(statement: str) -> bool:
    """Whether a statement changes a table."""
    return statement.lstrip().lower().startswith(("insert", "update", "delete"))


@dataclass
class Records:
    """What is compared."""

    cluster: Any
    ledger: Any
    decisions: Any
    milestones: Any
    repeated: list[str]
    doubled: list[str]
    crashes: int = 0


def start(rig: Rig) -> None:
    """Ana starts the upgrade; a redelivery after a crash has the same id."""
    rig.bot.upgrades.receive(Click("start", "start", ANA, rig.world.clock.now(), "cluster-x", channel=CHANNEL))


def consent(rig: Rig, row: UpgradeRow) -> None:
    """Ben takes the first choice of the open question; a redelivery after a crash has the same id."""
    question = rig.bot.journal.find_open_question(row.id)
    assert question is not None
    rig.bot.upgrades.receive(
        Click(
            f"click-{question.generation}",
            "decide",
            BEN,
            rig.world.clock.now(),
            row.id,
            question.step,
            question.generation,
            question.choices[0].id,
            channel=CHANNEL,
        )
    )


def run_upgrade(world: World, saboteur: Saboteur | None) -> Records:
    """One whole upgrade; every crash is followed by a bot built anew over the same files."""
    rig = Rig(world, in_slack=False)
    crashes = 0
    if saboteur:
        rig.on_commit = saboteur.strike
        saboteur.watch(rig.bot.store)
    while True:
        try:
            row = next(iter(rig.bot.journal.list_upgrades()), None)
            if row and row.state in ("upgraded", "aborted") and not rig.bot.outbox.list_unsent(world.clock.now()):
                break
            assert row is None or row.state != "blocked", rig.describe()
            if row is None:
                start(rig)
            elif row.state == "asking":
                consent(rig, row)
            pause = rig.turn()
            world.clock.advance(min(pause, 0.5) if rig.wait_for_programs() else pause)
        except Crash:
            crashes += 1
            rig.crash()
            rig.restart()
            assert saboteur is not None
            with suppress(Crash):
                saboteur.watch(rig.bot.store)
    records = Records(
        list_effects(world),
        sum_ledger(rig),
        list_decisions(rig),
        list_milestones(world),
        find_repeated(world),
        find_doubled_programs(rig),
        crashes,
    )
    rig.crash()
    return records


def report_counts(records: Records) -> None:
    """Print what the run counted, whatever pytest captures."""
    lost = sum(1 for _, choice, _ in records.decisions if not choice)
    sys.__stderr__.write(  # type: ignore[union-attr]
        f"\ncrash after each write: {records.crashes} kills, programs started twice {len(records.doubled)}, "
        f"lost approvals {lost}, repeated messages {len(records.repeated)}\n"
    )


def list_effects(world: World) -> list[Any]:
    """The cluster's objects; of ReplicaSets, which their controller scales in its own rhythm, no generation."""
    objects = world.cluster.canonical_state()
    for found in objects:
        if found["kind"] == "ReplicaSet":
            found["metadata"].pop("generation", None)
    return objects


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """An upgrade that nothing disturbs."""
    with open_world(tmp_path_factory.mktemp("quiet"), rate_limits=False) as world:
        return run_upgrade(world, None)


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """An upgrade with a crash after each distinct write of the journal."""
    with open_world(tmp_path_factory.mktemp("disturbed"), rate_limits=False) as world:
        records = run_upgrade(world, Saboteur())
    report_counts(records)
    return records


def test_it_was_crashed_more_than_a_hundred_times(disturbed: Records) -> None:
    """The test would prove nothing otherwise."""
    assert disturbed.crashes > 100


def test_the_cluster_ends_the_same(disturbed: Records, quiet: Records) -> None:
    """Generations are part of the state: a doubled effect would show."""
    assert disturbed.cluster == quiet.cluster


def test_the_ledger_ends_the_same(disturbed: Records, quiet: Records) -> None:
    """No pod is lost or counted twice."""
    assert disturbed.ledger == quiet.ledger


def test_no_approval_is_lost_and_no_gate_opens_by_itself(disturbed: Records, quiet: Records) -> None:
    """The same questions, each decided once by the same person."""
    assert disturbed.decisions == quiet.decisions


def test_each_thread_message_stands_once(disturbed: Records) -> None:
    """After an ambiguous post Slack is asked before it is posted again."""
    assert disturbed.repeated == []


def test_the_thread_tells_the_same(disturbed: Records, quiet: Records) -> None:
    """Nothing is left out, nothing is said twice."""
    assert disturbed.milestones == quiet.milestones


def test_no_program_is_started_twice(disturbed: Records) -> None:
    """A running program is adopted after a restart."""
    assert disturbed.doubled == []


def test_the_quiet_run_is_what_it_should_be(quiet: Records) -> None:
    """Two equal failures would compare well."""
    states = {state for (_, state) in quiet.ledger}
    assert states == {"upgraded", "manual"}


def test_a_write_that_differs_only_in_its_time_is_struck_once() -> None:
    """A saboteur strikes once for a write that differs in nothing but its time."""
    saboteur = Saboteur()
    saboteur.pending.append("update upgrades set due = 12.5")
    with suppress(Crash):
        saboteur.strike()
    saboteur.pending.append("update upgrades set due = 99.25")
    saboteur.strike()
    assert len(saboteur.seen) == 1
