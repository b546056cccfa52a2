"""Whether an upgrade may act on its cluster now: what prepare found may be days old by the time somebody clicks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from steps.contract.cards import DENY
from steps.contract.checks import Check
from steps.contract.errors import GiveUp
from steps.contract.step import Blocked, Context
from steps.mesh import ClusterIdentity
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.download import IMAGES
from steps.notes.permissions import RESTED
from steps.notes.prepare import PLANE, measure_identity
from steps.preflight.eligibility import BUSY_OPERATIONS, check_server, describe_operation
from steps.preflight.gke_state import refuse_gke
from steps.preflight.rights import OPERATOR_REMEDY, describe_rights, list_sidecar_rights
from steps.workloads.control_plane import find_image_fault, list_expected

Act: TypeAlias = Literal["access", "control plane", "validate", "sidecars", "authorization"]
# What can't be done while GKE moves nodes or the master.
MIXED: Mapping[Act, str] = {
    "control plane": "moving nodes and a moving control plane don't mix",
    "validate": "asmctl would judge a cluster that moves under it",
    "sidecars": "moving nodes and restarting workloads don't mix",
}


def measure_to_act(ctx: Context, act: Act) -> ClusterIdentity | Blocked:
    """The cluster's identity as it is now, or why nothing may be asked or done."""
    identity = measure_identity(ctx)
    return refuse_act(ctx, identity, act) or identity


def refuse_act(ctx: Context, identity: ClusterIdentity, act: Act) -> Blocked | None:
    """Why nothing may be asked or done now; None where it may, and where a person denies it anyway."""
    if ctx.decision is not None and ctx.decision.choice == DENY.id:
        return None
    return (
        _refuse_check(check_server(identity.server_version, ctx.release))
        or _refuse_check(refuse_gke(identity, ctx.release))
        or _refuse_operation(ctx, act)
        or _refuse_mesh(ctx, act)
        or (_refuse_rights(ctx) if act == "sidecars" else None)
    )


def _refuse_check(check: Check | None) -> Blocked | None:
    if check is None or check.severity != "error":
        return None
    return Blocked(check.sentence, f"Nothing more is begun here. {check.remedy}")


def _refuse_operation(ctx: Context, act: Act) -> Blocked | None:
    busy = find_busy_operation(ctx) if act in MIXED else ""
    return Blocked(busy, f"Wait until it has ended, then retry; {MIXED[act]}.") if busy else None


def find_busy_operation(ctx: Context) -> str:
    """A GKE operation that moves nodes or the master, in a sentence; "" where none runs or none may be read."""
    try:
        operations = ctx.gke.list_operations(ctx.cluster)
    except GiveUp:
        return ""
    return next((describe_operation(found) for found in operations if found.kind in BUSY_OPERATIONS), "")


def _refuse_mesh(ctx: Context, act: Act) -> Blocked | None:
    """Before the first write the control plane has to be as prepare found it, afterwards as it was handed over.

    Authorization policies mean the same on either.
    """
    if act == "authorization":
        return None
    if act not in ("access", "control plane"):
        fault = next(_list_faults(ctx), "")
        return _block_moved(f"the control plane is not on {ctx.release.version}: {fault}") if fault else None
    if ctx.recall(FIRST_WRITE) is not None:
        return None
    moved = next(_list_moved(ctx), "")
    return _block_moved(f"the control plane moved since this upgrade was prepared: {moved}") if moved else None


def _block_moved(why: str) -> Blocked:
    return Blocked(
        why,
        "Somebody or something else changes this mesh: find out who. Retry looks again; where it stays so, abort and "
        "start again from what is there.",
    )


def _list_faults(ctx: Context) -> Iterator[str]:
    images = ctx.recall(IMAGES) or {}
    live = {one.ref: one for one in ctx.kubernetes.list_workloads(ctx.release.namespace)}
    for ref in list_expected(ctx.release, images):
        if ref in live:
            fault = find_image_fault(ctx.release, ref, images.get(str(ref), {}), live[ref])
            yield from [fault] if fault else []


def _list_moved(ctx: Context) -> Iterator[str]:
    known = ctx.recall(PLANE) or {}
    for one in ctx.kubernetes.list_workloads(ctx.release.namespace):
        for container, image in known.get(str(one.ref), {}).items():
            now = one.images.get(container, "no image")
            if now != image:
                yield f"{one.ref.name}/{container} was on {image} and is on {now}"


def _refuse_rights(ctx: Context) -> Blocked | None:
    """The rights of the account as the API server tells them; where they were taken back, the act binds them again."""
    if ctx.recall(RESTED):
        return None
    rollouts = any(ctx.kubernetes.list_workloads(kinds=("Rollout",)))
    missing = ctx.kubernetes.find_missing_rights(list_sidecar_rights(rollouts=rollouts))
    if not missing:
        return None
    why = f"{ctx.kubernetes.read_account()} may not: {describe_rights(missing)}"
    return Blocked(why, f"{OPERATOR_REMEDY} Then retry.")
