"""Nothing acts on a record that this bot can't have written: a person is asked first, and what they approve counts.

The same question is asked where the key was lost: then nothing that was written with it can be told from a forgery.
"""

from __future__ import annotations

from dataclasses import replace

from bot.journal.grounds import JOURNAL, Grounds
from bot.journal.journal import Journal
from bot.journal.rows import UpgradeRow
from steps.contract.cards import Card, Detail
from steps.contract.step import Ask, Blocked, Decision, Outcome
from steps.contract.wording import Person, name_phase


class Doubts:
    """Judges what an upgrade's next act rests on."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def judge(self, row: UpgradeRow, grounds: Grounds) -> Outcome | None:
        """What comes before the step; None where it may run on these grounds."""
        if not grounds.faults:
            return None
        why = f"what the journal says of {row.id} is not what this bot wrote, or its key was lost since"
        if row.aborted_by:
            return Blocked(
                f"{why}: {describe_doubts(grounds)}",
                "Abort once more ends the upgrade as it is. Cluster-admin that it leaves bound is found by its mark at "
                "the start of the bot and daily, and taken back.",
            )
        ask = ask_about_journal(row, grounds)
        decision = self._journal.find_decision(row)
        if decision is None or not is_about_journal(decision):
            return ask
        if not decision.approves:
            return Blocked(
                f"{why}, and {Person(decision.by)} denied to go on with it: {decision.reason}",
                "Put back the journal or the key that the bot had, then retry; abort ends the upgrade.",
            )
        if decision.digest != ask.digest or not self._journal.standing.believe(row.id, grounds.digest):
            return replace(ask, moved=("what the journal says has changed since that was approved",))
        return None


def is_about_journal(decision: Decision | None) -> bool:
    """Whether a decision answers that question and none of a step."""
    return decision is not None and JOURNAL in decision.binding


def describe_doubts(grounds: Grounds) -> str:
    """What can't be proven."""
    return "; ".join(grounds.faults)


def ask_about_journal(row: UpgradeRow, grounds: Grounds) -> Ask:
    """The question whether to go on with what stands there."""
    place, phase = row.plan.index(row.step) if row.step in row.plan else 0, name_phase(row.step)
    card = Card(
        f"Journal: {row.cluster}",
        (
            "Not as this bot wrote it, or written with a key that it has no more: " + describe_doubts(grounds) + ".",
            f"Going on means to believe it: the upgrade goes on with {phase}, and what stands before that in its plan "
            "counts as done and approved. Its appointment and extensions count again.",
        ),
        facts=(
            ("stands at", phase),
            ("release", row.release),
            ("started by", str(Person(row.requester))),
        ),
        risks=(
            "Where nobody lost or replaced the bot's key, somebody wrote into its journal: deny, and compare with the "
            "decided cards in this thread, whose record `asm-upgrade verify --journal --head` looks for.",
        ),
        details=(Detail("Counts as done", tuple(row.plan[:place])),) if place else (),
    )
    return Ask(f"Go on with the upgrade of {row.cluster} as the journal has it now?", card, {JOURNAL: grounds.digest})
