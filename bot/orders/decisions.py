"""How a question is decided: by its first decider, by as many as it takes, or by one who breaks the glass."""

from __future__ import annotations

from datetime import datetime

from bot.clicks.orders import BreakGlass, CardOrder, Judgement
from bot.clock import Clock
from bot.journal.grounds import JOURNAL
from bot.journal.journal import Journal
from bot.journal.rows import Question, UpgradeRow
from bot.orders.cards import GLASS, CardCopy, Cards
from bot.orders.consents import Consents
from bot.orders.judging import (
    check_person,
    check_time,
    judge_decision,
    lacks_confirmation,
    list_buttons,
    name_choice,
    needs_button,
)
from bot.orders.targets import Refusal, Targets
from bot.settings.clusters import Cluster
from bot.telling.phrases import describe_state, mention, name_done
from bot.transitions import Taken, Transitions
from steps.contract.cards import DENY
from steps.contract.wording import name_phase

DOUBTED = (
    "Nothing was decided: what the journal says of this upgrade is not what this bot wrote, or its key was lost since. "
    "That is asked about first, in its thread."
)


class Decisions:
    """Settles decisions; each joins the transaction of its caller. Raises Refusal.

    Who is first, or who gives the last approval that is needed, decides; everybody after is told who did.
    """

    def __init__(
        self,
        targets: Targets,
        cards: Cards,
        consents: Consents,
        journal: Journal,
        transitions: Transitions,
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._cards = cards
        self._consents = consents
        self._journal = journal
        self._transitions = transitions
        self._clock = clock

    def decide(self, order: Judgement, by: str, received_at: datetime) -> str | CardCopy:
        """Take a choice of the question that the order is about; answers what is told to the person.

        Whoever lets the upgrade act has to have seen the card: with a command that does not name it by its code, and
        with one that has not reached them, nothing is decided and they are shown the card. A command that names it is
        answered on a production cluster with the numbers and one button, which decides; so is a click that should have
        been asked once more and was not.
        """
        row, cluster = self._targets.find_upgrade(order)
        question = self.find_question(order, row)
        check_person(order, by, row, question, cluster.policy)
        if unseen := self._find_unseen(order, by, question):
            return self._cards.copy(question, list_buttons(question, cluster.policy.production), unseen)
        presses = needs_button(order, cluster.policy)
        choice = judge_decision(order, row, question, presses=presses)
        if choice != DENY.id:
            check_time(question, received_at, self._clock.now())
            if not self._journal.standing.is_proven(row.id) and JOURNAL not in question.binding:
                self._transitions.doubt(row)
                return DOUBTED
        option = next(one for one in list_buttons(question, cluster.policy.production) if one.id == choice)
        if presses or lacks_confirmation(order, option):
            button = GLASS if isinstance(order, BreakGlass) else option
            return self._cards.offer(question, button, order.reason.strip())
        if isinstance(order, BreakGlass):
            told, hidden = _announce(order, by, row, cluster), bool(self._cards.find_refusal(question))
            return self._take(row, Taken(question, choice, by, order.reason.strip(), "", told, hidden))
        if choice == DENY.id:
            return self._take(row, Taken(question, choice, by, order.reason.strip()))
        given = self._consents.give(row, Taken(question, choice, by, order.reason.strip()), cluster.policy)
        return self._take(row, given) if isinstance(given, Taken) else given

    def _find_unseen(self, order: Judgement, by: str, question: Question) -> str:
        """Why this person can't have read what they decide, "" where they can."""
        if name_choice(order) == DENY.id or not question.choices:
            return ""
        # whom nobody can witness is announced to each directly
        if not isinstance(order, BreakGlass) and (why := self._cards.find_refusal(question)):
            raise Refusal(
                f"Nothing was decided: nobody can see the card of {question.upgrade}, so it can't be approved. {why}. "
                "Once it stands in its channel it can be; until then you can pause, deny, abort, take back what was "
                "written, and break the glass where that is allowed."
            )
        if not order.step and order.code.upper() != question.code:
            return _describe_code(order.code)
        if not self._cards.was_delivered(question, by, pressed=bool(order.step)):
            return "the card has not reached Slack yet, so nobody can have read it. This is what it says."
        return ""

    def find_question(self, order: CardOrder, row: UpgradeRow) -> Question:
        """The open question that a card or a command is about."""
        if order.step:
            question = self._journal.find_question(row.id, order.step, order.generation)
            if question is None:
                raise Refusal("That card belongs to no question of this bot.")
        else:
            question = self._journal.find_open_question(row.id)
        if question is None:
            raise Refusal(f"Nothing to decide on {row.id}: {describe_state(row)}.")
        if question.state != "open":
            raise Refusal(self._describe_decided(question))
        return question

    def _take(self, row: UpgradeRow, taken: Taken) -> str:
        if not self._transitions.decide(row, taken):
            raise Refusal(self._describe_decided(taken.question))
        return f"You {name_done(taken.choice)} {name_phase(row.step)} of {row.id}."

    def _describe_decided(self, question: Question) -> str:
        current = self._journal.find_question(question.upgrade, question.step, question.generation) or question
        phase = name_phase(question.step)
        if current.state == "decided":
            done = name_done(current.choice)
            return f"Too late: {phase} of {question.upgrade} was already {done} by {mention(current.decided_by)}."
        return f"That card is not current any more ({current.state}); see the newest one in the thread."


def _describe_code(code: str) -> str:
    if not code:
        return "a command that decides names the card by its code. This is the card that is open."
    return f"`{code[:20]}` is not the code of the card that is open. This is it."


def _announce(order: BreakGlass, by: str, row: UpgradeRow, cluster: Cluster) -> str:
    """What the thread is told, with a mention of everybody who was passed over."""
    others = " ".join(map(mention, sorted(cluster.policy.approvers - {by})))
    phase = name_phase(row.step)
    return f"🚨 glass broken: {phase} approved alone by {mention(by)}: {order.reason.strip()} {others}".rstrip()
