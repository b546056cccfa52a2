"""The control-plane phase: backup, istioctl manifest apply, and the wait that istioctl 1.4 itself doesn't do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never, cast

from steps.apply_output import cut_output, describe_apply, read_apply_output
from steps.backup import list_backup_items, name_backup, read_backup
from steps.eligibility import BUSY_OPERATIONS
from steps.errors import GiveUp
from steps.estimate import describe_range, estimate_control_plane
from steps.gates import bind_evidence, bind_upgrade, build_gate_card, list_evidence
from steps.identity import measure_identity
from steps.mesh import Pod, Workload
from steps.ports import Ended, NotStarted, Running
from steps.prepare import choose_mtls, recall_mtls
from steps.preview import Preview, measure_preview
from steps.rollout import (
    Images,
    describe_done,
    find_image_fault,
    format_pods,
    judge_workloads,
    list_expected,
)
from steps.stalls import Stall, choose_overdue, explain_webhook_gap, find_stalls, find_webhook_gap
from steps.step import (
    APPROVE,
    DENY,
    Ask,
    Attachment,
    Blocked,
    Card,
    Context,
    Detail,
    Done,
    Outcome,
    Step,
    Waiting,
    pass_gate,
)
from steps.toolbox import describe_way_back, recall_tools

LOOK_AGAIN = 5.0
BACKUPS_A_TURN = 10


def approve_mtls(ctx: Context) -> Outcome:
    """Ask on its own about another mTLS mode than the one in force; nothing to ask where it stays."""
    now, wanted = recall_mtls(ctx), choose_mtls(ctx)
    if now == wanted:
        return Done("")
    identity = measure_identity(ctx)
    risk = (
        "Workloads without a sidecar, and probes from outside the mesh, can no longer reach those inside."
        if wanted == "STRICT"
        else "Workloads will take plain text again."
    )
    card = build_gate_card(ctx, identity, "Change of mTLS", (f"mTLS changes from {now} to {wanted}.",), risks=(risk,))
    question = f"Change {ctx.cluster.key} from {now} to {wanted} mTLS?"
    return pass_gate(ctx, Ask(question, card, {**bind_upgrade(ctx, identity), "mTLS in force": now}))


def approve(ctx: Context) -> Outcome:
    """Ask before the first write to the control plane, with arguments, differences and evidence."""
    busy = find_busy_operation(ctx)
    if busy:
        return Blocked(busy, "Wait until it has ended, then retry; moving nodes and a moving control plane don't mix.")
    found = measure_preview(ctx)
    if isinstance(found, Blocked):
        return found
    identity = measure_identity(ctx)
    binding = {
        **bind_upgrade(ctx, identity),
        **bind_evidence(ctx),
        "arguments": list(found.arguments),
        "rendered manifest": found.rendered,
        "removals": list(found.removals),
    }
    question = f"Replace the control plane of {ctx.cluster.key} by {ctx.release.version}?"
    return pass_gate(ctx, Ask(question, _build_card(ctx, found), binding, (APPROVE, DENY)))


def back_up(ctx: Context) -> Outcome:
    """Keep the state before the first write, a few kinds a turn."""
    items = list_backup_items(ctx.release)
    kept = cast(Mapping[str, int], ctx.recall("control-plane/backup") or {})
    left = [item for item in items if name_backup(item) not in kept]
    counts = dict(kept)
    for item in left[:BACKUPS_A_TURN]:
        text, count = read_backup(ctx.kubernetes, item)
        if count:
            ctx.backups.write_backup(ctx.upgrade_id, name_backup(item), text)
        counts[name_backup(item)] = count
    ctx.memory.revise("control-plane/backup", counts)
    if len(left) > BACKUPS_A_TURN:
        return Waiting(f"backing up: {len(counts)} of {len(items)} kinds", 0.0)
    address = ctx.kubernetes.read_ingress_address(ctx.release.namespace, ctx.release.ingress_service)
    ctx.remember("control-plane/ingress", address)
    return Done(f"backup: {sum(counts.values())} objects of {sum(1 for n in counts.values() if n)} kinds")


def apply(ctx: Context) -> Outcome:
    """Run `istioctl manifest apply` once an approval, adopt it after a restart, judge how it ended."""
    run_id = f"{ctx.upgrade_id}-apply-{ctx.generation}"
    match ctx.mesh_tools.observe_run(run_id):
        case NotStarted():
            overlays = tuple((overlay.name, overlay.text) for overlay in ctx.options.overlays)
            ctx.mesh_tools.start_apply(run_id, ctx.cluster, recall_tools(ctx), recall_arguments(ctx), overlays)
            return Waiting("istioctl manifest apply has started", 1.0)
        case Running(seconds, output):
            lines = describe_apply(read_apply_output(output))
            return Waiting(f"istioctl manifest apply runs for {seconds:.0f} s", 2.0, details=lines)
        case Ended() as ended:
            return judge_apply(ctx, ended)
        case unexpected:
            assert_never(unexpected)


def roll_out(ctx: Context) -> Outcome:
    """Wait until every workload is on its rendered image and rolled out, and the injector can inject."""
    release, images = ctx.release, recall_images(ctx)
    workloads = ctx.kubernetes.list_workloads(release.namespace)
    pods = tuple(ctx.kubernetes.list_pods(release.namespace))
    standings = judge_workloads(release, images, workloads)
    gap = find_webhook_gap(
        ctx.kubernetes.read_webhook(release.injector_webhook),
        ctx.kubernetes.count_ready_endpoints(release.namespace, release.injector_service),
    )
    missing = [s.missing for s in standings if s.missing] + ([gap] if gap else [])
    leaving = [pod.name for pod in pods if pod.terminating]
    if not missing and not leaving:
        return _conclude(ctx, describe_done(release, standings), format_pods(pods, images, ctx.now))
    names = {s.ref.name for s in standings}
    overdue = find_overdue(ctx, [w for w in workloads if w.ref.name in names], pods, gap)
    if overdue:
        return Blocked(overdue.sentence, overdue.remedy)
    why = missing[0] if missing else f"{leaving[0]} is terminating"
    more = len(missing) + len(leaving) - 1
    details = format_pods(pods, images, ctx.now)
    return Waiting(f"control plane: {why}" + (f" and {more} more" if more else ""), LOOK_AGAIN, details=details)


def judge_apply(ctx: Context, ended: Ended) -> Outcome:
    """Judge an ended apply by its code, its error details and the cluster's images, in this order of trust.

    istioctl 1.4 ends with 255 also where kubectl only warned; None is an end that no bot saw.
    """
    report, output = read_apply_output(ended.output), Attachment("istioctl-apply.txt", ended.output)
    code = "unseen" if ended.exit_code is None else str(ended.exit_code)
    if ended.timed_out:
        why = "istioctl manifest apply ran past its time limit and was ended"
        return Blocked(why, _apply_remedy("Look at the attached output."), (), (output,))
    if ended.exit_code not in (0, None) and not report.only_warnings:
        last = report.errors[-1] if report.errors else " ".join(cut_output(ended.output, 1)) or "no output"
        return Blocked(f"istioctl manifest apply failed ({code}): {last}", _apply_remedy(""), (), (output,))
    faults = find_image_faults(ctx)
    if faults:
        why = f"istioctl manifest apply ended ({code}), but {faults[0]}"
        return Blocked(why, _apply_remedy("Parts of the control plane may be on the new version."), (), (output,))
    note = "" if ended.exit_code == 0 else f" ({code}: nothing but warnings, and every image is in place)"
    return Done(f"istioctl manifest apply has ended{note}", attachments=(output,))


def find_image_faults(ctx: Context) -> tuple[str, ...]:
    """Workloads whose template is not on the rendered images."""
    images = recall_images(ctx)
    live = {workload.ref: workload for workload in ctx.kubernetes.list_workloads(ctx.release.namespace)}
    expected = list_expected(ctx.release, images)
    faults = (find_image_fault(ctx.release, ref, images.get(str(ref), {}), live.get(ref)) for ref in expected)
    return tuple(fault for fault in faults if fault)


def find_overdue(ctx: Context, workloads: Sequence[Workload], pods: Sequence[Pod], gap: str) -> Stall | None:
    """The stall that has lasted longer than its patience."""
    waited = ctx.now - ctx.waiting_since
    lasting = _note_terminating(ctx, pods)
    stalls = list(find_stalls(workloads, [pod for pod in pods if not pod.terminating]))
    overdue = choose_overdue([*stalls, *([explain_webhook_gap(gap)] if gap else [])], waited)
    if overdue:
        return overdue
    leaving = find_stalls((), [pod for pod in pods if pod.uid in lasting])
    return next((stall for stall, pod in zip(leaving, pods, strict=False) if pod), None)


def find_busy_operation(ctx: Context) -> str:
    """A GKE operation that moves nodes or the master, in a sentence; "" where none runs or none may be read."""
    try:
        operations = ctx.gke.list_operations(ctx.cluster)
    except GiveUp:
        return ""
    busy = [operation for operation in operations if operation.kind in BUSY_OPERATIONS]
    return f"GKE runs {busy[0].kind} on {busy[0].target or ctx.cluster.key}" if busy else ""


def recall_images(ctx: Context) -> Images:
    """The rendered images of the control plane, by workload and container."""
    return cast(Images, ctx.recall("download/images") or {})


def recall_arguments(ctx: Context) -> tuple[str, ...]:
    """istioctl's arguments as they were shown."""
    return tuple(cast(Sequence[str], ctx.recall("download/arguments") or ()))


