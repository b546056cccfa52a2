"""Two bots, of which one holds the cluster."""

from __future__ import annotations

import pytest

from steps.contract.step import Done
from tests.unit.steps.paper import Paper
from tests.unit.steps.phases.lease.bots import BIND, run, start_bot


@pytest.fixture
def pair() -> tuple[Paper, Paper]:
    """Two bots, of which one has bound its account."""
    first = start_bot("journal-1")
    second = start_bot("journal-2", first.kubernetes)
    assert isinstance(run(first, BIND), Done)
    first.kubernetes.writes.clear()
    return first, second
