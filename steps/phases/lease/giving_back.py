"""What an upgrade gives back at its end: its binding, then its Lease, so that nothing is written after it."""

from __future__ import annotations

from steps.contract.errors import GiveUp, TryAgain
from steps.contract.leases import Lease
from steps.contract.step import Context
from steps.notes.permissions import LEASE, LEASE_BEGUN
from steps.phases.own_binding import mark_upgrade, recall_own, remove_binding
from steps.preflight.rights import LEASE_NAME


def holds_anything(ctx: Context) -> bool:
    """Whether the upgrade has a binding or the Lease to give back, also where its step was killed in the middle."""
    return bool(recall_own(ctx)) or ctx.recall(LEASE_BEGUN) is not None


def give_all_back(ctx: Context) -> str:
    """Take back the binding, then let the Lease go; the binding's sentence."""
    removed = remove_binding(ctx)
    give_back(ctx)
    return removed


def give_back(ctx: Context) -> None:
    """Let the Lease go where it is this upgrade's; one that another bot took meanwhile is left alone."""
    if not ctx.recall(LEASE_BEGUN):
        return
    namespace = ctx.release.namespace
    try:
        found = ctx.kubernetes.read_lease(namespace, LEASE_NAME)
        if found is not None and found.mark == mark_upgrade(ctx):
            free = Lease(namespace, LEASE_NAME, resource_version=found.resource_version)
            if ctx.kubernetes.write_lease(free) is None:  # it was renewed at this very moment
                raise TryAgain(f"Lease {namespace}/{LEASE_NAME} was changed while it was given back", 1.0)
    except GiveUp as error:
        ctx.say(f"Lease {namespace}/{LEASE_NAME} was not given back ({error.why}): it can be taken over in 10 min")
    ctx.forget(LEASE)
    ctx.forget(LEASE_BEGUN)
