"""The access phase: cluster-admin for the bot's account while istioctl and asmctl work, and not a step longer."""

from __future__ import annotations

from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step, Waiting
from steps.gates import bind_access, build_gate_card, pass_gate
from steps.mesh import Right
from steps.notes.permissions import BINDING, OwnBinding
from steps.notes.prepare import measure_identity
from steps.notes.runs import LEFTOVERS
from steps.notes.way_back import TAKEN_BACK, name_undertaking
from steps.phases.own_binding import (
    OWN_BINDING,
    BindingPlace,
    fill_binding,
    find_binding_place,
    has_every_right,
    is_left_over,
    is_own,
    remove_binding,
)
from steps.phases.same_cluster import on_same_cluster
from steps.preflight.acting import refuse_act
from steps.preflight.rights import (
    ADMIN_ROLE,
    EVERYTHING,
    OPERATOR_REMEDY,
    describe_grant,
    describe_rights,
    find_lease_risk,
    list_rights,
    list_sidecar_rights,
)
from steps.preflight.survey import count_sidecars

# Between taking cluster-admin back and asking what is left: the API server's own caches follow within a second.
SETTLING = 2.0


def approve(ctx: Context) -> Outcome:
    """Ask before the bot gives itself rights; nothing to ask where it has them all."""
    identity, account = measure_identity(ctx), ctx.kubernetes.read_account()
    place = find_binding_place(ctx.kubernetes, account)
    given = is_own(ctx, place) or is_left_over(ctx, place)
    if not given and has_every_right(ctx.kubernetes):
        by = f", by {place.name}" if place.is_bound else ", by Google IAM or a binding of others"
        return Done(f"{account} has every right already{by}: nothing is asked, and nothing is bound or taken back")
    refused = refuse_act(ctx, identity, "access")
    if refused is not None:
        return refused
    facts = (("account", account), ("role", ADMIN_ROLE))
    card = build_gate_card(ctx, identity, "Access", (describe_plan(place),), facts, find_access_risks(ctx))
    return pass_gate(
        ctx, Ask(f"Give the bot cluster-admin on {ctx.cluster.key}?", card, bind_access(ctx, identity, account))
    )


def describe_plan(place: BindingPlace) -> str:
    """What the approval lets the bot do, in a sentence."""
    how = (
        f"Writes {place.account} into ClusterRoleBinding {place.name}, which stands empty"
        if place.found
        else f"Creates ClusterRoleBinding {place.name}: role {ADMIN_ROLE} for {place.account}"
    )
    return f"{how}. It is taken back once istioctl and asmctl need it no more, also where the upgrade is aborted."


def find_access_risks(ctx: Context) -> tuple[str, ...]:
    """What will stop the upgrade once cluster-admin is taken back, and what another bot may do meanwhile."""
    alone = find_lease_risk(ctx.kubernetes, ctx.release.namespace)
    missing = ctx.kubernetes.find_missing_rights(list_sidecar_rights())
    if not missing:
        return alone
    return (f"For the sidecars the bot's account still lacks: {describe_rights(missing)}. {OPERATOR_REMEDY}", *alone)


def bind(ctx: Context) -> Outcome:
    """Bind the account unless it is bound already; a binding of others is never edited."""
    account = ctx.kubernetes.read_account()
    place = find_binding_place(ctx.kubernetes, account)
    if place.is_bound and not is_left_over(ctx, place):
        ours = is_own(ctx, place)
        ctx.revise(BINDING, OwnBinding(place.name, ours))
        return Done(
            f"{place.name} binds {account} to {ADMIN_ROLE}"
            + (f" (by this {name_undertaking(ctx)})" if ours else " already")
        )
    if not place.is_bound and has_every_right(ctx.kubernetes):
        ctx.revise(BINDING, OwnBinding("", ours=False))
        return Done(f"{account} has every right already; nothing was bound")
    try:
        fill_binding(ctx, place)
    except GiveUp as error:
        return Blocked(error.why, _advise_binding(account))
    end = "validate is through" if ctx.recall(TAKEN_BACK) is None else "the control plane is replaced"
    return Done(f"bound {account} to {ADMIN_ROLE} by {place.name}, until {end}")