def _build_card(ctx: Context, found: Preview) -> Card:
    identity = measure_identity(ctx)
    minutes = describe_range(estimate_control_plane(ctx.release))
    return build_gate_card(
        ctx,
        identity,
        "Control plane",
        (f"Backs up, then runs istioctl manifest apply with {choose_mtls(ctx)} mTLS. {found.sentence}.",),
        facts=(*list_evidence(ctx), ("rendered manifest", found.rendered), ("way back", describe_way_back(ctx))),
        risks=(
            "Every new pod gets the new sidecar from then on.",
            "Pods can't start in injected namespaces while the injector rolls.",
        ),
        details=(Detail("istioctl", (" ".join(found.arguments),)), *found.card.details),
        estimate=f"{minutes} (the guide)",
    )


def _conclude(ctx: Context, sentence: str, table: tuple[str, ...]) -> Done:
    before = str(ctx.recall("control-plane/ingress") or "")
    after = ctx.kubernetes.read_ingress_address(ctx.release.namespace, ctx.release.ingress_service)
    if before == after:
        return Done(sentence, attachments=(Attachment("control-plane.txt", "\n".join(table)),))
    risk = f"the ingress address was {before or 'none'} and is now {after or 'none'}: change DNS and firewalls"
    return Done(f"{sentence}; {risk}", Card("Ingress address changed", risks=(risk,)))


def _note_terminating(ctx: Context, pods: Sequence[Pod]) -> frozenset[str]:
    """Remember since when pods are seen terminating; answers those that take too long."""
    seen = cast(Mapping[str, str], ctx.recall("control-plane/terminating") or {})
    now = {pod.uid: seen.get(pod.uid, ctx.now.isoformat()) for pod in pods if pod.terminating}
    if dict(seen) != now:
        ctx.memory.revise("control-plane/terminating", now)
    limit = ctx.now - Stall("Terminating", "", "").patience
    return frozenset(uid for uid, since in now.items() if datetime.fromisoformat(since) <= limit)


def _apply_remedy(first: str) -> str:
    return f"{first} Mend what it names; Retry applies again, which is safe after a partial failure.".strip()


STEPS: tuple[Step, ...] = (
    Step("control-plane/approve-mtls", approve_mtls),
    Step("control-plane/approve", approve),
    Step("control-plane/backup", back_up),
    Step("control-plane/apply", apply, timedelta(hours=1)),
    Step("control-plane/rollout", roll_out, timedelta(hours=1)),
)
