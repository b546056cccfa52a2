"""`istioctl manifest apply`: recorded once more, run under guard, adopted after a restart, judged, repeated.

What reaches the cluster is the approved record and nothing else: right before the start a new recording must equal
it, and our own kubectl passes on its bytes alone. The end is judged by kubectl's calls and by the record against the
cluster; istioctl's own text is read only for what istioctl says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from steps.contract.cards import Attachment
from steps.contract.ports import Ended, KubectlCall, Manifest, NotStarted, Running
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.gates import pass_gate
from steps.install.istioctl_output import describe_apply, find_first_words, read_apply_output
from steps.install.record.kubectl_errors import ObjectFault, choose_remedy, read_kubectl_errors
from steps.install.record.preview import Preview, build_request, measure_preview
from steps.install.record.recording import Recorded, recall_recorded, record_apply
from steps.install.record.rendered import find_differences, identify, read_live
from steps.notes.control_plane import APPROVED_APPLY, ApprovedApply
from steps.notes.download import IMAGES
from steps.notes.prepare import measure_identity
from steps.notes.runs import APPLY_TRIES, begin_next_try, count_tries, name_run
from steps.phases.control_plane.approvals import ask_about_apply, describe_approved, find_unapproved
from steps.phases.control_plane.removing import remove_approved
from steps.workloads.control_plane import find_image_fault, list_expected

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRIES = 8
PASSING = frozenset({"connection", "token"})


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
            return start_apply(ctx, run_id, first=tries == 1)
        case Running(seconds, output):
            lines = describe_apply(read_apply_output(output))
            return Waiting(f"istioctl manifest apply runs for {seconds:.0f} s", 2.0, details=lines)
        case Ended() as ended:
            return judge_apply(ctx, ended, ctx.mesh_tools.list_calls(run_id))
        case unexpected:
            assert_never(unexpected)


def start_apply(ctx: Context, run_id: str, *, first: bool) -> Outcome:
    """Hold what was approved against what is handed over now, and start; the step itself asks where that is more."""
    found = measure_preview(ctx)
    if not isinstance(found, Preview):
        return found
    asked = check_approved(ctx, found, first=first)
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
    record = fresh.record.with_renewed(renewed)
    ctx.mesh_tools.start_apply(run_id, ctx.cluster, fresh.request, record, fresh.run_id)
    return Waiting("istioctl manifest apply has started", 1.0)


def check_approved(ctx: Context, found: Preview, *, first: bool) -> Outcome | None:
    """None where all of this was approved; before the first write what would change or go counts as well."""
    approved = ctx.recall(APPROVED_APPLY)
    late = find_unapproved(found, approved)
    worse = late != ApprovedApply("") if first else bool(late.record or late.removals)
    if approved is not None and not worse:
        return None
    ask = ask_about_apply(ctx, found, approved)
    outcome = pass_gate(ctx, ask)
    if isinstance(outcome, Done):
        ctx.revise(APPROVED_APPLY, describe_approved(found))
        return None
    if isinstance(outcome, Ask) and approved is None:
        moved = (*outcome.moved, "this version of the bot also checks what istioctl hands to kubectl")
        return replace(outcome, moved=moved)
    return outcome


def judge_apply(ctx: Context, ended: Ended, calls: Sequence[KubectlCall]) -> Outcome:
    """Judge an ended apply by kubectl's calls and by the record against the cluster, also at exit 0."""
    output = Attachment("istioctl-apply.txt", ended.output)
    if ended.timed_out:
        why = "istioctl manifest apply ran past its time limit and was ended"
        return Blocked(why, _advise_retry("Look at the attached output."), (), (output,))
    refused = next((call for call in calls if call.verdict == "refused"), None)
    if refused is not None:
        why = f"istioctl wanted more than was approved: {refused.sentence}"
        return Blocked(why, _advise_retry("Parts may be on the new version."), (), (output,))
    faults = find_call_faults(calls)
    missing = find_missing_objects(ctx)
    if isinstance(missing, Waiting | Blocked):
        return missing
    if missing and is_passing(ended, faults) and count_tries(ctx, APPLY_TRIES) < TRIES:
        return _apply_again(ctx, len(missing), faults[0].cause if faults else describe_code(ended.exit_code))
    if missing:
        return _block_missing(ended, faults, missing, output)
    odd = find_image_faults(ctx)
    if odd:
        why = f"istioctl manifest apply ended ({describe_code(ended.exit_code)}), but {odd[0]}"
        return Blocked(why, _advise_retry("Something else changes the control plane."), (), (output,))
    if not remove_approved(ctx):
        return Waiting("removing what was approved to go", 0.0)
    note = "" if ended.exit_code == 0 else f" ({describe_code(ended.exit_code)}; every object is in place)"
    return Done(f"istioctl manifest apply has ended{note}", attachments=(output,))


