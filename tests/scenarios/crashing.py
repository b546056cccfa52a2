"""Whole upgrades that are crashed on purpose, and what they leave behind."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.clicks.clicks import Click
from bot.clicks.orders import Rollback
from bot.journal.outbox import name_card
from bot.journal.records import ENDED
from bot.journal.rows import UpgradeRow
from bot.journal.store import Store
from tests.scenarios.records import find_doubled_programs, find_repeated, list_decisions, list_milestones, sum_ledger
from tests.scenarios.rig import ANA, BEN, CHANNEL, Rig, World
from tests.unit.bot.workbench import write_click


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
    rig.bot.upgrades.receive(write_click("start", "start", ANA, rig.world.clock.now(), "cluster-x", channel=CHANNEL))


def consent(rig: Rig, row: UpgradeRow) -> None:
    """Ben takes the first choice of the open question; a redelivery after a crash has the same id."""
    question = rig.bot.journal.find_open_question(row.id)
    assert question is not None
    rig.bot.upgrades.receive(
        write_click(
            f"click-{row.id}-{question.generation}",
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


def is_card_posted(rig: Rig, row: UpgradeRow) -> bool:
    """Whether Ben can see the card: nobody presses a button that isn't there yet."""
    slot = name_card(row.step, row.generation)
    rows = rig.bot.store.read("select ts from outbox where upgrade = ? and slot = ?", [row.id, slot])
    return bool(rows and rows[0]["ts"])


def take_back(rig: Rig) -> None:
    """Ana orders the way back; a redelivery after a crash has the same id."""
    order = Rollback("cluster-x", "the new proxies leak")
    rig.bot.upgrades.receive(Click("rollback", ANA, rig.world.clock.now(), order, channel=CHANNEL))


def run_upgrade(world: World, saboteur: Saboteur | None) -> Records:
    """One whole upgrade; every crash is followed by a bot built anew over the same files."""
    return run_to_end(world, saboteur, "cluster-x-1")


def run_return(world: World, saboteur: Saboteur | None) -> Records:
    """One whole upgrade that nothing disturbs, then its way back, in which the bot is crashed."""
    if saboteur:
        saboteur.armed = False
    return run_to_end(world, saboteur, "cluster-x-2")


def run_to_end(world: World, saboteur: Saboteur | None, upgrade: str) -> Records:
    """Run until this upgrade has ended, the one before it included."""
    rig = Rig(world, in_slack=False)
    crashes = 0
    if saboteur:
        rig.on_commit = saboteur.strike
        saboteur.watch(rig.bot.store)
    while True:
        try:
            row = next(iter(rig.bot.journal.list_upgrades()), None)
            unsent = rig.bot.outbox.list_unsent(world.clock.now())
            if row and row.state in ENDED and row.id == upgrade and not unsent:
                break
            if row and row.state in ENDED and row.id != upgrade:
                arm(saboteur)
                take_back(rig)
            assert row is None or row.state != "blocked", rig.describe()
            if row is None:
                start(rig)
            elif row.state == "asking" and is_card_posted(rig, row):
                consent(rig, row)
            rig.pass_time(rig.turn())
        except Crash:
            crashes += 1
            rig.crash()
            rig.restart()
            assert saboteur is not None
            with suppress(Crash):
                saboteur.watch(rig.bot.store)
    records = Records(
        list_effects(world),
        sum_ledger(rig, upgrade),
        list_decisions(rig, upgrade),
        list_milestones(world),
        find_repeated(world),
        find_doubled_programs(rig),
        crashes,
    )
    rig.crash()
    return records


def arm(saboteur: Saboteur | None) -> None:
    """Let it strike from now on."""
    if saboteur:
        saboteur.armed = True


def report_counts(records: Records) -> None:
    """Print what the run counted, whatever pytest captures."""
    lost = sum(1 for _, choice, _ in records.decisions if not choice)
    sys.__stderr__.write(  # type: ignore[union-attr]
        f"\ncrash after each write: {records.crashes} kills, programs started twice {len(records.doubled)}, "
        f"lost approvals {lost}, repeated messages {len(records.repeated)}\n"
    )


def list_effects(world: World) -> list[Any]:
    """The cluster's objects; of ReplicaSets, which their controller scales in its own rhythm, no generation."""
    return strip_effects(world.cluster.canonical_state())


def strip_effects(objects: list[Any]) -> list[Any]:
    """The same for objects read over HTTP."""
    for found in objects:
        if found["kind"] == "ReplicaSet":
            found["metadata"].pop("generation", None)
    return objects
