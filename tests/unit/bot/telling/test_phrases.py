"""Steps name people and commands; the thread, the journal and the command line write them one way."""

from __future__ import annotations

import pytest

from bot.telling.phrases import describe_roughly, name_done, word_outcome
from steps.contract.cards import Card, Detail
from steps.contract.step import Ask, Blocked, Done, Outcome, Waiting
from steps.contract.wording import Command, Person

BEN = Person("U0BEN00002")
START = Command("start cluster-x")


def test_people_and_commands_of_an_outcome_are_written_out() -> None:
    """In each of the four outcomes' sentences."""
    outcomes: list[Outcome] = [
        Done(f"approved by {BEN}"),
        Waiting(f"waits for {BEN}", 5.0, details=(f"asked {BEN}",)),
        Ask(f"{BEN} asks", Card("t", (f"{START} again",), risks=(f"{BEN} is away",)), {"by": str(BEN)}),
        Blocked(f"denied by {BEN}: no", f"{START} again."),
    ]

    done, waiting, ask, blocked = (word_outcome(outcome) for outcome in outcomes)

    assert done == Done("approved by <@U0BEN00002>")
    assert waiting == Waiting("waits for <@U0BEN00002>", 5.0, details=("asked <@U0BEN00002>",))
    assert isinstance(ask, Ask)
    assert (ask.question, ask.card.summary) == ("<@U0BEN00002> asks", ("`/asm-upgrade start cluster-x` again",))
    assert ask.card.risks == ("<@U0BEN00002> is away",)
    assert blocked == Blocked("denied by <@U0BEN00002>: no", "`/asm-upgrade start cluster-x` again.")


def test_what_a_decision_holds_for_and_what_is_copied_stay_as_they_are() -> None:
    """The binding is compared later and a folded part is in fixed width."""
    ask = Ask("approve?", Card("t", details=(Detail("d", (str(BEN),)),)), {"by": str(BEN)})

    worded = word_outcome(ask)

    assert worded == ask


@pytest.mark.parametrize(
    ("choice", "done"),
    [
        ("approve", "approved"),
        ("skip", "skipped"),
        ("keep", "kept"),
        ("keep:Service/a/b", "kept Service/a/b"),
        ("keep:fields", "kept fields"),
        ("approve:healthy", "approved in part"),
    ],
)
def test_a_choice_has_its_past_tense(choice: str, done: str) -> None:
    """As a card says how it was decided."""
    assert name_done(choice) == done


def test_what_goes_on_is_told_again_with_each_tenth_and_each_other_sentence() -> None:
    """Edits are few, and nobody waits for a root that stands still."""
    told = [
        describe_roughly(sentence)
        for sentence in ("31/500 pods, 96/min", "44/500 pods, 97/min", "51/500 pods, 97/min", "waits for the webhook")
    ]
    assert (told[0] == told[1], len(set(told))) == (True, 3)
