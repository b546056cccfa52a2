"""How often a program was run for one approval or retry, and what it found and left."""

from __future__ import annotations

import msgspec

from steps.contract.notes import Note, read_as
from steps.contract.ports import PlacesTaken, RunState
from steps.contract.step import Context, Waiting
from steps.contract.wording import count_things
from steps.notes.control_plane import FIRST_WRITE
from steps.notes.way_back import TAKEN_BACK


class Tries(msgspec.Struct, frozen=True):
    """Which run it is in this generation, from 1 on."""

    generation: int
    number: int = msgspec.field(name="try")


# By the name of what is recorded.
RECORDING_TRIES = Note("download/recording-try", read_as(Tries))
APPLY_TRIES = Note("control-plane/apply-try", read_as(Tries))
VALIDATE_TRIES = Note("validate/try", read_as(Tries))
# The namespaces that were there before asmctl ran, and those that it left behind.
NAMESPACES = Note("validate/namespaces", read_as(tuple[str, ...]))
LEFTOVERS = Note("validate/leftovers", read_as(tuple[str, ...]))


# The run whose end an abort waited for.
AWAITED = Note("abort/awaited", read_as(str))


def observe_run(ctx: Context, run_id: str) -> RunState:
    """How a run stands; one of a way back needs not wait behind everybody's recordings."""
    if ctx.recall(TAKEN_BACK) is not None:
        ctx.mesh_tools.admit_run(run_id)
    return ctx.mesh_tools.observe_run(run_id)


def observe_istioctl(ctx: Context, run_id: str) -> RunState:
    """The same, and where an apply has begun to write what finishes it waits behind nobody's recordings either."""
    if ctx.recall(FIRST_WRITE) is not None:
        ctx.mesh_tools.admit_run(run_id)
    return observe_run(ctx, run_id)


def wait_for_place(taken: PlacesTaken) -> Waiting:
    """Look again soon; nothing was begun, and nobody is to be told twice."""
    others = count_things(taken.others, "other program")
    return Waiting(f"waits for a place: no more than {others} may run at once", 2.0, queued=True)


def count_tries(ctx: Context, note: Note[Tries]) -> int:
    """Which run it is, from 1 on; a retry, which raises the generation, starts over."""
    kept = ctx.recall(note)
    return kept.number if kept and kept.generation == ctx.generation else 1


def begin_next_try(ctx: Context, note: Note[Tries]) -> int:
    """Count one more, from the next turn on; its number."""
    tries = count_tries(ctx, note) + 1
    ctx.revise(note, Tries(ctx.generation, tries))
    return tries


def name_run(ctx: Context, program: str, tries: int) -> str:
    """The id under which a program is started at most once: `cluster-x-7-apply-3`, `cluster-x-7-apply-3-2`."""
    run_id = f"{ctx.upgrade_id}-{program}-{ctx.generation}"
    return f"{run_id}-{tries}" if tries > 1 else run_id
