"""Cluster-admin that is taken back while nothing acts, and bound again by the step that acts next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.contract.wording import describe_seconds
from steps.notes.permissions import RESTED
from steps.phases.access import bind
from steps.phases.control_plane.apply import has_begun
from steps.phases.own_binding import recall_own, remove_binding
from steps.phases.same_cluster import find_other_cluster, on_same_cluster

IDLE = timedelta(hours=24)
# What the bot is bound for. An earlier plan keeps it to the end, so its later steps are here as well.
ACTING = frozenset(
    {
        "access/check",
        "control-plane/backup",
        "control-plane/apply",
        "validate/run",
        "sidecars/canary",
        "sidecars/restart",
        "sidecars/acknowledge",
        "authorization/apply",
        "authorization/return",
    }
)


def rest(ctx: Context) -> Outcome:
    """Take back what this upgrade was given, unless a program still works with it; an empty sentence for nothing."""
    if not recall_own(ctx) or ctx.mesh_tools.list_running(ctx.upgrade_id) or find_other_cluster(ctx):
        return Done("")
    taken = remove_binding(ctx)
    ctx.revise(RESTED, True)
    idle = describe_seconds(IDLE.total_seconds())
    return Done(f"nothing acted for {idle}, so cluster-admin is taken back ({taken}); the next act binds it again")


REST = Step("access/rest", rest)


def bind_again(step: Step) -> Step:
    """The step, that binds the account first where that was taken back, under the approval that was given for it."""
    return replace(step, run=lambda ctx: _run_bound(step, ctx)) if step.id in ACTING else step


def _run_bound(step: Step, ctx: Context) -> Outcome:
    if not ctx.recall(RESTED):
        return step.run(ctx)
    # cluster-admin is given in a window only; but half a control plane is worse for waiting
    if ctx.hold and not (step.id == "control-plane/apply" and has_begun(ctx)):
        return Waiting(ctx.hold, 0.0, held=True)
    outcome = on_same_cluster(bind)(ctx)
    if not isinstance(outcome, Done):
        return outcome
    ctx.forget(RESTED)
    ctx.say(outcome.sentence)
    return step.run(ctx)
