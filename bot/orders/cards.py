"""The card that asks a question: whether it reached the person who answers, and a copy for one person alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from bot.journal.bodies import BlockedBody, GateBody
from bot.journal.outbox import Outbox, name_card
from bot.journal.rows import Question
from steps.contract.cards import Card, Choice

# No card has this button: whoever typed the command is given it.
GLASS = Choice(
    "break-glass",
    "Break the glass",
    "grave",
    needs_reason=True,
    confirm="You approve this alone, and every approver is told so at once, with your reason.",
)


@dataclass(frozen=True)
class CardCopy:
    """An answer that decides nothing and shows one person the card of `upgrade`'s open question.

    `reason` is what they gave as theirs; its buttons carry it.
    """

    text: str
    upgrade: str
    card: GateBody
    reason: str = ""


class Cards:
    """Looks cards up in the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def was_delivered(self, question: Question, by: str, pressed: bool) -> bool:
        """Whether Slack has the card, or took this person's own copy.

        `pressed`: the order came from a button. Then a post that was begun has arrived, even where Slack's answer to
        it has not.
        """
        slot = name_card(question.step, question.generation)
        return self._outbox.was_posted(question.upgrade, slot, begun=pressed) or self._outbox.has_private_copy(
            question.upgrade, by, question.step, question.generation
        )

    def find_refusal(self, question: Question) -> str:
        """Why nobody can see the card where it belongs, "" where it may be seen or is only late."""
        return self._outbox.find_refusal(question.upgrade, name_card(question.step, question.generation))

    def offer(self, question: Question, button: Choice, reason: str) -> CardCopy:
        """The numbers of the question's card with one button, for whoever typed its code, and why if they said so."""
        body = self._outbox.find_body(question.upgrade, name_card(question.step, question.generation))
        offered = GateBody(
            question=_write_question(body) or question.question,
            card=shorten_card(body.card) if isinstance(body, GateBody) and body.card else None,
            digest=question.digest,
            choices=(button,),
            step=question.step,
            generation=question.generation,
            expires_at=question.expires_at,
        )
        text = "Nothing is decided yet: this is a production cluster, and only the button here decides."
        given = f" It gives your reason: {reason}" if reason else ""
        return CardCopy(f"{text}{given}", question.upgrade, offered, reason)

    def copy(self, question: Question, buttons: Sequence[Choice], why: str) -> CardCopy:
        """The question's card for one person, with these buttons, and why nothing was decided."""
        body = self._outbox.find_body(question.upgrade, name_card(question.step, question.generation))
        shown = GateBody(
            question=_write_question(body) or question.question,
            digest=question.digest,
            choices=tuple(buttons),
            step=question.step,
            generation=question.generation,
            expires_at=question.expires_at,
            code=question.code,
        )
        if isinstance(body, GateBody):
            shown = replace(shown, card=body.card, moved=body.moved)
        return CardCopy(f"Nothing was decided: {why}", question.upgrade, shown)


def shorten_card(card: Card) -> Card:
    """The card's numbers: its facts, how long it takes, and how many risks stand on the card itself."""
    risks = (("risks on the card", str(len(card.risks))),) if card.risks else ()
    return Card(card.title, facts=(*card.facts, *risks), estimate=card.estimate)


def _write_question(body: object) -> str:
    match body:
        case GateBody():
            return body.question
        case BlockedBody():
            return " ".join(filter(None, [body.sentence, body.remedy]))
        case _:
            return ""
