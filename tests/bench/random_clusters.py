"""A thousand clusters drawn by number through the sidecars phase, with what goes wrong in them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir

import msgspec

from tests.bench.findings import Finding
from tests.unit.steps.phases.sidecars.random_clusters import Ended, RandomUpgrade, draw
from tests.unit.steps.rig import load_release

TITLE = "A thousand random clusters through the sidecars phase"
COUNT = 1000
TOLD_EVERY = 50
ROOT = Path(__file__).parents[2]


def measure() -> list[Finding]:
    """Draw, upgrade and judge each; where an earlier run of the same commit was stopped, it is gone on from there."""
    kept = find_kept()
    done = read_kept(kept)
    left = [number for number in range(COUNT) if number not in done]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool, kept.open("ab") as written:
        for ended in pool.map(upgrade, left):
            done[ended.number] = tell(ended)
            written.write(msgspec.json.encode(ended) + b"\n")
            written.flush()
    return judge(done.values())


def find_kept() -> Path:
    """The file of what is done already, by commit; empty where the checkout differs from it."""
    named = ("git", "describe", "--always", "--dirty", "--abbrev=40")
    code = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    path = Path(gettempdir()) / f"random-clusters-{code.rpartition('-g')[2]}.jsonl"
    if code.endswith("-dirty"):
        path.write_bytes(b"")
    return path


def read_kept(path: Path) -> dict[int, Ended]:
    """What is done already, by number."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return {ended.number: ended for ended in (msgspec.json.decode(line, type=Ended) for line in lines)}


def judge(ended: Collection[Ended]) -> list[Finding]:
    """The three numbers over all that were upgraded."""
    how, count = f"{len(ended)} of the {COUNT:,} drawn", len(ended)
    return [
        Finding("clusters that came to their end", count - _count(bool(one.stuck) for one in ended), "clusters", count,
                at_least=True, how=how),
        Finding("clusters with an untrue line in their ledger", _count(bool(one.lies) for one in ended), "clusters", 0,
                how="by the cluster's own objects"),
        Finding("clusters with a workload below its rules", _count(bool(one.fallen) for one in ended), "clusters", 0,
                how="at each deletion of a ready pod"),
    ]  # fmt: skip


def tell(one: Ended) -> Ended:
    """Say at once what is wrong with it, and now and then how far this is."""
    if not one.is_right:
        sys.stdout.write(f"  cluster {one.number}: {'; '.join((*one.lies, *one.fallen, one.stuck)).strip('; ')}\n")
    if one.number % TOLD_EVERY == TOLD_EVERY - 1:
        sys.stdout.write(f"  {one.number + 1} of {COUNT} clusters\n")
    sys.stdout.flush()
    return one


def upgrade(number: int) -> Ended:
    """One of the clusters, in a process of the pool."""
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        try:
            return RandomUpgrade(draw(number), load_release(), stack).run()
        except AssertionError as error:
            return Ended(number, (), (), str(error).partition("\n")[0] or "an assertion failed")


def _count(each: Iterable[bool]) -> int:
    return sum(each)
