"""Thirty clusters drawn by number, with what goes wrong in them; `./dev bench random` takes a thousand."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.unit.steps.phases.sidecars.random_clusters import RandomUpgrade, draw
from tests.unit.steps.rig import load_release

COUNT = 30
RELEASE = load_release()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COUNT))
def test_every_pod_is_told_rightly_and_no_workload_falls(number: int) -> None:
    """Whatever goes wrong: the phase ends, its ledger is true, and nothing is taken below what its rules allow."""
    with ExitStack() as stack:
        ended = RandomUpgrade(draw(number), RELEASE, stack).run()
    assert (ended.stuck, ended.lies, ended.fallen) == ("", (), ())
