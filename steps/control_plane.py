"""The control-plane phase: backup, istioctl manifest apply, and the wait that istioctl 1.4 itself doesn't do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import assert_never, cast

from steps.applied import find_unapplied
from steps.apply_output import cut_output, describe_apply, read_apply_output
from steps.backup import list_backup_items, name_backup, read_backup
from steps.eligibility import BUSY_OPERATIONS, describe_operation
from steps.errors import GiveUp
from steps.estimate import Range, describe_control_plane
from steps.gates import bind_evidence, bind_upgrade, build_gate_card, list_evidence
from steps.identity import measure_identity
from steps.overlays import join_overlays
from steps.ports import Ended, NotStarted, Running
from steps.prepare import choose_mtls, recall_flags, recall_mtls, recall_source
from steps.preview import Preview, measure_preview
from steps.rendered import parse_manifest, read_live
from steps.replacement import recall_images, roll_out
from steps.rollout import find_image_fault, list_expected
from steps.step import Ask, Attachment, Blocked, Card, Context, Done, Json, Outcome, Step, Waiting, pass_gate
from steps.toolbox import describe_way_back, recall_tools

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
    rendering = found.rendering
    binding = {
        **bind_upgrade(ctx, rendering.identity),
        **bind_evidence(ctx),
        "arguments": list(rendering.arguments),
        "rendered manifest": rendering.sha256,
        "removals": ctx.recall("download/removals"),
    }
    question = f"Replace the control plane of {ctx.cluster.key} by {ctx.release.version}?"
    return pass_gate(ctx, Ask(question, _build_card(ctx, found), binding))


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
    ctx.backups.write_backup(ctx.upgrade_id, "install.json", describe_install(ctx, address))
    return Done(f"backup: {sum(counts.values())} objects of {sum(1 for n in counts.values() if n)} kinds")


def describe_install(ctx: Context, ingress: str) -> str:
    """What a way back needs besides the objects, as JSON: version, options and address before the first write."""
    kept: dict[str, Json] = {
        "version": recall_source(ctx),
        "mTLS": recall_mtls(ctx),
        "set flags": list(recall_flags(ctx)),
        "ingress address": ingress,
        "arguments of this upgrade": list(recall_arguments(ctx)),
        "identity": ctx.recall("prepare/identity"),
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def apply(ctx: Context) -> Outcome:
    """Run `istioctl manifest apply` once an approval, adopt it after a restart, judge how it ended."""
    run_id = f"{ctx.upgrade_id}-apply-{ctx.generation}"
    match ctx.mesh_tools.observe_run(run_id):
        case NotStarted() if ctx.hold:
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
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        why = f"istioctl manifest apply ended ({code}), but {faults[0]}{more}"
        said = f" istioctl says: {report.errors[0]}." if report.errors else ""
        remedy = _apply_remedy(f"Parts of the control plane may be on the new version.{said}")
        return Blocked(why, remedy, (), (output,))
    note = "" if ended.exit_code == 0 else f" ({code}; every object is in place)"
    return Done(f"istioctl manifest apply has ended{note}", attachments=(output,))


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
    images = recall_images(ctx)
    live = {workload.ref: workload for workload in ctx.kubernetes.list_workloads(ctx.release.namespace)}
    expected = list_expected(ctx.release, images)
    faults = (find_image_fault(ctx.release, ref, images.get(str(ref), {}), live.get(ref)) for ref in expected)
    return tuple(fault for fault in faults if fault)


def find_busy_operation(ctx: Context) -> str:
    """A GKE operation that moves nodes or the master, in a sentence; "" where none runs or none may be read."""
    try:
        operations = ctx.gke.list_operations(ctx.cluster)
    except GiveUp:
        return ""
    return next((describe_operation(found) for found in operations if found.kind in BUSY_OPERATIONS), "")


def recall_arguments(ctx: Context) -> tuple[str, ...]:
    """istioctl's arguments as they were shown."""
    return tuple(cast(Sequence[str], ctx.recall("download/arguments") or ()))


def _build_card(ctx: Context, found: Preview) -> Card:
    ahead = cast(Range, tuple(cast(Sequence[float], ctx.recall("prepare/sidecars-estimate") or (0.0, 0.0))))
    way_back = ("way back", describe_way_back(ctx))
    return build_gate_card(
        ctx,
        found.rendering.identity,
        "Control plane",
        (f"Backs up, then runs istioctl manifest apply with {choose_mtls(ctx)} mTLS: {found.sentence}.",),
        facts=(*list_evidence(ctx), ("rendered manifest", f"SHA-256 {found.rendering.sha256}"), way_back),
        risks=(
            "From then on every new pod gets the new sidecar.",
            "While the injector rolls, no pod can start in an injected namespace.",
        ),
        details=found.details,
        estimate=describe_control_plane(ctx.release, ctx.forecast(), ahead),
    )


def _apply_remedy(first: str) -> str:
    return f"{first} Mend what it names; Retry applies again, which is safe after a partial failure.".strip()


STEPS: tuple[Step, ...] = (
    Step("control-plane/approve-mtls", approve_mtls),
    Step("control-plane/approve", approve),
    Step("control-plane/backup", back_up),
    Step("control-plane/apply", apply, timedelta(hours=1)),
    Step("control-plane/rollout", roll_out, timedelta(hours=8)),
)
