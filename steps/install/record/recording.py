"""Recordings of an apply: started, waited for, judged, and held against a second one.

istioctl 1.4 changes a cluster only through kubectl, and hands it the same bytes each time but for two leaves
(facts of istio/operator 1.4.10, pkg/manifest/installer.go). So what it hands over to a kubectl that writes down and
changes nothing is the exact preview; two recordings show which leaves are made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import assert_never

from steps.contract.cards import Attachment
from steps.contract.errors import GiveUp
from steps.contract.ports import (
    ApplyRequest,
    ForbiddenRead,
    KubectlCall,
    Manifest,
    NotStarted,
    PlacesTaken,
    ProgramEnded,
    Recording,
    Running,
)
from steps.contract.record import Record, write_canonically
from steps.contract.step import Blocked, Context, Waiting
from steps.contract.wording import describe_seconds
from steps.install.istioctl_output import find_first_words, read_apply_output
from steps.install.record.kubectl_errors import read_kubectl_errors
from steps.install.record.recorder import Recorder, choose_recorder
from steps.install.record.renewal import compare_recordings
from steps.notes.download import LAST_RECORDING, RECORDED, RECORDER, RECORDER_DOUBT, KeptRecord, KeptRecorder
from steps.notes.runs import RECORDING_TRIES, begin_next_try, count_tries, name_run, observe_istioctl, wait_for_place

TRIES = 8
# For so long the account and the viewer are taken to have the rights that they were just seen to have.
ASK_AGAIN = timedelta(seconds=30)
# The kinds of kubectl's category `all` that Istio 1.4 has objects of; any other may be unreadable.
OWN_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "extensions"})
BEFORE_WRITING = "Nothing has been written to the cluster."


@dataclass(frozen=True)
class Recorded:
    """An apply as it was written down: `run_id` is the run that holds the record's bytes.

    `disabled` are the components that the flags switch off, `unread` the kinds that could not be looked through for
    their objects, `doubt` why the account that recorded it may write.
    """

    request: ApplyRequest
    record: Record
    run_id: str
    disabled: tuple[str, ...]
    unread: tuple[ForbiddenRead, ...] = ()
    doubt: str = ""

    @cached_property
    def objects(self) -> tuple[Manifest, ...]:
        """The objects that are handed over."""
        return tuple(made.content for made in self.record.list_objects())


def record_apply(
    ctx: Context, name: str, request: ApplyRequest, times: int = 2, *, looks: bool = True
) -> Recorded | Waiting | Blocked:
    """The record of what a request hands over, from an earlier look where there is one; Waiting while it is made.

    `looks`: the first recording reads the cluster, as the apply will; what is written down is the same without.
    """
    kept = recall_recorded(ctx, name, request)
    if kept is not None:
        return kept
    recordings: list[tuple[str, Recording]] = []
    for number in range(1, times + 1):
        run_id = name_recording(ctx, name, request, number)
        found = observe_recording(ctx, run_id, name, request, looks=looks and number == 1)
        if not isinstance(found, Recording):
            return found
        recordings.append((run_id, found))
    (run_id, first), (_, last) = recordings[0], recordings[-1]
    compared = compare_recordings(first.record, last.record)
    if compared.others:
        return Blocked(
            f"istioctl hands over something else each time: {', '.join(compared.others[:3])}",
            f"{BEFORE_WRITING} An approval could not hold for that: find the flag or overlay that renders it.",
        )
    recorded = _describe(ctx, name, request, replace(first, record=compared.record), run_id)
    ctx.revise(RECORDED.of(name), KeptRecord(digest_request(request), run_id, recorded.record.digest, times))
    return recorded


def recall_recorded(ctx: Context, name: str, request: ApplyRequest) -> Recorded | None:
    """The record that an earlier look made of the very same request, None where its bytes are gone or changed."""
    kept = ctx.recall(RECORDED.of(name))
    if kept is None or kept.request != digest_request(request):
        return None
    try:
        first = ctx.mesh_tools.read_recording(kept.run_id)
        last = first if kept.times == 1 else ctx.mesh_tools.read_recording(name_twin(kept.run_id, kept.times))
    except GiveUp:
        return None
    compared = compare_recordings(first.record, last.record)
    if compared.others or compared.record.digest != kept.digest:
        return None
    return _describe(ctx, name, request, replace(first, record=compared.record), kept.run_id)


def observe_recording(
    ctx: Context, run_id: str, name: str, request: ApplyRequest, *, looks: bool
) -> Recording | Waiting | Blocked:
    """One look at one recording, started where it wasn't."""
    match observe_istioctl(ctx, run_id):
        case NotStarted():
            recorder = find_recorder(ctx)
            ctx.revise(RECORDER_DOUBT.of(name), recorder.doubt)
            ctx.revise(LAST_RECORDING, run_id)
            ctx.mesh_tools.start_recording(run_id, ctx.cluster, request, recorder.acting_for, looks=looks)
            return Waiting("writing down what istioctl hands to kubectl", 1.0)
        case PlacesTaken() as taken:
            return wait_for_place(taken)
        case Running(seconds):
            return describe_recording(seconds)
        case ProgramEnded() as ended:
            return judge_recording(ctx, name, ended, ctx.mesh_tools.read_recording(run_id))
        case unexpected:
            assert_never(unexpected)


def wait_for_recording(ctx: Context) -> Waiting | None:
    """While one is being made nothing else is measured: all of it would be measured again with what it writes down."""
    run_id = ctx.recall(LAST_RECORDING)
    found = observe_istioctl(ctx, run_id) if run_id is not None else None
    return describe_recording(found.seconds) if isinstance(found, Running) else None


