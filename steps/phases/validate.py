"""The validate phase: `asmctl validate`, and a person's word where it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from steps.contract.cards import Attachment, Choice
from steps.contract.ports import NotStarted, PlacesTaken, ProgramEnded, Running
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.contract.wording import Person, count_things, describe_seconds
from steps.gates import bind_upgrade, build_gate_card, pass_gate
from steps.install.asmctl_output import ValidationReport, describe_checks, read_validation
from steps.install.istioctl_output import blames_connection
from steps.mesh import Namespace
from steps.notes.download import recall_tools
from steps.notes.runs import (
    LEFTOVERS,
    NAMESPACES,
    VALIDATE_TRIES,
    begin_next_try,
    count_tries,
    name_run,
    observe_run,
    wait_for_place,
)
from steps.phases.same_cluster import hold_cluster
from steps.phases.same_release import on_same_ground
from steps.phases.through import describe_through, recall_through
from steps.preflight.acting import measure_to_act

ACCEPT = Choice("accept", "Accept with a reason", needs_reason=True)
REMOVE = Choice(
    "remove-namespaces", "Remove test namespaces, run again", "grave", confirm="Delete the namespaces named above?"
)
# The guide's example: three basic checks, two more with testing workloads.
BASIC_CHECKS, ALL_CHECKS = 3, 5
TRIES = 5


def approve(ctx: Context) -> Outcome:
    """Ask before asmctl runs; nothing to ask where all that follows was approved."""
    identity = measure_to_act(ctx, "validate")
    if isinstance(identity, Blocked):
        return identity
    through = recall_through(ctx)
    if through is not None:
        return Done(describe_through(through, "validate approved"))
    summary = ["Runs asmctl validate: enabled APIs, ingress gateway and Mesh CA, state of istio-system."]
    if ctx.options.testing_workloads:
        summary.append("Deploys asmctl's test workloads into a namespace of their own and removes them again.")
    card = build_gate_card(ctx, identity, "Validate", tuple(summary), estimate="1–3 min")
    return pass_gate(ctx, Ask(f"Validate {ctx.cluster.key} with asmctl?", card, bind_upgrade(ctx, identity)))


def run(ctx: Context) -> Outcome:
    """Run asmctl once per generation, adopt it after a restart, judge its output.

    Once more, a few times, where a check met a fault of the connection: asmctl repeats no request.
    """
    decision = ctx.decision
    if decision and decision.choice == ACCEPT.id:
        return Done(f"validation accepted by {Person(decision.by)} in spite of asmctl: {decision.reason}")
    if decision and decision.choice == REMOVE.id:
        remove_named_namespaces(ctx)
    run_id = name_run(ctx, "validate", count_tries(ctx, VALIDATE_TRIES))
    match observe_run(ctx, run_id):
        case NotStarted():
            return _start(ctx, run_id)
        case PlacesTaken() as taken:
            return wait_for_place(taken)
        case Running(seconds, output):
            lines = describe_checks(read_validation(output).checks)
            return Waiting(f"asmctl validate runs for {describe_seconds(seconds)}", 2.0, details=lines)
        case ProgramEnded() as ended:
            return judge_validation(ctx, ended)
        case unexpected:
            assert_never(unexpected)


def list_arguments(ctx: Context) -> tuple[str, ...]:
    """asmctl's arguments, as the guide gives them."""
    extra = ctx.release.testing_arguments if ctx.options.testing_workloads else ()
    return (*ctx.release.validate_arguments, *extra)


def judge_validation(ctx: Context, ended: ProgramEnded) -> Outcome:
    """Every check OK is Done; anything else is a person's decision, for asmctl also fails on a healthy mesh."""
    report = read_validation(ended.output)
    output = Attachment("asmctl-validate.txt", ended.output)
    leftovers = find_leftovers(ctx)
    ctx.revise(LEFTOVERS, leftovers)
    choices = (ACCEPT, REMOVE) if leftovers else (ACCEPT,)
    left = f" Test namespaces were left behind: {', '.join(leftovers)}." if leftovers else ""
    if ended.timed_out:
        return Blocked(
            "asmctl ran past its time limit and was ended", f"Retry runs it again.{left}", choices, (output,)
        )
    if report.passed and (ended.exit_code == 0 or _looks_whole(ctx, ended, report)):
        return Done(
            f"validated: {count_things(len(report.checks), 'check')} OK{'.' + left if left else ''}",
            attachments=(output,),
        )
    if blames_connection(report.error) and count_tries(ctx, VALIDATE_TRIES) < TRIES:
        tries = begin_next_try(ctx, VALIDATE_TRIES)
        return Waiting(f"asmctl met a fault of the connection ({report.error}): {tries} of {TRIES}", 5.0)
    why, remedy = describe_failed_checks(report, ended)
    return Blocked(why, f"{remedy}{left}", choices, (output,))


def describe_failed_checks(report: ValidationReport, ended: ProgramEnded) -> tuple[str, str]:
    """Why validation failed, and asmctl's own remedy."""
    failing = report.failing
    if failing is None and not report.error and ended.exit_code is None:
        return (
            "asmctl ended while the bot was down, and its output doesn't show that it finished",
            "Retry runs it again.",
        )
    name = f"asmctl: {failing.name} is not OK" if failing else f"asmctl failed ({ended.exit_code})"
    said = "; ".join(failing.lines) if failing else ""
    why = f"{name}: {report.error}" if report.error else name
    return why, f"asmctl says: {said}." if said else "The output is in the attached file; Retry runs it again."


def find_leftovers(ctx: Context) -> tuple[str, ...]:
    """asmctl's test namespaces that came while it ran and are still there."""
    before = ctx.recall(NAMESPACES)
    known = set(before or ())
    return tuple(
        namespace.name
        for namespace in ctx.kubernetes.list_namespaces()
        if namespace.name not in known and not namespace.terminating and is_test_namespace(namespace)
    )


def is_test_namespace(namespace: Namespace) -> bool:
    """Whether asmctl made the namespace; a new namespace of somebody else's must never be offered for removal."""
    return any("asmctl" in text for text in (namespace.name, *namespace.labels, *namespace.labels.values()))


def remove_named_namespaces(ctx: Context) -> None:
    """Delete the namespaces that were named when the person decided."""
    for name in ctx.recall(LEFTOVERS) or ():
        ctx.kubernetes.delete_namespace(name)


def _start(ctx: Context, run_id: str) -> Outcome:
    if not ctx.mesh_tools.has_default_credentials():
        return Blocked(
            "asmctl needs application-default credentials, and none can be found",
            "Set GOOGLE_APPLICATION_CREDENTIALS for the bot, or run: gcloud auth application-default login",
            (ACCEPT,),
        )
    held = hold_cluster(ctx, anew=True)
    if held is not None:
        return held
    ctx.remember(NAMESPACES, tuple(namespace.name for namespace in ctx.kubernetes.list_namespaces()))
    ctx.mesh_tools.start_validate(run_id, ctx.cluster, recall_tools(ctx), list_arguments(ctx))
    return Waiting("asmctl validate has started", 1.0)


def _looks_whole(ctx: Context, ended: ProgramEnded, report: ValidationReport) -> bool:
    wanted = ALL_CHECKS if ctx.options.testing_workloads else BASIC_CHECKS
    return ended.exit_code is None and len(report.checks) >= wanted


STEPS: tuple[Step, ...] = (
    Step("validate/approve", approve),
    Step("validate/run", on_same_ground(run), timedelta(minutes=30)),
)
