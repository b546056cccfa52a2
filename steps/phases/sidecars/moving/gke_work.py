"""Whether GKE moves nodes or the master under the phase: nothing more is begun meanwhile, what is in flight lands."""

from __future__ import annotations

from datetime import timedelta

from steps.contract.errors import TryAgain
from steps.contract.step import Context
from steps.notes.sidecars import GKE_WORK, GkeWork
from steps.preflight.acting import find_busy_operation

LOOK_EVERY = timedelta(seconds=30)


def find_gke_work(ctx: Context) -> str:
    """GKE's operation in a sentence, "" where none is known; asked at most every 30 s.

    Where Google can't be asked, what it said last still holds: an outage of its API moves no node.
    """
    kept = ctx.recall(GKE_WORK) or GkeWork()
    if kept.at is not None and timedelta(0) <= ctx.now - kept.at < LOOK_EVERY:
        return kept.words
    try:
        words = find_busy_operation(ctx)
    except TryAgain:
        words = kept.words
    if words and words != kept.words:
        ctx.say(f"nothing more is begun while {words}")
    ctx.revise(GKE_WORK, GkeWork(ctx.now, words))
    return words
