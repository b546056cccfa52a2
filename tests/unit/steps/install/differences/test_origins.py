"""Whose a difference is: the release's, a person's, or a forgotten option's."""

from __future__ import annotations

import itertools

import pytest

from steps.install.differences.departures import find_departures
from tests.unit.steps.builders import HUB
from tests.unit.steps.install.differences.test_departures import Made, autoscaler, put_into_cluster

# An earlier install was given 1 by the release, 2 where an option said so; this release hands over 3 where it changed.
BOUNDS = (1, 2, 3)


@pytest.mark.parametrize(
    ("wanted", "applied", "live", "earlier"), [*itertools.product(BOUNDS, BOUNDS, BOUNDS, (1, 2, None))]
)
def test_three_comparisons_part_what_differs(wanted: int, applied: int, live: int, earlier: int | None) -> None:
    """Every way in which one field may stand: what is lost is told, by whose it is, and only the release's is not."""
    before: list[Made] = [] if earlier is None else [autoscaler(earlier)]
    found = find_departures(
        [autoscaler(wanted)],
        [put_into_cluster(autoscaler(applied), minReplicas=live)],
        earlier=before,
        guide=[autoscaler(wanted)],
        hubs=[HUB],
    )
    release = earlier is not None and earlier != wanted and live == earlier
    if wanted == live:
        assert (found.changes, found.expected) == ((), ())
    elif release:
        assert (found.changes, len(found.expected)) == ((), 1)
    else:
        (change,) = found.changes
        untouched = "unknown" if earlier is None else "option"
        assert change.origin == ("edit" if live != applied else untouched)
        assert f"spec.minReplicas: {live} → {wanted}" in str(change)


def test_what_says_nothing_of_its_last_apply_is_nobodys() -> None:
    """Made by something else than kubectl apply: it is told all the same."""
    live = autoscaler(1)
    found = find_departures([autoscaler(2)], [live], earlier=[autoscaler(2)], guide=[], hubs=[HUB])
    assert [one.origin for one in found.changes] == ["unknown"]