def describe_recording(seconds: float) -> Waiting:
    """It has been made for so many seconds."""
    return Waiting(f"writing down what istioctl hands to kubectl, for {describe_seconds(seconds)}", 1.0)


def find_recorder(ctx: Context) -> Recorder:
    """As whom to record: asked once for the recordings that a step makes right after each other.

    What one account may says nothing of the next, so it is looked each time whose credentials are in use.
    """
    account, kept = ctx.kubernetes.read_account(), ctx.recall(RECORDER)
    asked = (ctx.step_id, ctx.generation, account)
    own = kept is not None and (kept.step, kept.generation, kept.account) == asked
    if kept is not None and own and timedelta() <= ctx.now - kept.at < ASK_AGAIN:
        return Recorder(kept.acting_for, kept.doubt)
    found = choose_recorder(ctx.kubernetes)
    ctx.revise(RECORDER, KeptRecorder(ctx.step_id, ctx.generation, ctx.now, found.acting_for, found.doubt, account))
    return found


def judge_recording(ctx: Context, name: str, ended: ProgramEnded, found: Recording) -> Recording | Waiting | Blocked:
    """Whether an ended recording is whole: istioctl came to its end, and every call was answered."""
    refused = next((call for call in found.calls if call.verdict == "refused"), None)
    unread = [call for call in found.calls if call.verb == "get" and call.exit_code]
    output = Attachment("istioctl-recording.txt", ended.output)
    whole = ended.exit_code == 0 or (ended.exit_code is None and read_apply_output(ended.output).complete)
    cut_short = ended.timed_out or (not whole and (ended.exit_code is None or ended.exit_code < 0))
    cut_short = cut_short or any(call.was_cut_short for call in found.calls)
    if (cut_short or any(is_passing(call) for call in unread)) and count_tries(ctx, RECORDING_TRIES.of(name)) < TRIES:
        begin_next_try(ctx, RECORDING_TRIES.of(name))
        return Waiting("what istioctl hands to kubectl could not be written down to its end: once more", 2.0)
    if refused is not None and refused.sentence:
        return Blocked(f"istioctl can't be followed: {refused.sentence}", f"{BEFORE_WRITING} Retry looks again.")
    own = [call for call in unread if not lacks_only_others(call)]
    if own:
        return block_unread(own[0], output)
    if not found.record.calls or not (whole or unread):
        said = find_first_words(ended.output) or "it wrote nothing"
        why = f"istioctl did not come to the end of its apply while that was written down: {said}"
        remedy = f"{BEFORE_WRITING} Correct the flag or overlay that it names, and start again."
        return Blocked(why, remedy, (), (output,))
    return found


def block_unread(call: KubectlCall, output: Attachment) -> Blocked:
    """The objects of a component that is switched off could not be looked through."""
    said = call.stderr.strip().splitlines()[0] if call.stderr.strip() else f"kubectl ended with {call.exit_code}"
    rules = "; ".join(describe_rule(one) for one in call.forbidden)
    why = f"kubectl could not list what {call.component or 'a component'} has in the cluster: {said}"
    return Blocked(why, f"{BEFORE_WRITING} {rules or 'See the attached output'}; then retry.", (), (output,))


def is_passing(call: KubectlCall) -> bool:
    """Whether only the connection to the API server failed."""
    faults = read_kubectl_errors(call.stderr)
    return bool(faults) and all(fault.kind in ("connection", "token") for fault in faults)


def lacks_only_others(call: KubectlCall) -> bool:
    """Whether all that could not be read are kinds of which Istio has no objects."""
    return bool(call.forbidden) and all(one.group not in OWN_GROUPS for one in call.forbidden)


def describe_rule(one: ForbiddenRead) -> str:
    """The rule that lets a kind be read."""
    return f"let the bot's account {one.verb} {one.resource} of the API group {one.group or 'core'}"


def name_recording(ctx: Context, name: str, request: ApplyRequest, number: int) -> str:
    """The id of a recording's run: another request, generation or try is another run."""
    run_id = name_run(ctx, f"{name}-{digest_request(request)[:12]}", count_tries(ctx, RECORDING_TRIES.of(name)))
    return name_twin(f"{run_id}-r1", number)


def name_twin(run_id: str, number: int) -> str:
    """The id of the recording that was made of the same request at the same time."""
    return f"{run_id.removesuffix('-r1')}-r{number}"


def digest_request(request: ApplyRequest) -> str:
    """SHA-256 of all that decides what istioctl hands over."""
    programs = [request.tools.istioctl_sha256, request.kubectl.sha256, request.cluster_uid]
    asked = {"programs": programs, "arguments": request.arguments, "overlays": request.overlays}
    return hashlib.sha256(write_canonically(asked).encode()).hexdigest()


def list_disabled(calls: Sequence[KubectlCall], record: Record) -> tuple[str, ...]:
    """The components whose objects istioctl looked for in order to remove them."""
    asked = (call.component for call in calls if call.verb == "get" and call.component)
    return tuple(dict.fromkeys(name for name in asked if name not in record.components))


def _describe(ctx: Context, name: str, request: ApplyRequest, recording: Recording, run_id: str) -> Recorded:
    unread = {one for call in recording.calls if call.verb == "get" and call.exit_code for one in call.forbidden}
    disabled = list_disabled(recording.calls, recording.record)
    doubt = ctx.recall(RECORDER_DOUBT.of(name)) or ""
    return Recorded(request, recording.record, run_id, disabled, tuple(sorted(unread)), doubt)
