"""How a question is decided: by its first decider, by as many as it takes, or by one who breaks the glass."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bot.clicks.orders import Approve, BreakGlass, CardOrder, Decide, Deny, Judgement
from bot.clock import Clock
from bot.journal.audit import Consented
from bot.journal.journal import Journal
from bot.journal.records import Action
from bot.journal.rows import Question, UpgradeRow
from bot.orders.targets import Refusal, Targets
from bot.people.rights import refuse_person
from bot.settings.clusters import Cluster
from bot.settings.policy import Policy
from bot.telling.chronicle import Chronicle
from bot.telling.phrases import describe_state, list_names, mention, name_done
from bot.transitions import Taken, Transitions
from steps.contract.cards import APPROVE, DENY


class Decisions:
    """Settles decisions; each joins the transaction of its caller. Raises Refusal.

    Who is first, or who gives the last approval that is needed, decides; everybody after is told who did.
    """

    def __init__(
        self, targets: Targets, journal: Journal, transitions: Transitions, chronicle: Chronicle, clock: Clock
    ) -> None:
        self._targets = targets
        self._journal = journal
        self._transitions = transitions
        self._chronicle = chronicle
        self._clock = clock

    def decide(self, order: Judgement, by: str) -> str:
        """Take a choice of the question that the order is about; answers what is told to the person."""
        row, cluster = self._targets.find_upgrade(order)
        question = self.find_question(order, row)
        choice = judge_decision(order, by, row, question, cluster.policy)
        if isinstance(order, BreakGlass):
            return self._take(
                row, Taken(question, choice, by, order.reason.strip(), "", _announce(order, by, row, cluster))
            )
        if choice == DENY.id:
            return self._take(row, Taken(question, choice, by, order.reason.strip()))
        return self._consent(row, Taken(question, choice, by, order.reason.strip()), cluster.policy.approvals_needed)

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

    def _consent(self, row: UpgradeRow, taken: Taken, needed: int) -> str:
        """One of the approvals that the question takes; the last one decides."""
        if needed <= 1:
            return self._take(row, taken)
        question, choice, now = taken.question, taken.choice, self._clock.now()
        before = self._journal.list_consents(question, choice)
        if taken.by in before:
            raise Refusal(
                f"You {name_done(choice)} this already; {needed - len(before)} more of the approvers are needed."
            )
        given = self._journal.add_consent(question, choice, taken.by, now)
        names = " and ".join(map(mention, given))
        if len(given) >= needed:
            return self._take(row, replace(taken, names=names))
        phase = question.step.partition("/")[0]
        event = Consented(choice, row.step, row.generation, question.digest, needed)
        self._journal.append(row.id, taken.by, event, now)
        self._chronicle.tell(row, f"{phase}: {len(given)} of {needed} approvals, by {names}", now)
        return f"Yours is approval {len(given)} of {needed} for {phase} of {row.id}."

    def _take(self, row: UpgradeRow, taken: Taken) -> str:
        if not self._transitions.decide(row, taken):
            raise Refusal(self._describe_decided(taken.question))
        return f"You {name_done(taken.choice)} {row.step.partition('/')[0]} of {row.id}."

    def _describe_decided(self, question: Question) -> str:
        current = self._journal.find_question(question.upgrade, question.step, question.generation) or question
        phase = question.step.partition("/")[0]
        if current.state == "decided":
            done = name_done(current.choice)
            return f"Too late: {phase} of {question.upgrade} was already {done} by {mention(current.decided_by)}."
        return f"That card is not current any more ({current.state}); see the newest one in the thread."


def judge_decision(order: Judgement, by: str, row: UpgradeRow, question: Question, policy: Policy) -> str:
    """The choice that this person may take of an open question. Raises Refusal where they may not take it."""
    breaking = isinstance(order, BreakGlass)
    choice = name_choice(order)
    _check_choice(question, choice, row, breaking)
    refused = refuse_person(policy, _name_right(choice, question, breaking), by, row.requester, choice != DENY.id)
    if refused:
        raise Refusal(refused)
    if row.paused_by:
        raise Refusal(f"{row.id} is paused by {mention(row.paused_by)}. Resume it first.")
    if not order.reason.strip():
        _check_unreasoned(row, question, choice, breaking)
    return choice


def name_choice(order: Judgement) -> str:
    """The id of the choice that an order takes."""
    match order:
        case Approve() | BreakGlass():
            return APPROVE.id
        case Deny():
            return DENY.id
        case Decide(choice=choice):
            return choice
        case _:
            assert_never(order)


def _name_right(choice: str, question: Question, breaking: bool) -> Action:
    """The right that a choice requires."""
    if breaking:
        return "break-glass"
    if choice == DENY.id:
        return "deny"
    return "approve" if question.kind == "gate" else "decide"


def _check_choice(question: Question, choice: str, row: UpgradeRow, breaking: bool) -> None:
    if choice in {option.id for option in question.choices} and not (breaking and question.kind != "gate"):
        return
    if question.kind == "blocked":
        raise Refusal(f"Nothing to {choice}: {row.id} is blocked. {question.question}. {row.remedy}")
    raise Refusal(f"`{choice}` is not a choice here; it is one of {list_names(o.id for o in question.choices)}.")


def _check_unreasoned(row: UpgradeRow, question: Question, choice: str, breaking: bool) -> None:
    """Whether this choice may be taken without a reason."""
    if breaking:
        raise Refusal(f"Breaking the glass needs a reason: `/asm-upgrade break-glass {row.cluster} REASON`.")
    if next(option for option in question.choices if option.id == choice).needs_reason:
        raise Refusal(f"`{choice}` needs a reason: `/asm-upgrade decide {row.cluster} {choice} REASON`.")


def _announce(order: BreakGlass, by: str, row: UpgradeRow, cluster: Cluster) -> str:
    """What the thread is told, with a mention of everybody who was passed over."""
    others = " ".join(map(mention, sorted(cluster.policy.approvers - {by})))
    phase = row.step.partition("/")[0]
    return f"🚨 {mention(by)} broke the glass and approved {phase} alone: {order.reason.strip()} {others}".rstrip()
