"""The account of an upgrade: who asked, who decided what and when, how long it took, and how to go back."""

from __future__ import annotations

from bot.journal.records import ENDED
from bot.telling.phrases import mention, name_done
from bot.telling.views import Approval, UpgradeView
from steps.contract.wording import begin_sentence, describe_seconds, name_phase


def list_account(view: UpgradeView) -> tuple[str, ...]:
    """A sentence for each of these that is known so far."""
    return tuple(filter(None, (*list_people(view), describe_time_taken(view), tell_way_back(view))))


def list_people(view: UpgradeView) -> tuple[str, ...]:
    """Who asked for it, and who decided what, in order."""
    asked = f"Asked for by {mention(view.requester)}, {view.created_at:%Y-%m-%d %H:%M} UTC"
    return (asked, *(_describe_decision(one) for one in view.approvals if one.by))


def describe_time_taken(view: UpgradeView) -> str:
    """How long it took, with and without people; "" while it is open."""
    if view.ended_at is None:
        return ""
    whole = (view.ended_at - view.created_at).total_seconds()
    people = view.people.total_seconds()
    work = describe_seconds(whole - people)
    return (
        f"Took {work}, and people took {describe_seconds(people)} besides" if people else f"Took {work}, without people"
    )


def tell_way_back(view: UpgradeView) -> str:
    """How to go back, and until when one person may order it alone; "" if nothing was written."""
    if view.way_back:
        return f"Taken back by {view.way_back}"
    if not view.written:
        return ""
    command = f"`/asm-upgrade rollback {view.cluster} REASON`"
    if view.state not in ENDED:
        return f"Way back: {command}"
    if view.covered_until is None:
        return f"Way back: {command}, its gates ask"
    until = f"{view.covered_until:%Y-%m-%d %H:%M} UTC"
    return f"Way back: {command}, by one person alone until {until}, later its gates ask"


def _describe_decision(approval: Approval) -> str:
    done = f"{name_done(approval.choice)} by {mention(approval.by)}"
    asked = begin_sentence(approval.question)
    told = f"{asked} {begin_sentence(done)}" if asked else f"{name_phase(approval.step)}: {done}"
    at = f", {approval.at:%Y-%m-%d %H:%M} UTC" if approval.at else ""
    return f"{begin_sentence(told)}{at}"
