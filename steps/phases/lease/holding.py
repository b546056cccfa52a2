"""The Lease while an upgrade acts: taken right before its account is bound, renewed by every step that acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.leases import Lease
from steps.contract.step import Blocked, Context, Outcome, Step
from steps.notes.permissions import LEASE, LEASE_BEGUN, LEASE_FIRST, LEASE_LOST, LEASE_SHOWN, KeptLease
from steps.phases.lease.takeover import CHOICES, judge_takeover, name_lease
from steps.phases.own_binding import mark_upgrade
from steps.phases.same_cluster import hold_cluster
from steps.preflight.rights import LEASE_NAME, describe_rights, list_lease_rights

RENEWAL = timedelta(seconds=30)
# Binding, what acts once it is bound, and what waits for what was begun.
HELD = frozenset(
    {
        "access/bind",
        "access/check",
        "access/release",
        "control-plane/backup",
        "control-plane/apply",
        "control-plane/rollout",
        "validate/run",
        "sidecars/canary",
        "sidecars/restart",
        "sidecars/acknowledge",
        "authorization/apply",
        "authorization/return",
    }
)


def hold_lease(step: Step) -> Step:
    """The step, except that it does nothing while another bot holds the cluster."""
    return replace(step, run=_run_alone(step.run)) if step.id in HELD else step


def _run_alone(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    def run_there(ctx: Context) -> Outcome:
        refused = None if _is_fresh(ctx) else hold_cluster(ctx) or _hold(ctx)
        if refused is not None:
            return refused
        about_lease = ctx.decision is not None and ctx.decision.choice in CHOICES
        return run(replace(ctx, decision=None) if about_lease else ctx)

    return run_there


def _is_fresh(ctx: Context) -> bool:
    """Whether nothing is asked of the cluster now: it was a moment ago, or the account may have no Lease."""
    kept = ctx.recall(LEASE)
    if kept is None:
        return False
    if kept.why_not:
        return ctx.step_id != "access/bind"
    return not kept.idle and timedelta() <= ctx.now - kept.at < RENEWAL


def _hold(ctx: Context) -> Blocked | None:
    """Renew the Lease, which is one request, or take it; None where the upgrade may go on."""
    try:
        return None if renew(ctx) else _take_or_ask(ctx)
    except GiveUp:
        missing = ctx.kubernetes.find_missing_rights(list_lease_rights(ctx.release.namespace))
        if not missing:
            raise
    ctx.say(f"another bot is not kept from {ctx.cluster.key}: the account may not {describe_rights(missing)}")
    ctx.revise(LEASE, KeptLease(ctx.now, why_not=describe_rights(missing)))
    return None


def renew(ctx: Context) -> bool:
    """Renew the Lease as it was last written, in one request; False where it is not the upgrade's so any more."""
    kept = ctx.recall(LEASE)
    if kept is None or not kept.version:
        return False
    return _keep(ctx, ctx.kubernetes.renew_lease(_fill(ctx, kept.acquired, kept.version)), kept.acquired)


def take(ctx: Context, found: Lease | None) -> None:
    """Write the upgrade into the Lease as it was found; raises TryAgain where somebody was faster."""
    acquired = found.acquired if found and found.mark == mark_upgrade(ctx) else ctx.now
    lease = _fill(ctx, acquired, found.resource_version if found else "")
    if not _keep(ctx, ctx.kubernetes.write_lease(lease), acquired):
        raise TryAgain(f"{name_lease(lease)} was changed while it was taken", 1.0)


def _take_or_ask(ctx: Context) -> Blocked | None:
    found = ctx.kubernetes.read_lease(ctx.release.namespace, LEASE_NAME)
    told = judge_takeover(ctx, found) if found is not None and is_foreign(ctx, found) else ""
    if isinstance(told, Blocked):
        ctx.forget(LEASE)
        return told
    ctx.remember(LEASE_BEGUN, True)
    take(ctx, found)
    if told:
        ctx.say(told)
    if ctx.recall(LEASE_SHOWN):
        _forget_other(ctx)
    return None


def _forget_other(ctx: Context) -> None:
    """What stood between the upgrade and its cluster is over."""
    for note in (LEASE_LOST, LEASE_SHOWN):
        ctx.forget(note)
    ctx.forget(LEASE_FIRST)


def _fill(ctx: Context, acquired: datetime | None, version: str) -> Lease:
    """The Lease as this upgrade's from now on."""
    mark = mark_upgrade(ctx)
    holder = f"asm-upgrade-bot/{mark.journal}/{mark.upgrade}"
    return Lease(ctx.release.namespace, LEASE_NAME, holder, mark, ctx.read_head(), acquired, ctx.now, version)


def _keep(ctx: Context, version: str | None, acquired: datetime | None) -> bool:
    """Keep what was written; False where somebody was faster."""
    if version is not None:
        ctx.revise(LEASE, KeptLease(ctx.now, version, acquired))
    return version is not None


def is_foreign(ctx: Context, found: Lease) -> bool:
    """Whether a bot of another journal holds it."""
    return bool(found.holder) and (found.mark is None or found.mark.journal != ctx.journal_id)
