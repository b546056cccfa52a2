"""Small pieces of the sentences that people are answered with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from bot.journal.records import ENDED, OPERATOR
from bot.journal.rows import UpgradeRow
from steps.contract.cards import Card
from steps.contract.step import Ask, Blocked, Done, Outcome, Waiting
from steps.contract.wording import Aside, Command, Person, name_phase, write_named

FIGURE = re.compile(r"[0-9]+")
COUNTED = re.compile(r"\b([0-9]{1,9})(?:/| of )([0-9]{1,9})")


def describe_state(row: UpgradeRow) -> str:
    """Where an upgrade stands, as the second half of a sentence."""
    if row.state in ENDED:
        return f"it is {row.state}"
    if row.paused_by:
        return f"it is paused by {mention(row.paused_by)}"
    words = {"running": "it is running", "asking": "it waits for an approval", "blocked": "it is blocked"}
    return f"{words[row.state]} at {name_phase(row.step)}"


def name_done(choice: str) -> str:
    """The past tense of a choice: approve becomes approved, `keep:Service/a/b` becomes kept Service/a/b."""
    words = {
        "approve": "approved",
        "deny": "denied",
        "retry": "retried",
        "skip": "skipped",
        "keep": "kept",
        "through": "approved through",
        "approve:healthy": "approved in part",
    }
    if choice in words:
        return words[choice]
    choice, _, one = choice.partition(":")
    if one:
        return f"{name_done(choice)} {one}"
    return f"{choice}ed" if not choice.endswith("e") else f"{choice}d"


def mention(user: str) -> str:
    """A person in a sentence, or the command line of the bot's machine."""
    return "the command line" if user == OPERATOR else f"<@{user}>"


def describe_roughly(sentence: str) -> str:
    """A sentence without its figures, and how far it is in tenths: what has to change before it is told again."""
    counted = COUNTED.search(sentence)
    done, total = (int(counted[1]), int(counted[2])) if counted else (0, 0)
    tenth = 10 * min(done, total) // total if total else 0
    return f"{FIGURE.sub('#', sentence)} {tenth}/10" if sentence else ""


def list_names(names: Iterable[str]) -> str:
    """Names with commas between them, or none."""
    return ", ".join(names) or "none"


def word_outcome(outcome: Outcome) -> Outcome:
    """What a step answered, with the people and commands in its sentences as the thread and the journal have them."""
    match outcome:
        case Done():
            return replace(outcome, sentence=word_sentence(outcome.sentence), card=_word_card(outcome.card))
        case Waiting():
            return replace(outcome, why=word_sentence(outcome.why), details=_word_lines(outcome.details))
        case Ask():
            card, moved = _word_card(outcome.card) or outcome.card, _word_lines(outcome.moved)
            return replace(outcome, question=word_sentence(outcome.question), card=card, moved=moved)
        case Blocked():
            return replace(outcome, why=word_sentence(outcome.why), remedy=word_sentence(outcome.remedy))
        case _:
            assert_never(outcome)


def word_said(sentence: str) -> str:
    """What a step says beside its outcome, written out; an aside stays one."""
    return Aside(word_sentence(sentence)) if isinstance(sentence, Aside) else word_sentence(sentence)


def word_sentence(sentence: str) -> str:
    """A step's sentence with the people and commands in it written out."""
    return write_named(sentence, _write_named)


def _write_named(named: Person | Command) -> str:
    return mention(named.id) if isinstance(named, Person) else f"`/asm-upgrade {named.words}`"


def _word_card(card: Card | None) -> Card | None:
    """The card's prose; what it holds in fixed width is copied as it is."""
    if card is None:
        return None
    facts = tuple((name, word_sentence(value)) for name, value in card.facts)
    return replace(card, summary=_word_lines(card.summary), facts=facts, risks=_word_lines(card.risks))


def _word_lines(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(word_sentence(line) for line in lines)
