"""Who takes a cluster over from another bot, with a reason: one approver once its Lease has run out, two before."""

from __future__ import annotations

from datetime import timedelta

from steps.contract.cards import Choice
from steps.contract.leases import Lease
from steps.contract.step import Blocked, Context, Decision
from steps.contract.wording import Person
from steps.notes.permissions import LEASE_BEGUN, LEASE_FIRST, LEASE_LOST, LEASE_SHOWN, FirstTaker

EXPIRY = timedelta(minutes=10)
# For so long the first of two people is waited for.
FIRST_COUNTS = timedelta(hours=1)
TAKE_OVER = Choice("take-over", "Take over the cluster", "grave", needs_reason=True)
TAKE_OVER_EARLY = Choice(
    "take-over-early",
    "Take over from a bot that acts",
    "grave",
    needs_reason=True,
    confirm="The other bot may be acting right now, and a program that it has begun goes on. Take over all the same?",
)
CHOICES = (TAKE_OVER.id, TAKE_OVER_EARLY.id)


def judge_takeover(ctx: Context, found: Lease) -> Blocked | str:
    """What is told once the other bot's Lease is taken over, or why nothing is done beside that bot."""
    if ctx.recall(LEASE_BEGUN):
        ctx.revise(LEASE_LOST, describe_holder(found))
    expired = found.renewed is None or ctx.now - found.renewed >= EXPIRY
    return _judge_late(ctx, found) if expired else _judge_early(ctx, found)


def _judge_late(ctx: Context, found: Lease) -> Blocked | str:
    shown, decision = f"{found.holder} {found.renewed}", _find_decision(ctx, TAKE_OVER)
    if decision and ctx.recall(LEASE_SHOWN) == shown:
        return f"{Person(decision.by)} took it over from {describe_holder(found)}: {decision.reason}"
    ctx.revise(LEASE_SHOWN, shown)
    return Blocked(
        f"{ctx.cluster.key} is held by {describe_holder(found)}, for over 10 min without a renewal",
        "See that the other bot has ended or stands still: once it is taken over, it does nothing more there. An "
        "approver may take the cluster over, with a reason; retry looks again.",
        (TAKE_OVER,),
    )


def _judge_early(ctx: Context, found: Lease) -> Blocked | str:
    first, decision = _recall_first(ctx, found), _find_decision(ctx, TAKE_OVER_EARLY)
    if decision and first and decision.by != first.by:
        people = f"{Person(first.by)} and {Person(decision.by)}"
        return f"{people} took it over from {describe_holder(found)}: {first.reason}; {decision.reason}"
    if decision and not first and ctx.recall(LEASE_SHOWN) == found.holder:
        first = FirstTaker(found.holder, decision.by, decision.reason, ctx.now)
        ctx.revise(LEASE_FIRST, first)
    ctx.revise(LEASE_SHOWN, found.holder)
    held = f"{ctx.cluster.key} is held by {describe_holder(found)}"
    return Blocked(
        f"{held}; {Person(first.by)} would take it over: {first.reason}" if first else held,
        "One bot upgrades a cluster at a time. Let that upgrade end, or abort it there, then retry. Where that bot is "
        "gone, retry 10 min after it last renewed its Lease: an approver may take the cluster over then. Before that "
        f"it takes two, each with a reason{', and a second one is needed' if first else ''}.",
        (TAKE_OVER_EARLY,),
    )


def _recall_first(ctx: Context, found: Lease) -> FirstTaker | None:
    """Who would take the cluster over from this very holder, and said so not long ago."""
    first = ctx.recall(LEASE_FIRST)
    if first is None or first.holder != found.holder or ctx.now - first.at >= FIRST_COUNTS:
        return None
    return first


def _find_decision(ctx: Context, choice: Choice) -> Decision | None:
    return ctx.decision if ctx.decision and ctx.decision.choice == choice.id else None


def describe_holder(found: Lease) -> str:
    """Who holds a Lease, and when that was said last."""
    mark = found.mark
    who = f"the upgrade {mark.upgrade} of another bot (journal {mark.journal})" if mark else found.holder
    renewed = f"{found.renewed:%Y-%m-%d %H:%M:%S} UTC" if found.renewed else "at a time that it does not say"
    return f"{who} by {name_lease(found)}, last renewed {renewed}"


def name_lease(lease: Lease) -> str:
    """A Lease with its namespace."""
    return f"Lease {lease.namespace}/{lease.name}"
