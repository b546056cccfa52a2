"""What an aborted upgrade still does: give back the bot's own rights and say what is left behind."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from steps.contract.ports import NotStarted, PlacesTaken, ProgramEnded, Running
from steps.contract.step import Context, Done, Outcome, Step, Waiting
from steps.contract.wording import describe_seconds
from steps.notes.runs import AWAITED, LEFTOVERS, NAMESPACES
from steps.phases.access import remove_leftovers
from steps.phases.lease.giving_back import give_all_back, holds_anything
from steps.phases.left_behind import report_abort
from steps.phases.same_cluster import find_other_cluster
from steps.phases.validate import find_leftovers


def revoke_own_binding(ctx: Context) -> Outcome:
    """Let a program that runs come to its end, then take back the rights that the bot gave itself.

    An istioctl that loses its rights in the middle leaves a control plane that nobody ever meant.
    """
    return hand_back(ctx, "aborting")


def hand_back(ctx: Context, what: str) -> Outcome:
    """The same; `what` says why the upgrade ends."""
    waiting = await_programs(ctx, what)
    if waiting is not None:
        return waiting
    ended = describe_awaited(ctx)
    if not holds_anything(ctx):
        return Done(ended)
    stranger = find_other_cluster(ctx)
    if stranger:
        return Done(f"{stranger}; nothing was written there")
    if ctx.recall(NAMESPACES) is not None:
        ctx.revise(LEFTOVERS, find_leftovers(ctx))
    remove_leftovers(ctx)
    return Done("; ".join(filter(None, (ended, give_all_back(ctx)))))


def await_programs(ctx: Context, what: str) -> Waiting | None:
    """None once no program of the upgrade runs any more."""
    for run_id in ctx.mesh_tools.list_running(ctx.upgrade_id):
        match ctx.mesh_tools.observe_run(run_id):
            case Running(seconds=seconds):
                ctx.revise(AWAITED, run_id)
                program = name_program(ctx, run_id)
                return Waiting(f"{what}: {program} has run for {describe_seconds(seconds)} and is let end first", 2.0)
            case NotStarted() | PlacesTaken() | ProgramEnded():
                continue
            case unexpected:
                assert_never(unexpected)
    return None


def describe_awaited(ctx: Context) -> str:
    """How the program that was waited for ended, "" where none was."""
    run_id = ctx.recall(AWAITED)
    state = ctx.mesh_tools.observe_run(run_id) if run_id else None
    if not run_id or not isinstance(state, ProgramEnded):
        return ""
    code = "its end was not seen" if state.exit_code is None else f"exit {state.exit_code}"
    late = ", past its time limit" if state.timed_out else ""
    return f"{name_program(ctx, run_id)} was let end ({code}{late})"


def name_program(ctx: Context, run_id: str) -> str:
    """What runs, as people know it."""
    name = run_id.removeprefix(f"{ctx.upgrade_id}-").partition("-")[0]
    return {"apply": "istioctl manifest apply", "validate": "asmctl validate"}.get(name, "a recording by istioctl")


# An apply has a time limit of its own, which ends it long before.
PATIENCE = timedelta(hours=3)

STEPS = (Step("abort/revoke", revoke_own_binding, PATIENCE), Step("abort/report", report_abort))
