"""The gates of the control plane: what leaves the guide's path, and the apply itself."""

from __future__ import annotations

from collections.abc import Sequence

from steps.contract.cards import DENY, Choice, Detail
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.contract.wording import count_things
from steps.gates import OPTIONS_LEFT, ask_again, bind_apply, bind_departures, build_gate_card
from steps.install.option_table import list_left_options
from steps.install.record.comparison import measure_preview
from steps.install.record.preview import Preview, describe_departures, name_removals
from steps.notes.control_plane import APPROVED_APPLY, APPROVED_DEPARTURES, APPROVED_FRAME, IN_PLACE, ApprovedApply
from steps.notes.prepare import SIDECARS, SidecarCounts
from steps.phases.control_plane.apply_card import build_apply_card
from steps.phases.control_plane.direction import (
    bind_cut_off,
    bind_way_back,
    find_cut_off,
    frame_binding,
    pass_apply_gate,
)
from steps.phases.control_plane.keeping import (
    describe_keepable,
    is_keeping,
    keep_fields,
    keep_removals,
    list_field_choices,
    list_keepable,
    list_keeping,
)
from steps.phases.owned_plane import refuse_to_write, take_acceptance
from steps.phases.through import offer_through, plan_ahead

APPROVE_DEPARTURES = Choice("approve", "Approve all of this", "main")


def warn_of_removals(removals: Sequence[str]) -> str:
    """What can't be undone, as a question ends; backups hold no secrets."""
    if any(map(is_secret, removals)):
        return ", where what a Secret holds comes back from nowhere, the rest from the backup?"
    return ", where what is removed comes back only from the backup?" if removals else "?"


def describe_copies(removals: Sequence[str]) -> str:
    """What is kept of that which goes."""
    if not any(map(is_secret, removals)):
        return "keeps a copy of each"
    return "keeps a copy of each, but nothing of what Secrets hold"


def is_secret(removal: str) -> bool:
    """Whether what would go is a Secret, by its name on the card."""
    return removal.startswith("Secret ")


def refuse_control_plane(ctx: Context) -> Blocked | None:
    """Why the control plane may not be touched now, None where it may."""
    return refuse_to_write(ctx)


def approve_departures(ctx: Context) -> Outcome:
    """Ask on its own about all that leaves the guide's path; nothing to ask where nothing does."""
    ctx = take_acceptance(ctx)
    refused = refuse_control_plane(ctx)
    if refused is not None:
        return refused
    if is_keeping(ctx):
        keep_removals(ctx)
    found = measure_preview(ctx)
    if isinstance(found, Preview) and keep_fields(ctx, found):
        found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    left = list_left_options(ctx)
    if found.departures.is_empty and not left:
        return Done("")
    ask = ask_about_departures(ctx, found, left)
    if is_keeping(ctx):
        return ask
    outcome = pass_apply_gate(ctx, ask)
    if isinstance(outcome, Done):
        ctx.revise(APPROVED_DEPARTURES, describe_approved(found))
    return outcome


def ask_about_departures(ctx: Context, found: Preview, left: Sequence[str]) -> Ask:
    """The question about what leaves the guide's path, with what may be kept of it."""
    approved, flags = describe_approved(found), list_keepable(ctx, found)
    card = build_gate_card(
        ctx,
        found.identity,
        "What leaves the guide's path",
        (
            "Approving loses it. Where a --set flag or -f file of the earlier install is missing, deny, abort and "
            "start again with it.",
            f"The bot itself removes what is named here, after a right apply, and {describe_copies(found.removals)}.",
        ),
        risks=found.risks,
        details=(*describe_left_options(left), *describe_departures(found.departures), *describe_keepable(flags)),
    )
    binding = {**bind_departures(ctx, found.identity, approved), **({OPTIONS_LEFT: list(left)} if left else {})}
    asked = f"Let the upgrade of {ctx.cluster.key} "
    choices = (
        APPROVE_DEPARTURES, *list_keeping(found.removals), *list_field_choices(flags), DENY
    )  # fmt: skip
    counted = f"{describe_asked(approved, left, named=False)}{warn_of_removals(found.removals)}"
    ask = Ask(f"{asked}{describe_asked(approved, left)}?", card, binding, choices)
    return ask_again(ask, f"{asked}{counted}")


