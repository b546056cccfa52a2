"""The Lease while an upgrade waits for people: nothing acts then, and the half-moved cluster is still its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from steps.contract.step import Context, Done, Outcome, Step
from steps.notes.permissions import LEASE, LEASE_LOST, KeptLease
from steps.notes.prepare import CLUSTER_SEEN
from steps.phases.lease.holding import is_foreign, renew, take
from steps.phases.lease.takeover import describe_holder
from steps.phases.same_cluster import find_other_cluster
from steps.preflight.rights import LEASE_NAME

# Two renewals may be missed before anybody may take the cluster over.
BEAT = timedelta(minutes=3)


def needs_renewal(kept: KeptLease | None, now: datetime) -> bool:
    """Whether an upgrade's Lease has gone too long without being renewed by its own steps."""
    return kept is not None and bool(kept.version) and not timedelta() <= now - kept.at < BEAT


def keep(ctx: Context) -> Outcome:
    """Renew the upgrade's own Lease; where another bot has it, that is said once and nothing is done."""
    if find_other_cluster(ctx):
        ctx.forget(CLUSTER_SEEN)
        return Done("")
    if renew(ctx):
        return _note_idle(ctx)
    found = ctx.kubernetes.read_lease(ctx.release.namespace, LEASE_NAME)
    if found is None or not is_foreign(ctx, found):
        take(ctx, found)
        return _note_idle(ctx)
    ctx.revise(LEASE_LOST, describe_holder(found))
    ctx.forget(LEASE)
    return Done(
        f"{ctx.cluster.key} was taken over meanwhile: it is held by {describe_holder(found)}. This upgrade does "
        "nothing more there unless it is taken back"
    )


def _note_idle(ctx: Context) -> Done:
    kept = ctx.recall(LEASE)
    if kept is not None:
        ctx.revise(LEASE, replace(kept, idle=True))
    return Done("")


KEEP = Step("access/keep-lease", keep)
