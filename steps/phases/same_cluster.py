"""Holds every acting step to the cluster that the upgrade began with: its name may lead to another one by now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from steps.contract.step import Blocked, Context, Outcome
from steps.notes.prepare import CLUSTER_SEEN, SeenCluster, read_cluster_uid, remember_cluster

LOOK_AGAIN = timedelta(seconds=30)


def find_stranger(ctx: Context) -> str:
    """Why the cluster at hand is not the upgrade's, "" where it is; read again after 30 s."""
    known, seen = remember_cluster(ctx), ctx.recall(CLUSTER_SEEN)
    if seen is None or not timedelta() <= ctx.now - seen.at < LOOK_AGAIN:
        seen = SeenCluster(read_cluster_uid(ctx), ctx.now)
        ctx.revise(CLUSTER_SEEN, seen)
    if seen.uid == known:
        return ""
    return f"{ctx.cluster.key} is another cluster now: its kube-system has the UID {seen.uid}, and had {known}"


def on_same_cluster(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """The step, that does nothing on another cluster."""

    @wraps(run)
    def run_there(ctx: Context) -> Outcome:
        stranger = find_stranger(ctx)
        if not stranger:
            return run(ctx)
        ctx.forget(CLUSTER_SEEN)
        return Blocked(
            stranger,
            "Nothing is written to it. Lead the name back to the upgrade's cluster and retry; abort ends the upgrade "
            "and writes nothing there either.",
        )

    return run_there
