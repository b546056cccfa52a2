"""One bot a cluster: the Lease that an upgrade holds from right before it is bound until it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from steps.contract.cards import Choice
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.ports import Kubernetes
from steps.contract.step import Blocked, Context, Outcome, Step
from steps.contract.wording import Person
from steps.mesh import Lease
from steps.notes.permissions import LEASE, LEASE_BEGUN, LEASE_SHOWN, KeptLease
from steps.phases.own_binding import mark_upgrade, recall_own, remove_binding
from steps.phases.same_cluster import hold_cluster
from steps.preflight.rights import LEASE_NAME, OPERATOR_REMEDY, describe_rights, list_lease_rights

RENEWAL = timedelta(seconds=30)
EXPIRY = timedelta(minutes=10)
TAKE_OVER = Choice("take-over", "Take over the cluster", "grave", needs_reason=True)
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
    """The step, that does nothing where another bot holds the cluster."""
    return replace(step, run=_run_alone(step.run)) if step.id in HELD else step


def _run_alone(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    def run_there(ctx: Context) -> Outcome:
        refused = None if _is_fresh(ctx) else hold_cluster(ctx) or _hold(ctx)
        if refused is not None:
            return refused
        about_lease = ctx.decision is not None and ctx.decision.choice == TAKE_OVER.id
        return run(replace(ctx, decision=None) if about_lease else ctx)

    return run_there


def _is_fresh(ctx: Context) -> bool:
    """Whether nothing is asked of the cluster now: it was a moment ago, or the account may have no Lease."""
    kept = ctx.recall(LEASE)
    if kept is None:
        return False
    if kept.why_not:
        return ctx.step_id != "access/bind"
    return timedelta() <= ctx.now - kept.at < RENEWAL


def _hold(ctx: Context) -> Blocked | None:
    """Renew the Lease, which is one request, or take it; None where the upgrade may go on."""
    try:
        return None if _renew(ctx) else _take(ctx)
    except GiveUp:
        missing = ctx.kubernetes.find_missing_rights(list_lease_rights(ctx.release.namespace))
        if not missing:
            raise
    ctx.say(f"another bot is not kept from {ctx.cluster.key}: the account may not {describe_rights(missing)}")
    ctx.revise(LEASE, KeptLease(ctx.now, why_not=describe_rights(missing)))
    return None


def _renew(ctx: Context) -> bool:
    kept = ctx.recall(LEASE)
    if kept is None or not kept.version:
        return False
    return _keep(ctx, ctx.kubernetes.renew_lease(_fill(ctx, kept.acquired, kept.version)), kept.acquired)


def _take(ctx: Context) -> Blocked | None:
    found = ctx.kubernetes.read_lease(ctx.release.namespace, LEASE_NAME)
    foreign = found is not None and _is_foreign(ctx, found)
    if found is not None and foreign:
        refused = _refuse(ctx, found)
        if refused is not None:
            ctx.forget(LEASE)
            return refused
    ctx.remember(LEASE_BEGUN, True)
    acquired = found.acquired if found and found.mark == mark_upgrade(ctx) else ctx.now
    lease = _fill(ctx, acquired, found.resource_version if found else "")
    if not _keep(ctx, ctx.kubernetes.write_lease(lease), acquired):
        raise TryAgain(f"{_name(lease)} was changed while it was taken", 1.0)
    if found is not None and foreign and ctx.decision is not None:
        ctx.say(f"{Person(ctx.decision.by)} took it over from {describe_holder(found)}: {ctx.decision.reason}")
    return None


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


def _is_foreign(ctx: Context, found: Lease) -> bool:
    """Whether a bot of another journal holds it."""
    return bool(found.holder) and (found.mark is None or found.mark.journal != ctx.journal_id)


def _refuse(ctx: Context, found: Lease) -> Blocked | None:
    """Why nothing is done beside another bot; None where a person has taken over just what was shown."""
    held = f"{ctx.cluster.key} is held by {describe_holder(found)}"
    if found.renewed is not None and ctx.now - found.renewed < EXPIRY:
        return Blocked(
            held,
            "One bot upgrades a cluster at a time. Let that upgrade end, or abort it there. Where that bot is gone, "
            "retry 10 min after it last renewed its Lease: an approver may take the cluster over then.",
        )
    shown = f"{found.holder} {found.renewed}"
    if ctx.decision and ctx.decision.choice == TAKE_OVER.id and ctx.recall(LEASE_SHOWN) == shown:
        return None
    ctx.revise(LEASE_SHOWN, shown)
    return Blocked(
        f"{held}, for over 10 min without a renewal",
        "See that the other bot has ended or stands still: once it is taken over, it does nothing more there. An "
        "approver may take the cluster over, with a reason; retry looks again.",
        (TAKE_OVER,),
    )


def describe_holder(found: Lease) -> str:
    """Who holds a Lease, and when that was said last."""
    mark = found.mark
    who = f"the upgrade {mark.upgrade} of another bot (journal {mark.journal})" if mark else found.holder
    renewed = f"{found.renewed:%Y-%m-%d %H:%M:%S} UTC" if found.renewed else "at a time that it does not say"
    return f"{who} by {_name(found)}, last renewed {renewed}"


def _name(lease: Lease) -> str:
    return f"Lease {lease.namespace}/{lease.name}"


def find_lease_risk(kubernetes: Kubernetes, namespace: str) -> tuple[str, ...]:
    """What is said at the gate where the account may hold no Lease; the upgrade goes on without."""
    missing = kubernetes.find_missing_rights(list_lease_rights(namespace))
    if not missing:
        return ()
    return (
        f"Another bot is not kept from this cluster: the account lacks {describe_rights(missing)}. {OPERATOR_REMEDY}",
    )


def holds_anything(ctx: Context) -> bool:
    """Whether the upgrade has a binding or the Lease to give back, also where its step was killed in the middle."""
    return bool(recall_own(ctx)) or ctx.recall(LEASE_BEGUN) is not None


def give_all_back(ctx: Context) -> str:
    """Take back the binding, then let the Lease go: nothing is written after it; the binding's sentence."""
    removed = remove_binding(ctx)
    give_back(ctx)
    return removed


def give_back(ctx: Context) -> None:
    """Let the Lease go where it is this upgrade's, also where its step was killed in the middle."""
    if not ctx.recall(LEASE_BEGUN):
        return
    namespace = ctx.release.namespace
    try:
        found = ctx.kubernetes.read_lease(namespace, LEASE_NAME)
        if found is not None and found.mark == mark_upgrade(ctx):
            ctx.kubernetes.write_lease(Lease(namespace, LEASE_NAME, resource_version=found.resource_version))
    except GiveUp as error:
        ctx.say(f"Lease {namespace}/{LEASE_NAME} was not given back ({error.why}): it can be taken over in 10 min")
    ctx.forget(LEASE)
    ctx.forget(LEASE_BEGUN)
