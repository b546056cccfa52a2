"""The access phase: the guide's cluster-admin binding for the bot's account, and a check of what it gives."""

from __future__ import annotations

from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.contract.step import Ask, Blocked, Context, Done, Outcome, Step
from steps.gates import bind_access, build_gate_card, pass_gate
from steps.mesh import Binding, Right
from steps.notes.permissions import BINDING, CREATED, OwnBinding
from steps.notes.prepare import measure_identity
from steps.phases.same_cluster import on_same_cluster
from steps.preflight.rights import ADMIN_ROLE, EVERYTHING, describe_grant, describe_rights, list_rights

GUIDE_BINDING = "cluster-admin-binding"
OWN_BINDING = "cluster-admin-binding-asm-upgrade-bot"


def approve(ctx: Context) -> Outcome:
    """Ask before the bot gives itself rights."""
    identity, account = measure_identity(ctx), ctx.kubernetes.read_account()
    name, exists = choose_binding(ctx, account)
    plan = (
        f"{name} already gives {account} the role {ADMIN_ROLE}; nothing is created."
        if exists
        else f"Creates ClusterRoleBinding {name}: role {ADMIN_ROLE} for {account}. It is removed at the end."
    )
    card = build_gate_card(ctx, identity, "Access", (plan,), facts=(("account", account),))
    return pass_gate(
        ctx, Ask(f"Give the bot cluster-admin on {ctx.cluster.key}?", card, bind_access(ctx, identity, account))
    )


def bind(ctx: Context) -> Outcome:
    """Create the binding unless the account is bound already; never edit one that is there."""
    account = ctx.kubernetes.read_account()
    name, exists = choose_binding(ctx, account)
    if exists:
        ours = ctx.recall(CREATED.of(name)) == account
        ctx.revise(BINDING, OwnBinding(name, ours))
        return Done(f"{name} binds {account} to {ADMIN_ROLE}" + (" (created)" if ours else " already"))
    try:
        ctx.remember(CREATED.of(name), account)
        ctx.revise(BINDING, OwnBinding(name, ours=True))
        ctx.kubernetes.create_binding(Binding(name, ADMIN_ROLE, (account,)))
    except GiveUp as error:
        return _go_on_without(ctx, account, error)
    return Done(f"created {name}: {account} is {ADMIN_ROLE}")


def check(ctx: Context) -> Outcome:
    """Ask the API server about every right used later."""
    missing = find_missing(ctx)
    if not missing:
        return Done("the API server allows everything that the upgrade does")
    account = ctx.kubernetes.read_account()
    remedy = f"A cluster administrator runs: {describe_grant(OWN_BINDING, account)}; then retry."
    return Blocked(f"{account} may not: {describe_rights(missing)}", remedy)


def find_missing(ctx: Context) -> tuple[Right, ...]:
    """The rights that are missing to this upgrade's account."""
    return find_missing_rights(ctx.kubernetes)


def find_missing_rights(kubernetes: Kubernetes) -> tuple[Right, ...]:
    """The rights that an account lacks; one question where it may do everything."""
    if not kubernetes.find_missing_rights((EVERYTHING,)):
        return ()
    return kubernetes.find_missing_rights(list_rights())


def choose_binding(ctx: Context, account: str) -> tuple[str, bool]:
    """The name of the binding to use, and whether it already binds the account.

    The guide's name, unless a binding of that name exists for others: then a name of the bot's own.
    """
    for name in (GUIDE_BINDING, OWN_BINDING):
        found = ctx.kubernetes.read_binding(name)
        if found is None and name == GUIDE_BINDING:
            own = ctx.kubernetes.read_binding(OWN_BINDING)
            return (OWN_BINDING, True) if own and binds(own, account) else (GUIDE_BINDING, False)
        if found is not None and binds(found, account):
            return name, True
    if found is not None:
        raise GiveUp(
            f"ClusterRoleBinding {OWN_BINDING} exists without {account}",
            f"Remove it (kubectl delete clusterrolebinding {OWN_BINDING}), then retry.",
        )
    return OWN_BINDING, False


def binds(binding: Binding, account: str) -> bool:
    """Whether the binding gives the account cluster-admin."""
    return binding.role == ADMIN_ROLE and account in binding.users


def remove_binding(ctx: Context) -> str:
    """Remove the binding that this upgrade made, unless others were added to it; a sentence, "" where none is ours."""
    kept = ctx.recall(BINDING)
    if kept is None or not kept.ours:
        return ""
    name = kept.name
    found = ctx.kubernetes.read_binding(name)
    if found is None:
        return f"{name} removed"
    if len(found.users) > 1:
        return f"{name} was left in place: others were added to it ({', '.join(found.users)})"
    ctx.kubernetes.delete_binding(name)
    return f"{name} removed"


def _go_on_without(ctx: Context, account: str, error: GiveUp) -> Outcome:
    # The account may have got its rights another way (Google IAM, a group); then the binding isn't needed.
    if find_missing(ctx):
        return Blocked(error.why, f"A cluster administrator runs: {describe_grant(OWN_BINDING, account)}; then retry.")
    ctx.revise(BINDING, OwnBinding("", ours=False))
    return Done(f"{account} has every right already; no binding was created")


STEPS: tuple[Step, ...] = (
    Step("access/approve", approve),
    Step("access/bind", on_same_cluster(bind)),
    Step("access/check", check),
)
