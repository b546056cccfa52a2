"""How an apply ended, judged by kubectl's calls, by the record against the cluster, and by the images that run."""

from __future__ import annotations

from collections.abc import Sequence

from steps.contract.cards import Attachment
from steps.contract.ports import KubectlCall, ProgramEnded
from steps.contract.step import Blocked, Context, Done, Outcome, Waiting
from steps.contract.wording import count_things
from steps.install.istioctl_output import find_first_words, read_apply_output
from steps.install.record.kubectl_errors import ObjectFault, choose_remedy, read_kubectl_errors
from steps.notes.download import IMAGES
from steps.notes.runs import APPLY_TRIES, begin_next_try, count_tries
from steps.phases.control_plane.missing import find_missing_objects
from steps.phases.control_plane.removing import remove_approved
from steps.workloads.control_plane import find_image_fault, list_expected

TRIES = 8
PASSING = frozenset({"connection", "token"})


def judge_apply(ctx: Context, ended: ProgramEnded, calls: Sequence[KubectlCall]) -> Outcome:
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
    if missing and may_succeed_again(ended, calls, faults) and count_tries(ctx, APPLY_TRIES) < TRIES:
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


def may_succeed_again(ended: ProgramEnded, calls: Sequence[KubectlCall], faults: Sequence[ObjectFault]) -> bool:
    """Whether a second apply may succeed: only the connection was at fault, or something was killed.

    istioctl itself waits for Base's definitions, and says so where it could not ask.
    """
    if faults:
        return all(fault.kind in PASSING for fault in faults)
    if ended.exit_code is None or ended.exit_code < 0 or any(call.was_cut_short for call in calls):
        return True
    return read_apply_output(ended.output).only_passing


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


def _apply_again(ctx: Context, missing: int, said: str) -> Waiting:
    tries = begin_next_try(ctx, APPLY_TRIES)
    return Waiting(
        f"{count_things(missing, 'object')} could not be applied ({said}): applying again, {tries} of {TRIES}", 5.0
    )


def _block_missing(
    ended: ProgramEnded, faults: Sequence[ObjectFault], missing: Sequence[str], output: Attachment
) -> Blocked:
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