def approve(ctx: Context) -> Outcome:
    """Ask before the first write to the control plane, with the record, its differences and evidence."""
    ctx = take_acceptance(ctx)
    refused = refuse_control_plane(ctx)
    if refused is not None:
        return refused
    found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    if found.is_in_place:
        ctx.revise(IN_PLACE, found.recorded.record.digest)
        return Done(f"nothing to apply: {found.describe_in_place}")
    ctx.forget(IN_PLACE)
    asked = ask_about_apply(ctx, found, ctx.recall(APPROVED_DEPARTURES))
    ask = ask_again(offer_through(ctx, asked, plan_ahead), count_apply(ctx, found))
    outcome = pass_apply_gate(ctx, ask)
    if isinstance(outcome, Done):
        keep_approved_apply(ctx, found, ask)
    return outcome


def keep_approved_apply(ctx: Context, found: Preview, ask: Ask) -> None:
    """Keep what a person approved of this preview, for the moment right before the apply."""
    ctx.revise(APPROVED_APPLY, describe_approved(found))
    ctx.revise(APPROVED_FRAME, frame_binding(ask.binding))


def ask_about_apply(ctx: Context, found: Preview, approved: ApprovedApply | None) -> Ask:
    """The question about the apply; what was on no card yet stands in the question."""
    question = f"Replace the control plane of {ctx.cluster.key} by {ctx.release.version}?"
    late = find_unapproved(found, approved)
    if late != ApprovedApply(late.record):
        question = f"{question.removesuffix('?')}, and {describe_asked(late, ())}?"
    asked = describe_approved(found)
    bound, outside = bind_apply(ctx, found.identity, found.recorded.request, asked), find_cut_off(ctx)
    card = build_apply_card(ctx, found, outside)
    ask = Ask(question, card, {**bound, **bind_cut_off(outside), **bind_way_back(ctx, found.way_back)})
    return ask_again(ask, count_apply(ctx, found))


def count_apply(ctx: Context, found: Preview) -> str:
    """What the apply does, in one question with its numbers."""
    pods = count_things((ctx.recall(SIDECARS) or SidecarCounts()).pods, "pod")
    return (
        f"Replace the control plane of {ctx.cluster.key} by {ctx.release.version}, with {pods} in its mesh: "
        f"{found.sentence}?"
    )


def describe_approved(found: Preview) -> ApprovedApply:
    """All that a person approves with this preview."""
    own = found.departures
    return ApprovedApply(
        record=found.recorded.record.digest,
        removals=own.removals,
        changes=tuple(str(one) for one in own.changes),
        images=tuple(f"{one.where}: {one.image}" for one in own.images),
        objects=tuple(str(one) for one in own.objects),
    )


def find_unapproved(found: Preview, approved: ApprovedApply | None) -> ApprovedApply:
    """What of this preview was on no approved card."""
    now, before = describe_approved(found), approved or ApprovedApply("")
    return ApprovedApply(
        record="" if now.record == before.record else now.record,
        removals=_subtract(now.removals, before.removals),
        changes=_subtract(now.changes, before.changes),
        images=_subtract(now.images, before.images),
        objects=_subtract(now.objects, before.objects),
    )


def describe_left_options(left: Sequence[str]) -> tuple[Detail, ...]:
    """The options that the person who started the upgrade left, for the card."""
    return (Detail("Options of the earlier install that were left at the start", tuple(left)),) if left else ()


def describe_asked(asked: ApprovedApply, left: Sequence[str], *, named: bool = True) -> str:
    """`remove Service istio-system/kiali, set back or take away 2 fields and take 1 image from another registry`.

    Not `named`, what would be removed is counted as well.
    """
    removed = name_removals(asked.removals) if named else count_things(len(asked.removals), "object")
    parts = [
        f"leave out {count_things(len(left), 'option')} of the earlier install" if left else "",
        f"remove {removed}" if asked.removals else "",
        f"set back or take away {count_things(len(asked.changes), 'field')}" if asked.changes else "",
        f"take {count_things(len(asked.images), 'image')} from another registry" if asked.images else "",
        f"add {count_things(len(asked.objects), 'object')} beyond the guide's" if asked.objects else "",
    ]
    *first, last = [part for part in parts if part]
    return f"{', '.join(first)} and {last}" if first else last


def _subtract(now: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in now if one not in before)
