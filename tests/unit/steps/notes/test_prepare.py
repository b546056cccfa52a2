"""What the mesh was last seen on, in words."""

from __future__ import annotations

import pytest

from steps.notes.prepare import SeenMesh, Source
from tests.unit.steps.builders import NEW, OLD


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (SeenMesh((OLD,), {OLD: 58}), OLD),
        (SeenMesh((NEW,), {NEW: 56, OLD: 2}), f"{NEW}, 2 sidecars on {OLD}"),
        (SeenMesh((NEW,), {OLD: 1, "unknown": 1}), f"{NEW}, 1 sidecar on {OLD}, 1 sidecar on unknown"),
        (SeenMesh((OLD, NEW), {OLD: 58}), f"{OLD} and {NEW} mixed, 58 sidecars on {OLD}"),
        (SeenMesh(()), "no version mixed"),
        (SeenMesh((NEW,)), NEW),
    ],
)
def test_sidecars_are_told_where_they_are_on_something_else(seen: SeenMesh, said: str) -> None:
    """Never the version of the start before."""
    assert str(seen) == said


def test_a_source_is_told_as_it_was_seen() -> None:
    """The version alone is what the upgrade would go back to."""
    assert (str(Source(OLD)), str(Source(OLD, "seen"))) == (OLD, "seen")
