"""`istioctl manifest apply`: recorded once more, run under guard, adopted after a restart, judged, repeated.

What reaches the cluster is the approved record and nothing else: right before the start a new recording must equal
it, and our own kubectl passes on its bytes alone. The end is judged by kubectl's calls and by the record against the
cluster; istioctl's own text is read only for what istioctl says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from steps.contract.notes import Json
from steps.contract.ports import NotStarted, PlacesTaken, ProgramEnded, Running
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Waiting
from steps.gates import CUT_OFF, WAY_BACK, describe_drift
from steps.install.istioctl_output import describe_apply, describe_running, read_apply_output
from steps.install.record.comparison import measure_preview
from steps.install.record.preview import Preview
from steps.install.record.recording import Recorded, record_apply, wait_for_recording
from steps.notes.control_plane import APPROVED_APPLY, APPROVED_FRAME, CREATED, FIRST_WRITE, IN_PLACE, ApprovedApply
from steps.notes.runs import APPLY_TRIES, count_tries, name_run, observe_istioctl, wait_for_place
from steps.phases.control_plane.approvals import (
    ask_about_apply,
    describe_asked,
    find_unapproved,
    keep_approved_apply,
    refuse_control_plane,
)
from steps.phases.control_plane.direction import frame_binding, list_more_cut_off, pass_apply_gate
from steps.phases.control_plane.judgement import judge_apply
from steps.phases.same_cluster import hold_cluster


def apply(ctx: Context) -> Outcome:
    """Run `istioctl manifest apply` once per approval, adopt it after a restart, judge how it ended.

    Once more, a few times, where nothing but the connection failed: half a control plane is worse than a second apply.
    """
    tries = count_tries(ctx, APPLY_TRIES)
    run_id = name_run(ctx, "apply", tries)
    match observe_istioctl(ctx, run_id):
        case NotStarted() | PlacesTaken() if ctx.hold and tries == 1:
            return Waiting(ctx.hold, 0.0, held=True)
        case NotStarted():
            return start_apply(ctx, run_id, repeated=tries > 1)
        case PlacesTaken() as taken:
            return wait_for_place(taken)
        case Running(seconds, output):
            lines = describe_apply(read_apply_output(output))
            return Waiting(describe_running(seconds), 2.0, details=lines)
        case ProgramEnded() as ended:
            return judge_apply(ctx, ended, ctx.mesh_tools.list_calls(run_id))
        case unexpected:
            assert_never(unexpected)


def has_begun(ctx: Context) -> bool:
    """Whether istioctl was started for this approval or retry: what it began is ended, whatever the window."""
    tries = count_tries(ctx, APPLY_TRIES)
    return tries > 1 or not isinstance(observe_istioctl(ctx, name_run(ctx, "apply", tries)), NotStarted | PlacesTaken)


def start_apply(ctx: Context, run_id: str, *, repeated: bool) -> Outcome:
    """Hold what was approved against what is handed over now, and start; the step itself asks where that is more."""
    refused = wait_for_recording(ctx) or (None if repeated else refuse_control_plane(ctx))
    if refused is not None:
        return refused
    found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    if found.is_in_place and not repeated:
        return Done(f"nothing was applied: {found.describe_in_place}")
    if ctx.recall(IN_PLACE) is not None:
        return Blocked(
            f"the control plane was in place when the gate looked, and is not any more: {found.sentence}",
            "Nothing was backed up, so nothing is applied. Find out who changes it; abort, and start again.",
        )
    asked = check_approved(ctx, found, repeated=repeated)
    if asked is not None:
        return asked
    fresh = record_apply(ctx, f"before-{run_id}", found.recorded.request, times=1, looks=False)
    if not isinstance(fresh, Recorded):
        return fresh
    renewed = found.recorded.record.renewed
    if fresh.record.with_renewed(renewed).digest != found.recorded.record.digest:
        return Blocked(
            "istioctl hands over something else than a moment ago",
            "Nothing has been written. Retry looks again; if it stays so, find out what changed on the bot's machine.",
        )
    held = hold_cluster(ctx, anew=True)
    if held is not None:
        return held
    ctx.remember(CREATED, found.difference.added)
    begin_writing(ctx, run_id, replace(fresh, record=fresh.record.with_renewed(renewed)))
    return Waiting("istioctl manifest apply has started", 1.0)


def begin_writing(ctx: Context, run_id: str, approved: Recorded) -> None:
    """Start the program, noted before it may write; where it was never begun nothing was, so the notes go again."""
    ctx.remember(FIRST_WRITE, run_id)
    try:
        ctx.mesh_tools.start_apply(run_id, ctx.cluster, approved.request, approved.record, approved.run_id)
    except Exception:
        never_begun = isinstance(ctx.mesh_tools.observe_run(run_id), NotStarted | PlacesTaken)
        if never_begun and ctx.recall(FIRST_WRITE) == run_id:
            ctx.forget(FIRST_WRITE)
            ctx.forget(CREATED)
        raise


def check_approved(ctx: Context, found: Preview, *, repeated: bool) -> Outcome | None:
    """None where all of this was approved and the approval still counts; otherwise the step itself asks.

    Before the first write what would change or go counts as well. A repeated apply asks nobody about its age, nor
    about what earlier versions of the bot did not check: half a control plane is worse than an old approval.
    """
    approved, ended = ctx.recall(APPROVED_APPLY), None if repeated else ctx.approval_ended
    ask = ask_about_apply(ctx, found, approved)
    moved = list_beyond_approval(ctx, found, ask, repeated=repeated)
    if ended is not None:
        moved = (*moved, f"its approval counted until {ended:%Y-%m-%d %H:%M} UTC")
    if not moved:
        return None
    outcome = pass_apply_gate(ctx, ask)
    if isinstance(outcome, Done):
        keep_approved_apply(ctx, found, ask)
        return None
    if not isinstance(outcome, Ask):
        return outcome
    return replace(outcome, moved=tuple(dict.fromkeys((*outcome.moved, *moved))))


def list_beyond_approval(ctx: Context, found: Preview, ask: Ask, *, repeated: bool) -> tuple[str, ...]:
    """What is more or other than was approved, a sentence each."""
    approved = ctx.recall(APPROVED_APPLY)
    if approved is None:
        return ("the bot now also checks what istioctl hands to kubectl",)
    late, frame = find_unapproved(found, approved), frame_binding(ask.binding)
    cut_off = list_more_cut_off(ctx.recall(APPROVED_FRAME) or {}, frame)
    if repeated or ctx.recall(FIRST_WRITE) is not None:
        late, cut_off = ApprovedApply(late.record, late.removals), ()
    more = f"it would also {describe_asked(late, ())}" if late != ApprovedApply(late.record) else ""
    other = "what istioctl hands to kubectl is not what was approved" if late.record else ""
    return tuple(filter(None, (other, more, *cut_off, *_list_moved_frame(ctx, frame, repeated=repeated))))


def _list_moved_frame(ctx: Context, now: Mapping[str, Json], *, repeated: bool) -> tuple[str, ...]:
    """What moved of the cluster, the release, the options, the arguments and the programs."""
    before = {key: held for key, held in (ctx.recall(APPROVED_FRAME) or {}).items() if key != CUT_OFF}
    known = {key: now[key] for key in now if key in before}
    # an approval from before these were approved with it holds for all else
    news = [] if repeated else [key for key in now if key not in before and key not in (WAY_BACK, CUT_OFF)]
    checks = (f"the bot now also checks {', '.join(sorted(news))}",) if news else ()
    return (*describe_drift(before, known), *checks)
