"""What istioctl is asked to hand over: for this upgrade, for the guide's flags alone, and by the installed release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from steps.contract.errors import GiveUp
from steps.contract.ports import ApplyRequest, Kubectl, Tools
from steps.contract.step import Blocked, Context, Waiting
from steps.install.flags import build_apply_arguments, merge_set_flags
from steps.install.overlays import join_overlays
from steps.install.record.effects import find_effectless
from steps.install.record.recording import Recorded, record_apply
from steps.mesh import ClusterIdentity
from steps.notes.control_plane import KEPT_FLAGS
from steps.notes.download import KUBECTL, PREVIOUS, NoWayBack, recall_tools
from steps.notes.prepare import choose_flags, choose_mtls, read_cluster_uid, recall_flags, recall_mtls
from steps.notes.way_back import TAKEN_BACK

# Their names and texts.
Overlays: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Peers:
    """What a record is held against besides the cluster.

    `guide` is what the guide's flags alone hand over, `earlier` what the installed release does for its own options, or
    a sentence where it could not be asked, and `basis` what that does for those of them that are taken; `effectless`
    says which flags that a person asked for change nothing.
    """

    guide: Recorded
    earlier: Recorded | str
    basis: Recorded | str
    effectless: tuple[str, ...] = ()


def record_peers(ctx: Context, recorded: Recorded, identity: ClusterIdentity) -> Peers | Waiting | Blocked:
    """Record what this one is held against, one after the other."""
    guide = record_guide(ctx, recorded, identity)
    if isinstance(guide, Waiting | Blocked):
        return guide
    earlier = record_earlier(ctx, recorded.request, identity)
    if isinstance(earlier, Waiting):
        return earlier
    basis = earlier if ctx.options.earlier_options == "take" else record_basis(ctx, recorded.request, identity)
    if isinstance(basis, Waiting):
        return basis
    # a way back asks for what the earlier install had, and nobody asked for that anew
    effectless = find_effectless(ctx, recorded) if ctx.recall(TAKEN_BACK) is None else ()
    return effectless if isinstance(effectless, Waiting) else Peers(guide, earlier, basis, effectless)


def build_request(ctx: Context, identity: ClusterIdentity) -> ApplyRequest:
    """What istioctl is asked for, for the cluster as it is now, with what a person kept of it."""
    kept = ctx.recall(KEPT_FLAGS)
    earlier = merge_set_flags(choose_flags(ctx), kept or ())
    arguments = build_apply_arguments(ctx.release, identity, ctx.options, choose_mtls(ctx), earlier)
    overlays = join_overlays(ctx.options.overlays)
    return ApplyRequest(recall_tools(ctx), recall_kubectl(ctx, identity), read_cluster_uid(ctx), arguments, overlays)


def record_guide(ctx: Context, recorded: Recorded, identity: ClusterIdentity) -> Recorded | Waiting | Blocked:
    """What the guide's flags alone hand over; the very same record where nothing else is asked for."""
    plain = replace(ctx.options, set_flags=(), overlays=())
    arguments = build_apply_arguments(ctx.release, identity, plain, choose_mtls(ctx), ())
    request = replace(recorded.request, arguments=arguments, overlays=())
    return recorded if request == recorded.request else record_apply(ctx, "guide", request, times=1, looks=False)


def record_earlier(ctx: Context, request: ApplyRequest, identity: ClusterIdentity) -> Recorded | Waiting | str:
    """What the installed release hands over for its own options; a sentence where it can't be asked."""
    try:
        arguments, overlays = build_earlier_options(ctx, identity)
    except GiveUp as error:
        return describe_unparted(error.why)
    return _record_previous(ctx, "earlier", replace(request, arguments=arguments, overlays=overlays))


def record_basis(ctx: Context, request: ApplyRequest, identity: ClusterIdentity) -> Recorded | Waiting | str:
    """The same without the options that a person left: what they brought is no change of the release's own."""
    plain = replace(ctx.options, set_flags=(), overlays=())
    kept = ctx.recall(KEPT_FLAGS) or ()
    try:
        arguments = build_apply_arguments(ctx.release, identity, plain, recall_mtls(ctx), kept)
    except GiveUp as error:
        return describe_unparted(error.why)
    return _record_previous(ctx, "basis", replace(request, arguments=arguments, overlays=()))


def _record_previous(ctx: Context, name: str, request: ApplyRequest) -> Recorded | Waiting | str:
    previous = ctx.recall(PREVIOUS)
    if not isinstance(previous, Tools):
        why = previous.why if isinstance(previous, NoWayBack) else "its archive was not looked for"
        return describe_unparted(why)
    found = record_apply(ctx, name, replace(request, tools=previous), times=1, looks=False)
    return describe_unparted(found.why) if isinstance(found, Blocked) else found


def describe_unparted(why: str) -> str:
    """Where the installed release could not be asked, what was last applied to each object is the only judge."""
    return (
        f"What the release itself changes can't be told from an option that was forgotten ({why}); edits by hand are "
        "told by what was last applied to each object"
    )


def build_earlier_options(ctx: Context, identity: ClusterIdentity) -> tuple[tuple[str, ...], Overlays]:
    """Arguments and overlays of the release that is installed: as recovered, or as the bot itself gave them.

    What a person keeps of the cluster is kept on the way back as well.
    """
    taken = ctx.recall(TAKEN_BACK)
    if taken is not None:
        return taken.arguments, taken.overlays
    plain, kept = replace(ctx.options, set_flags=(), overlays=()), ctx.recall(KEPT_FLAGS)
    flags = merge_set_flags(recall_flags(ctx), kept or ())
    return build_apply_arguments(ctx.release, identity, plain, recall_mtls(ctx), flags), ()


def recall_kubectl(ctx: Context, identity: ClusterIdentity) -> Kubectl:
    """The kubectl that was found once; GiveUp where there is none."""
    kept = ctx.recall(KUBECTL)
    if kept is not None:
        return kept
    found = ctx.mesh_tools.find_kubectl(identity.server_version)
    if found is None:
        remedy = f"Put a kubectl {ctx.release.kubectl_oldest} or later on the bot's PATH, then retry."
        raise GiveUp("no kubectl is on the bot's PATH, and istioctl calls it", remedy)
    ctx.revise(KUBECTL, found)
    return found
