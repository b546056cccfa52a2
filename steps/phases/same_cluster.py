"""Holds every acting step to the cluster that the upgrade began with: its name may lead to another one by now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps

from steps.contract.cards import Card
from steps.contract.notes import encode_note
from steps.contract.step import Ask, Blocked, Context, Done, Outcome
from steps.gates import CLUSTER, CLUSTER_UID, REACHED, pass_gate
from steps.notes.prepare import (
    CLUSTER_SEEN,
    CLUSTER_SERVER,
    SeenCluster,
    read_cluster_uid,
    remember_cluster,
    remember_server,
)

LOOK_AGAIN = timedelta(seconds=30)


def find_other_cluster(ctx: Context) -> str:
    """Why the cluster at hand is not the upgrade's, "" where it is; read again after 30 s."""
    known, seen = remember_cluster(ctx), ctx.recall(CLUSTER_SEEN)
    if seen is None or not timedelta() <= ctx.now - seen.at < LOOK_AGAIN:
        seen = SeenCluster(read_cluster_uid(ctx), ctx.now)
        ctx.revise(CLUSTER_SEEN, seen)
    if seen.uid != known:
        return f"{ctx.cluster.key} is another cluster now: its kube-system has the UID {seen.uid}, and had {known}"
    bound, now = remember_server(ctx), ctx.kubernetes.read_server()
    if bound.gke_id and now.gke_id != bound.gke_id:
        return f"{ctx.cluster.key} is another cluster now: GKE's id of it is {now.gke_id or 'gone'}, was {bound.gke_id}"
    return ""


def ask_about_server(ctx: Context) -> Outcome | None:
    """Ask about the upgrade's own cluster behind another CA or kubeconfig; None where it is reached as before.

    GKE rotates CAs; so may somebody who stands in between.
    """
    bound, now = remember_server(ctx), ctx.kubernetes.read_server()
    moved = tuple(
        f"{name} was {before or 'none'} and is now {after or 'none'}"
        for name, before, after in (("its CA", bound.ca, now.ca), ("its address", bound.host, now.host))
        if before != after
    )
    if not moved:
        return None
    ask = Ask(
        f"Is {ctx.cluster.key} still meant, although it is reached in another way?",
        Card(
            f"Reached in another way: {ctx.cluster.key}",
            (
                "The UID of kube-system is the upgrade's. GKE gives a cluster a new CA when its credentials are "
                "rotated; where nobody did that, deny and find out who stands in between.",
            ),
            facts=(("CA", f"SHA-256 {now.ca or 'none'}"), *((("address", now.host),) if now.host else ())),
        ),
        {CLUSTER: ctx.cluster.key, CLUSTER_UID: remember_cluster(ctx), REACHED: encode_note(now)},
        moved=moved,
    )
    outcome = pass_gate(ctx, ask) if is_about_server(ctx) else ask
    if not isinstance(outcome, Done):
        return outcome
    ctx.revise(CLUSTER_SERVER, now)
    return None


def is_about_server(ctx: Context) -> bool:
    """Whether the decision at hand answers that question and none of the step's own."""
    return ctx.decision is not None and REACHED in ctx.decision.binding


def on_same_cluster(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step, that does nothing on another cluster."""

    @wraps(run)
    def run_there(ctx: Context) -> Outcome:
        held = hold_cluster(ctx)
        return held or run(replace(ctx, decision=None) if is_about_server(ctx) else ctx)

    return run_there


def hold_cluster(ctx: Context, *, anew: bool = False) -> Outcome | None:
    """None where the upgrade's own cluster is reached as before; `anew`: by a connection made now, as programs do."""
    if anew:
        ctx.forget(CLUSTER_SEEN)
        ctx.kubernetes.read_server(anew=True)
    stranger = find_other_cluster(ctx)
    if not stranger:
        return ask_about_server(ctx)
    ctx.forget(CLUSTER_SEEN)
    return Blocked(
        stranger,
        "Nothing is written to it. Lead the name back to the upgrade's cluster and retry; abort ends the upgrade "
        "and writes nothing there either.",
    )
