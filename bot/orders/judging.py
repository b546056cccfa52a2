"""Whether a person may take a choice of a question, and in time. Pure; raises Refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.clicks.orders import Approve, BreakGlass, Decide, Deny, Judgement
from bot.journal.journal import LONGEST_WAIT
from bot.journal.records import Action
from bot.journal.rows import Question, UpgradeRow
from bot.orders.targets import Refusal
from bot.people.rights import refuse_person
from bot.settings.policy import Policy
from bot.telling.phrases import list_names, mention
from steps.contract.cards import APPROVALS, APPROVE, DENY, Choice
from steps.contract.wording import describe_seconds, name_phase
from steps.gates import MTLS

# Where the question holds no sentence with the numbers.
UNCOUNTED = "This changes the mesh of a production cluster. Have you read the card?"


def check_person(order: Judgement, by: str, row: UpgradeRow, question: Question, policy: Policy) -> None:
    """Raise Refusal where this person may not take that choice of the question."""
    choice = name_choice(order)
    right = _name_right(choice, question, isinstance(order, BreakGlass))
    refused = refuse_person(policy, right, by, row.requester, choice != DENY.id)
    if refused:
        raise Refusal(refused)


def check_time(question: Question, received_at: datetime, now: datetime) -> None:
    """Raise Refusal where a decision was received too late, or lay for so long that its card may be out of date."""
    phase = name_phase(question.step)
    if question.expires_at and received_at > question.expires_at:
        raise Refusal(
            f"Too late: {phase} of {question.upgrade} could be decided until {question.expires_at:%Y-%m-%d %H:%M} UTC."
        )
    lay = now - received_at
    if lay > LONGEST_WAIT:
        raise Refusal(
            f"Your decision was received at {received_at:%Y-%m-%d %H:%M} UTC and could be looked at only "
            f"{describe_seconds(lay.total_seconds())} later, so it decides nothing. "
            "Read the card again, then click again."
        )


def judge_decision(order: Judgement, row: UpgradeRow, question: Question, *, presses: bool = False) -> str:
    """The choice that an order takes of an open question. Raises Refusal where it can't be taken.

    `presses`: a button is to be pressed next, which asks for the reason where there has to be one.
    """
    breaking = isinstance(order, BreakGlass)
    choice = name_choice(order)
    _check_choice(question, choice, row, breaking)
    if row.paused_by:
        raise Refusal(f"{row.id} is paused by {mention(row.paused_by)}. Resume it first.")
    if not presses and not order.reason.strip():
        _check_unreasoned(row, question, choice, breaking)
    return choice


def needs_button(order: Judgement, policy: Policy) -> bool:
    """Whether a command gets a button that decides, as whatever lets a production cluster be changed does."""
    return policy.production and not order.step and name_choice(order) != DENY.id


def list_buttons(question: Question, production: bool) -> tuple[Choice, ...]:
    """The question's choices as the cluster is now: approvals ask once more in `production` alone.

    There every change of the mesh does, also where an earlier version asked and left no sentence for it.
    """
    return tuple(_put_again(question, option, production) for option in question.choices)


def _put_again(question: Question, option: Choice, production: bool) -> Choice:
    if option.id not in APPROVALS:
        return option
    if not production:
        return replace(option, confirm="")
    return replace(option, confirm=UNCOUNTED) if not option.confirm and _changes_mesh(question) else option


def _changes_mesh(question: Question) -> bool:
    """Whether an approval replaces the control plane, or cuts off what has no sidecar."""
    if question.step == "control-plane/approve-mtls":
        return question.binding.get(MTLS) == "STRICT"
    return question.step == "control-plane/approve"


def lacks_confirmation(order: Judgement, option: Choice) -> bool:
    """Whether a button was pressed that should have asked once more: only a click that says so counts."""
    return bool(option.confirm) and option.id in APPROVALS and not order.confirmed


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
        raise Refusal(f"Breaking the glass needs a reason: `/asm-upgrade break-glass {row.cluster} CODE REASON`.")
    if next(option for option in question.choices if option.id == choice).needs_reason:
        raise Refusal(f"`{choice}` needs a reason: `/asm-upgrade decide {row.cluster} CODE {choice} REASON`.")
