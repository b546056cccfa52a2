"""One approval for everything that follows, while all stays green: the first question of any kind ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from steps.contract.cards import THROUGH, Detail
from steps.contract.notes import Note, encode_note, read_as
from steps.contract.step import Ask, Context
from steps.contract.wording import Person, count_things
from steps.gates import TO_THE_END, BoundWorkload, bind_planned
from steps.notes.way_back import find_cover
from steps.workloads.inventory import take_inventory
from steps.workloads.waves import Planned, plan_workloads

# The workloads that the upgrade moved which a way back takes back, as they were approved then.
MOVED: Note[Mapping[str, BoundWorkload]] = Note("rollback/moved", read_as(dict[str, BoundWorkload]))
STOPS = (
    "It ends, and the bot asks, at the first of these:",
    "anything that blocks or fails, a check of asmctl among it;",
    "a workload that is not named here, or whose method or risk is worse by then;",
    "pods left to a person of a workload that is not named here as left;",
    "findings about authorization policies, another CA or another release file;",
    "the end of this approval.",
)


@dataclass(frozen=True)
class Through:
    """What was approved to the end: the workloads as they stood on the card, and those left to a person.

    `words` are what the approval is called.
    """

    by: str
    workloads: Mapping[str, BoundWorkload]
    left: tuple[str, ...] = ()
    words: str = f"“{THROUGH.label}”"


@dataclass(frozen=True)
class _Bound:
    workloads: Mapping[str, BoundWorkload]
    left: tuple[str, ...] = ()


_read_bound = read_as(_Bound)


def plan_ahead(ctx: Context) -> Planned:
    """What the sidecars phase would do, long before it begins."""
    return plan_workloads(take_inventory(ctx.kubernetes, ctx.release, ctx.options), ctx.options)


def offer_through(ctx: Context, ask: Ask, plan: Callable[[Context], Planned]) -> Ask:
    """The question with one more choice, and on its card what that covers and what ends it; as it is where not set."""
    if ctx.options.gates != "through":
        return ask
    planned = plan(ctx)
    moving = [one for one in planned.workloads if one.pods]
    left = sorted({entry.workload for entry in planned.entries if entry.state in ("manual", "skipped")})
    pods = sum(one.pods for one in moving)
    told = (
        f"“{THROUGH.label}” also approves all that follows, to the end: {count_things(pods, 'pod')} in "
        f"{count_things(len(moving), 'workload')}, with {count_things(len(left), 'workload')} left to a person."
    )
    lines = (*(f"{one.ref}: {one.method}{_list_risks(one.risks)}" for one in moving), *(f"{ref}: left" for ref in left))
    card = replace(
        ask.card,
        summary=(*ask.card.summary, told, " ".join(STOPS)),
        details=(*ask.card.details, Detail(f"Covered by {THROUGH.label}", lines)),
    )
    bound = encode_note(_Bound(bind_planned(moving), tuple(left)))
    first, *others = ask.choices
    return replace(ask, card=card, choices=(first, THROUGH, *others), binding={**ask.binding, TO_THE_END: bound})


def recall_through(ctx: Context) -> Through | None:
    """The approval that covers what follows, None where there is none, something was asked since, or it is too old."""
    cover = find_cover(ctx)
    if cover is not None:
        return Through(cover.by, ctx.recall(MOVED) or {}, words="the approval of the control plane, which covers this")
    decision = ctx.through
    if decision is None or ctx.approval_ended is not None or TO_THE_END not in decision.binding:
        return None
    bound = _read_bound(decision.binding[TO_THE_END])
    return Through(decision.by, bound.workloads, bound.left)


def describe_through(kept: Through, what: str) -> str:
    """`validate approved by Ben, with all that followed`."""
    return f"{what} by {Person(kept.by)}, with {kept.words}"


def _list_risks(risks: tuple[str, ...]) -> str:
    return f" ({', '.join(risks)})" if risks else ""
