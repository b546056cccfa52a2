"""How often a program was run for one approval or retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from steps.contract.step import Context


def count_tries(ctx: Context, key: str) -> int:
    """Which run it is, from 1 on; a retry, which raises the generation, begins anew."""
    kept = ctx.recall(key)
    return int(cast(int, kept["try"])) if isinstance(kept, Mapping) and kept["generation"] == ctx.generation else 1


def begin_next_try(ctx: Context, key: str) -> int:
    """Count one more, from the next turn on; its number."""
    tries = count_tries(ctx, key) + 1
    ctx.memory.revise(key, {"generation": ctx.generation, "try": tries})
    return tries


def name_run(ctx: Context, program: str, tries: int) -> str:
    """The id under which a program is started at most once: `cluster-x-7-apply-3`, `cluster-x-7-apply-3-2`."""
    run_id = f"{ctx.upgrade_id}-{program}-{ctx.generation}"
    return f"{run_id}-{tries}" if tries > 1 else run_id