def find_call_faults(calls: Sequence[KubectlCall]) -> tuple[ObjectFault, ...]:
    """What went wrong in the writes, each once."""
    failed = (call for call in calls if call.is_write and call.exit_code not in (0, None))
    return tuple(dict.fromkeys(fault for call in failed for fault in read_kubectl_errors(call.stderr)))


def is_passing(ended: Ended, faults: Sequence[ObjectFault]) -> bool:
    """Whether a second apply may do what this one could not: nothing was said but of the connection, or nobody saw."""
    if faults:
        return all(fault.kind in PASSING for fault in faults)
    return ended.exit_code is None or (ended.exit_code or 0) < 0


def find_missing_objects(ctx: Context) -> tuple[str, ...] | Waiting | Blocked:
    """Objects of the record that are missing in the cluster or were last applied with other content."""
    identity = measure_identity(ctx)
    request = build_request(ctx, identity)
    recorded = recall_recorded(ctx, "target", request) or record_apply(ctx, "target", request)
    if not isinstance(recorded, Recorded):
        return recorded
    objects = recorded.objects
    return find_unapplied(objects, read_live(ctx.kubernetes, objects))


def describe_code(code: int | None) -> str:
    """An exit code in words: `exit 255`, `killed by signal 9`, `its end was not seen`."""
    if code is None:
        return "its end was not seen"
    return f"killed by signal {-code}" if code < 0 else f"exit {code}"


def find_image_faults(ctx: Context) -> tuple[str, ...]:
    """Workloads whose template is not on the images of the record."""
    images = ctx.recall(IMAGES) or {}
    live = {workload.ref: workload for workload in ctx.kubernetes.list_workloads(ctx.release.namespace)}
    expected = list_expected(ctx.release, images)
    faults = (find_image_fault(ctx.release, ref, images.get(str(ref), {}), live.get(ref)) for ref in expected)
    return tuple(fault for fault in faults if fault)


def find_unapplied(objects: Sequence[Manifest], live: Iterable[Manifest]) -> tuple[str, ...]:
    """The objects that are missing or were last applied with other content.

    kubectl keeps on each object what it applied; unlike the live fields that text is free of the server's defaults
    and spellings. An object without it is compared by its live fields.
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


def _apply_again(ctx: Context, missing: int, said: str) -> Waiting:
    tries = begin_next_try(ctx, APPLY_TRIES)
    return Waiting(
        f"{count_things(missing, 'object')} could not be applied ({said}): applying again, {tries} of {TRIES}", 5.0
    )


def _block_missing(ended: Ended, faults: Sequence[ObjectFault], missing: Sequence[str], output: Attachment) -> Blocked:
    """Name object and cause; where kubectl said nothing, what istioctl said first."""
    code = describe_code(ended.exit_code)
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    if faults:
        why = f"istioctl manifest apply failed ({code}): {faults[0]}"
        remedy = choose_remedy(faults[0].kind)
        return Blocked(why, _advise_retry(f"{remedy} Not applied: {missing[0]}{more}."), (), (output,))
    said = find_first_words(ended.output)
    words = f" istioctl says: {said}." if said else ""
    why = f"istioctl manifest apply ended ({code}), but {missing[0]} was not applied{more}"
    return Blocked(why, _advise_retry(f"Parts of the control plane may be on the new version.{words}"), (), (output,))


def _advise_retry(first: str) -> str:
    return f"{first} Retry applies again, which is safe after a partial failure.".strip()
