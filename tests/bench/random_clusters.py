"""A thousand clusters drawn by number through the sidecars phase, with what goes wrong in them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.cluster.http.tls import ensure_certificate
from tests.bench.findings import Finding
from tests.unit.steps.phases.sidecars.random_clusters import Ended, RandomUpgrade, draw
from tests.unit.steps.rig import load_release

TITLE = "A thousand random clusters through the sidecars phase"
COUNT = 1000
TOLD_EVERY = 50


def measure() -> list[Finding]:
    """Draw, upgrade and judge each."""
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        ended = [tell(one) for one in pool.map(upgrade, range(COUNT))]
    how = f"{COUNT} clusters"
    return [
        Finding("clusters that came to their end", COUNT - _count(bool(one.stuck) for one in ended), "clusters", COUNT,
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
    with TemporaryDirectory() as folder, ExitStack() as stack:
        certificate = ensure_certificate(Path(folder) / "tls")
        try:
            return RandomUpgrade(draw(number), load_release(), certificate, Path(folder), stack).run()
        except AssertionError as error:
            return Ended(number, (), (), str(error).partition("\n")[0] or "an assertion failed")


def _count(each: Iterable[bool]) -> int:
    return sum(each)
