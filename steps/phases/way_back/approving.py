"""The gate of the way back: covered while it does what was foreseen when the upgrade was approved, asked otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steps.contract.cards import DENY, Card, Detail
from steps.contract.step import Ask, Context, Done, Outcome
from steps.contract.wording import Person, count_things
from steps.gates import ask_again, build_gate_card, list_evidence
from steps.install.record.comparison import measure_preview
from steps.install.record.preview import Preview, name_removals, shorten_lines
from steps.notes.way_back import Cover, TakenBack, WayBack, find_cover
from steps.phases.control_plane.approvals import (
    APPROVE_DEPARTURES,
    ask_about_apply,
    count_apply,
    keep_approved_apply,
    warn_of_removals,
)
from steps.phases.control_plane.direction import pass_apply_gate
from steps.phases.control_plane.keeping import is_keeping, keep_removals, list_keeping
from steps.phases.way_back.earlier_state import find_backup_faults, find_lost_fields, list_lost_objects
from steps.phases.way_back.preparing import ASSUMED, recall_taken
from steps.preflight.acting import find_busy_operation
from steps.workloads.estimate import describe_control_plane


def approve(ctx: Context) -> Outcome:
    """Ask before the control plane is written to, unless the approval of the upgrade covers all that would be done."""
    keeps = is_keeping(ctx)
    if keeps:
        keep_removals(ctx)
    found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    taken, cover = recall_taken(ctx), find_cover(ctx)
    lost = find_lost_fields(ctx, taken, found.recorded.objects)
    ask = ask_about_return(ctx, found, taken, lost)
    faults = find_backup_faults(ctx, taken.upgrade)
    unforeseen = (*list_unforeseen(found, taken, cover, lost), *faults) if cover else ()
    if cover and not unforeseen and ctx.decision is None:
        keep_approved_apply(ctx, found, ask)
        return Done(
            f"the apply of {ctx.release.version} is covered by {Person(cover.by)}'s approval of {taken.upgrade}"
        )
    ask = replace(ask, moved=unforeseen)
    outcome = ask if keeps else pass_apply_gate(ctx, ask)
    if isinstance(outcome, Done):
        keep_approved_apply(ctx, found, ask)
    return outcome


def list_unforeseen(found: Preview, taken: TakenBack, cover: Cover, lost: Sequence[str]) -> tuple[str, ...]:
    """What the approval of the upgrade did not foresee, a sentence each."""
    own = found.departures
    now = WayBack(found.recorded.record.digest, found.recorded.request.tools.istioctl_sha256)
    others = [name for name in own.removals if name not in taken.created]
    return tuple(
        line
        for line in (
            "istioctl of the earlier release is another one" if now.istioctl != cover.way.istioctl else "",
            "what it hands to kubectl is not what was approved" if now.record != cover.way.record else "",
            f"{name_removals(others)} would be removed, and the upgrade did not bring that" if others else "",
            f"{count_things(len(own.changes), 'field')} that nobody asked to change would be set back or taken away"
            if own.changes
            else "",
            f"{count_things(len(lost), 'field')} would not be as before the upgrade" if lost else "",
        )
        if line
    )


def ask_about_return(ctx: Context, found: Preview, taken: TakenBack, lost: Sequence[str]) -> Ask:
    """The question about the apply of the earlier release."""
    ask = ask_about_apply(ctx, found, None)
    ask = replace(
        ask,
        question=f"Take {ctx.cluster.key} back to {ctx.release.version}?",
        card=build_return_card(ctx, found, taken, lost),
        choices=(APPROVE_DEPARTURES, *list_keeping(found.removals), DENY) if found.removals else ask.choices,
    )
    warned = f"{count_apply(ctx, found).removesuffix('?')}{warn_of_removals(found.removals)}"
    return ask_again(ask, warned)


def build_return_card(ctx: Context, found: Preview, taken: TakenBack, lost: Sequence[str]) -> Card:
    """The card of the way back: what is handed to kubectl, what it takes away, and what does not come back."""
    busy = find_busy_operation(ctx)
    gone = list_lost_objects(taken, found.recorded.objects)
    record = ("record of what is handed to kubectl", f"SHA-256 {found.recorded.record.digest}")
    folds = (
        Detail("Not as before the upgrade", shorten_lines(lost)),
        Detail("Removed by the upgrade, and not brought back", shorten_lines(gone)),
    )
    return build_gate_card(
        ctx,
        found.identity,
        "Way back",
        (f"Backs up, then runs istioctl of {ctx.release.version} with {found.facts.mtls} mTLS: {found.sentence}.",),
        facts=(("takes back", taken.upgrade), *list_evidence(ctx), record),
        risks=(
            *([f"{ASSUMED.format(ctx.release.version)}."] if ctx.release.assumed else []),
            *found.risks,
            *(f"{fault[:1].upper()}{fault[1:]}." for fault in find_backup_faults(ctx, taken.upgrade)),
            *([f"{busy}."] if busy else []),
            "From then on every new pod gets the earlier sidecar.",
            "While the injector rolls, no pod can start in an injected namespace.",
        ),
        details=(*(fold for fold, lines in zip(folds, (lost, gone), strict=True) if lines), *found.details),
        estimate=describe_control_plane(ctx.release, ctx.forecast(), (0.0, 0.0)),
    )
