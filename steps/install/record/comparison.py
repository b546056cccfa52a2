"""What the control-plane phase will change: istioctl is asked, its answer is held against the cluster and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steps.contract.step import Blocked, Context, Waiting
from steps.install.differences.departures import find_departures
from steps.install.differences.keeping import fold_kept
from steps.install.differences.rendered import compare_with_live, find_hidden, list_images, read_live
from steps.install.record.apply_requests import Peers, build_request, record_peers
from steps.install.record.doubts import list_doubts
from steps.install.record.facts import list_value_changes, read_facts
from steps.install.record.preview import Preview
from steps.install.record.recording import Recorded, record_apply, wait_for_recording
from steps.install.record.refusals import refuse_facts, refuse_trust_change
from steps.install.record.removals import find_removals
from steps.notes.control_plane import KEPT, KEPT_FLAGS, REMOVAL_UIDS
from steps.notes.download import ARGUMENTS, IMAGES, RECORD_DIGEST, REMOVALS
from steps.notes.prepare import measure_identity, recall_identity


def measure_preview(ctx: Context) -> Preview | Waiting | Blocked:
    """Record and compare anew, and keep the findings; Blocked where the apply could not go well."""
    waiting = wait_for_recording(ctx)
    if waiting is not None:
        return waiting
    identity = measure_identity(ctx)
    request = build_request(ctx, identity)
    recorded = record_apply(ctx, "target", request)
    if not isinstance(recorded, Recorded):
        return recorded
    peers = record_peers(ctx, recorded, identity)
    return compare_record(ctx, recorded, peers) if isinstance(peers, Peers) else peers


def compare_record(ctx: Context, recorded: Recorded, peers: Peers) -> Preview | Blocked:
    """Hold a record against the cluster."""
    facts = read_facts(recorded.objects)
    hidden = find_hidden(ctx.kubernetes)
    seen = tuple(one for one in recorded.objects if (one["apiVersion"], one["kind"]) not in hidden)
    live = read_live(ctx.kubernetes, seen)
    removals = find_removals(ctx.kubernetes, recorded.objects, recorded.disabled, hidden)
    departures = find_departures(
        recorded.objects,
        live,
        earlier=peers.basis.objects if isinstance(peers.basis, Recorded) else (),
        guide=peers.guide.objects,
        hubs=(ctx.release.hub, *ctx.options.allowed_hubs),
        renewed=recorded.record.renewed,
    )
    kept = ctx.recall(KEPT) or ()
    removals = tuple(one for one in removals if one.name not in kept)
    kept_flags = ctx.recall(KEPT_FLAGS)
    departures = fold_kept(departures, kept_flags or (), ctx.release)
    departures = replace(departures, removals=tuple(one.name for one in removals))
    ctx.revise(REMOVAL_UIDS, {one.name: one.uid for one in removals})
    _keep(ctx, recorded, departures.removals)
    blocked = refuse_facts(ctx, recorded.objects, facts) or refuse_trust_change(ctx, recorded.objects, live)
    if blocked:
        return blocked
    values = list_value_changes(recorded.objects, live, ctx.release.injector_config)
    doubts = (*list_doubts(ctx, recorded, peers.earlier, removals), *peers.effectless)
    known = peers.earlier if isinstance(peers.earlier, Recorded) else None
    difference = compare_with_live(seen, live)
    identity = recall_identity(ctx)
    return Preview(identity, recorded, facts, difference, values, departures, doubts, bool(hidden), known)


def _keep(ctx: Context, recorded: Recorded, removals: Sequence[str]) -> None:
    ctx.revise(ARGUMENTS, recorded.request.arguments)
    ctx.revise(RECORD_DIGEST, recorded.record.digest)
    ctx.revise(REMOVALS, tuple(removals))
    ctx.revise(IMAGES, list_images(recorded.objects, ctx.release.namespace))