def check(ctx: Context) -> Outcome:
    """Ask the API server about every right used later."""
    missing = find_missing(ctx)
    if not missing:
        return Done(f"the API server allows everything that the {name_undertaking(ctx)} does")
    account = ctx.kubernetes.read_account()
    return Blocked(f"{account} may not: {describe_rights(missing)}", _advise_binding(account))


def release(ctx: Context) -> Outcome:
    """Take cluster-admin back, then see that what is left is enough for the sidecars."""
    remove_leftovers(ctx)
    taken = remove_binding(ctx)
    if taken:
        if "left in place" in taken:
            ctx.say(taken)
        return Waiting(f"{taken}: looking at the rights that are left", SETTLING)
    missing = find_missing_for_sidecars(ctx.kubernetes)
    account = ctx.kubernetes.read_account()
    if missing and not needs_rights_after(ctx):
        return Done("cluster-admin is taken back; no sidecar has to be moved, so nothing is missed")
    if missing:
        return Blocked(f"{account} may not: {describe_rights(missing)}", f"{OPERATOR_REMEDY} Then retry.")
    kept = ctx.recall(BINDING)
    if kept is not None and not kept.ours:
        return Done(f"{account} keeps the rights that it had before")
    return Done("cluster-admin is taken back; the sidecars are moved with the operator's role")


def needs_rights_after(ctx: Context) -> bool:
    """Whether later steps need rights; a way back may begin before any pod was moved and any policy edited."""
    taken = ctx.recall(TAKEN_BACK)
    if taken is None or taken.edited:
        return True
    found = count_sidecars(ctx.kubernetes.list_pods(), ctx.release.namespace).by_version
    return any(count for version, count in found.items() if version != ctx.release.version)


def find_missing_for_sidecars(kubernetes: Kubernetes) -> tuple[Right, ...]:
    """What the account lacks for the phases after validate."""
    rollouts = any(kubernetes.list_workloads(kinds=("Rollout",)))
    return kubernetes.find_missing_rights(list_sidecar_rights(rollouts=rollouts))


def remove_leftovers(ctx: Context) -> None:
    """Delete the test namespaces that asmctl left, while the right to do so is there; otherwise name the command."""
    here = {found.name for found in ctx.kubernetes.list_namespaces() if not found.terminating}
    left = [name for name in ctx.recall(LEFTOVERS) or () if name in here]
    if not left:
        return
    ctx.forget(LEFTOVERS)
    names = " ".join(left)
    if ctx.kubernetes.find_missing_rights((Right("delete", "namespaces"),)):
        ctx.say(f"asmctl left test namespaces behind, which the bot may not remove: `kubectl delete namespace {names}`")
        return
    for name in left:
        ctx.kubernetes.delete_namespace(name)
    ctx.say(f"asmctl's test namespaces are removed: {names}")


def find_missing(ctx: Context) -> tuple[Right, ...]:
    """The rights that this upgrade's account lacks."""
    return find_missing_rights(ctx.kubernetes)


def find_missing_rights(kubernetes: Kubernetes) -> tuple[Right, ...]:
    """The rights that an account lacks; one question where it may do everything."""
    if not kubernetes.find_missing_rights((EVERYTHING,)):
        return ()
    return kubernetes.find_missing_rights(list_rights())


def _advise_binding(account: str) -> str:
    return f"A cluster administrator runs: {describe_grant(OWN_BINDING, account)}; then retry."


GATE: tuple[Step, ...] = (Step("access/approve", approve),)
BINDING_STEPS: tuple[Step, ...] = (Step("access/bind", on_same_cluster(bind)), Step("access/check", check))
RELEASE: tuple[Step, ...] = (Step("access/release", on_same_cluster(release)),)
STEPS: tuple[Step, ...] = (*GATE, *BINDING_STEPS, *RELEASE)
