"""The binding by which the bot is cluster-admin while istioctl and asmctl need it: found, filled, given back.

Only what this upgrade made or filled is ever taken back. What it holds is marked with the journal and the upgrade, so
that the bot knows its own again after a crash; a binding without the mark belongs to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from steps.contract.errors import GiveUp
from steps.contract.ports import Kubernetes
from steps.contract.step import Context
from steps.mesh import Binding, BindingMark
from steps.notes.permissions import BINDING, CREATED, FILLED, OwnBinding
from steps.preflight.rights import ADMIN_ROLE, EVERYTHING, list_rights

GUIDE_BINDING = "cluster-admin-binding"
OWN_BINDING = "cluster-admin-binding-asm-upgrade-bot"
_READING = ("get", "list")


@dataclass(frozen=True)
class BindingPlace:
    """Where the account is bound or can be: `found` is what stands under the name now."""

    name: str
    found: Binding | None
    account: str

    @property
    def is_bound(self) -> bool:
        """Whether the account has cluster-admin by it already."""
        return self.found is not None and binds(self.found, self.account)


def binds(binding: Binding, account: str) -> bool:
    """Whether the binding gives the account cluster-admin."""
    return binding.role == ADMIN_ROLE and account in binding.users


def find_binding_place(kubernetes: Kubernetes, account: str) -> BindingPlace:
    """The binding that binds the account; else the manifests' that stands empty; else the guide's name if it is free.

    A binding of others is never edited: then a name of the bot's own.
    """
    guide, own = kubernetes.read_binding(GUIDE_BINDING), kubernetes.read_binding(OWN_BINDING)
    for found in (guide, own):
        if found is not None and binds(found, account):
            return BindingPlace(found.name, found, account)
    if own is not None:
        return BindingPlace(OWN_BINDING, _check_empty(own, account), account)
    return BindingPlace(OWN_BINDING if guide else GUIDE_BINDING, None, account)


def _check_empty(own: Binding, account: str) -> Binding:
    if own.role == ADMIN_ROLE and not own.users and not own.others:
        return own
    raise GiveUp(
        f"ClusterRoleBinding {OWN_BINDING} exists without {account}",
        f"Remove it (kubectl delete clusterrolebinding {OWN_BINDING}), then retry.",
    )


def is_own(ctx: Context, place: BindingPlace) -> bool:
    """Whether this upgrade bound the account there: by the mark, or by the note of a bot that set none."""
    return place.found is not None and (
        place.found.mark == mark_upgrade(ctx) or ctx.recall(CREATED.of(place.name)) == place.account
    )


def is_left_over(ctx: Context, place: BindingPlace) -> bool:
    """Whether an earlier upgrade of this journal left the account bound."""
    found = place.found
    if found is None or found.mark is None or (found.users, found.others) != ((place.account,), ()):
        return False
    return found.mark.journal == ctx.journal_id and found.mark.upgrade != ctx.upgrade_id


def mark_upgrade(ctx: Context) -> BindingMark:
    """What is written on a binding that this upgrade makes or fills."""
    return BindingMark(ctx.journal_id, ctx.upgrade_id)


def has_every_right(kubernetes: Kubernetes) -> bool:
    """Whether the account may do all that the upgrade does, however it got there; asks until the first denial."""
    if not kubernetes.find_missing_rights((EVERYTHING,)):
        return True
    writes_first = sorted(list_rights(), key=lambda right: right.verb in _READING)
    return not any(kubernetes.find_missing_rights((right,)) for right in writes_first)


def fill_binding(ctx: Context, place: BindingPlace) -> None:
    """Bind the account, marked as this upgrade's; safe to repeat."""
    mark = mark_upgrade(ctx)
    # only the binding that the manifests ship stays when it is empty
    begun = FILLED if place.found is not None and place.name == OWN_BINDING else CREATED
    ctx.remember(begun.of(place.name), place.account)
    if place.found is None:
        ctx.kubernetes.create_binding(Binding(place.name, ADMIN_ROLE, (place.account,), mark=mark))
    else:
        ctx.kubernetes.revise_binding(replace(place.found, users=(place.account,), mark=mark))
    ctx.revise(BINDING, OwnBinding(place.name, ours=True))


def recall_own(ctx: Context) -> str:
    """The name of the binding that is this upgrade's, also where its step was killed in the middle; "" for none."""
    kept = ctx.recall(BINDING)
    if kept is not None:
        return kept.name if kept.ours else ""
    begun = (name for name in (GUIDE_BINDING, OWN_BINDING) if _has_begun(ctx, name))
    return next(begun, "")


def _has_begun(ctx: Context, name: str) -> bool:
    return ctx.recall(CREATED.of(name)) is not None or ctx.recall(FILLED.of(name)) is not None


def recall_account(ctx: Context, name: str) -> str:
    """The account that was bound there."""
    return ctx.recall(FILLED.of(name)) or ctx.recall(CREATED.of(name)) or ctx.kubernetes.read_account()


def may_take_back(found: Binding) -> bool:
    """Whether nothing of others is touched: nobody was added, and no other role is bound."""
    return len(found.users) == 1 and not found.others and found.role == ADMIN_ROLE


def take_back(kubernetes: Kubernetes, found: Binding) -> str:
    """Take back by its mark alone what an upgrade left that has ended, where that may be; a sentence."""
    if found.name == OWN_BINDING:
        kubernetes.revise_binding(replace(found, users=(), mark=None))
        return f"{found.name} emptied"
    kubernetes.delete_binding(found.name)
    return f"{found.name} removed"


def remove_binding(ctx: Context) -> str:
    """Take back what this upgrade was given, unless others were added to it; a sentence, "" where none is ours."""
    name = recall_own(ctx)
    if not name:
        return ""
    account, found = recall_account(ctx, name), ctx.kubernetes.read_binding(name)
    stays = ctx.recall(FILLED.of(name)) is not None
    others = [*(user for user in found.users if user != account), *found.others] if found else []
    ctx.forget(BINDING)
    ctx.forget(CREATED.of(name))
    ctx.forget(FILLED.of(name))
    if others:
        return f"{name} was left in place: others were added to it ({', '.join(others)})"
    if found and stays:
        ctx.kubernetes.revise_binding(replace(found, users=(), mark=None))
    elif found:
        ctx.kubernetes.delete_binding(name)
    return f"{name} {'emptied' if stays else 'removed'}"
