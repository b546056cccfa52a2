"""`istioctl manifest apply`: run, adopted after a restart, judged, and repeated where only the connection failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import assert_never

from steps.contract.cards import Attachment
from steps.contract.ports import Ended, Manifest, NotStarted, Running
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.install.istioctl_output import cut_output, describe_apply, read_apply_output
from steps.install.overlays import join_overlays
from steps.install.rendered import find_differences, identify, parse_manifest, read_live
from steps.notes.download import IMAGES, recall_arguments, recall_tools
from steps.notes.runs import APPLY_TRIES, begin_next_try, count_tries, name_run
from steps.workloads.control_plane import find_image_fault, list_expected

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRIES = 8


def apply(ctx: Context) -> Outcome:
    """Run `istioctl manifest apply` once per approval, adopt it after a restart, judge how it ended.

    Once more, a few times, where nothing but the connection failed: half a control plane is worse than a second apply.
    """
    tries = count_tries(ctx, APPLY_TRIES)
    run_id = name_run(ctx, "apply", tries)
    match ctx.mesh_tools.observe_run(run_id):
        case NotStarted() if ctx.hold and tries == 1:
            return Waiting(ctx.hold, 0.0, held=True)
        case NotStarted():
            overlays = join_overlays(ctx.options.overlays)
            ctx.mesh_tools.start_apply(run_id, ctx.cluster, recall_tools(ctx), recall_arguments(ctx), overlays)
            return Waiting("istioctl manifest apply has started", 1.0)
        case Running(seconds, output):
            lines = describe_apply(read_apply_output(output))
            return Waiting(f"istioctl manifest apply runs for {seconds:.0f} s", 2.0, details=lines)
        case Ended() as ended:
            return judge_apply(ctx, ended)
        case unexpected:
            assert_never(unexpected)


def judge_apply(ctx: Context, ended: Ended) -> Outcome:
    """Judge an ended apply by its code, its error details and the cluster.

    istioctl 1.4 ends with 255 also where kubectl only warned; None is an end that no bot saw. Both, and faults of the
    connection, are judged by what was really applied.
    """
    report, output = read_apply_output(ended.output), Attachment("istioctl-apply.txt", ended.output)
    code = describe_code(ended.exit_code)
    if ended.timed_out:
        why = "istioctl manifest apply ran past its time limit and was ended"
        return Blocked(why, _apply_remedy("Look at the attached output."), (), (output,))
    doubtful = report.only_warnings or report.only_passing
    if ended.exit_code not in (0, None) and not doubtful:
        said = report.errors[0] if report.errors else " ".join(cut_output(ended.output, 1)) or "it wrote nothing"
        return Blocked(f"istioctl manifest apply failed ({code}): {said}", _apply_remedy(""), (), (output,))
    faults = find_image_faults(ctx) if ended.exit_code == 0 else find_missing_objects(ctx)
    if faults and report.only_passing and count_tries(ctx, APPLY_TRIES) < TRIES:
        return _apply_again(ctx, len(faults), report.errors[0])
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        why = f"istioctl manifest apply ended ({code}), but {faults[0]}{more}"
        said = f" istioctl says: {report.errors[0]}." if report.errors else ""
        remedy = _apply_remedy(f"Parts of the control plane may be on the new version.{said}")
        return Blocked(why, remedy, (), (output,))
    note = "" if ended.exit_code == 0 else f" ({code}; every object is in place)"
    return Done(f"istioctl manifest apply has ended{note}", attachments=(output,))


def _apply_again(ctx: Context, missing: int, said: str) -> Waiting:
    tries = begin_next_try(ctx, APPLY_TRIES)
    return Waiting(
        f"{count_things(missing, 'object')} could not be applied ({said}): applying again, {tries} of {TRIES}", 5.0
    )


def find_missing_objects(ctx: Context) -> tuple[str, ...]:
    """Rendered objects that were not applied, in sentences: how an apply is judged whose end says too little."""
    text = ctx.mesh_tools.render_manifest(recall_tools(ctx), recall_arguments(ctx), join_overlays(ctx.options.overlays))
    objects = parse_manifest(text)
    missing = find_unapplied(objects, read_live(ctx.kubernetes, objects))
    return tuple(f"{name} was not applied" for name in missing)


def describe_code(code: int | None) -> str:
    """An exit code in words: `exit 255`, `killed by signal 9`, `its end was not seen`."""
    if code is None:
        return "its end was not seen"
    return f"killed by signal {-code}" if code < 0 else f"exit {code}"


def find_image_faults(ctx: Context) -> tuple[str, ...]:
    """Workloads whose template is not on the rendered images."""
    images = ctx.recall(IMAGES) or {}
    live = {workload.ref: workload for workload in ctx.kubernetes.list_workloads(ctx.release.namespace)}
    expected = list_expected(ctx.release, images)
    faults = (find_image_fault(ctx.release, ref, images.get(str(ref), {}), live.get(ref)) for ref in expected)
    return tuple(fault for fault in faults if fault)


def _apply_remedy(first: str) -> str:
    return f"{first} Mend what it names; Retry applies again, which is safe after a partial failure.".strip()


def find_unapplied(objects: Sequence[Manifest], live: Iterable[Manifest]) -> tuple[str, ...]:
    """The rendered objects that are missing or were last applied with other content.

    istioctl applies with kubectl, which keeps on each object what it applied; unlike the live fields that text is
    free of the server's defaults and spellings. An object without it is compared by its live fields.
    """
    known = {identify(item): item for item in live}
    return tuple(str(identify(item)) for item in objects if not _is_applied(item, known.get(identify(item))))


def _is_applied(wanted: Manifest, here: Manifest | None) -> bool:
    if here is None:
        return False
    text = (here["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = json.loads(text) if text else here
    except ValueError:
        applied = here
    return not find_differences(wanted, applied)
