"""Limits of clusters.toml: what stands there has to come back from the journal as it was read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bot.settings.clusters import parse_clusters
from steps.contract.options import Limits, UpgradeOptions

CLUSTER = '[clusters.cluster-x]\nproject = "p"\nlocation = "l"\nname = "cluster-x"\nchannel = "C0123456789"\n'


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("workloads_at_once = 2.5", "has workloads_at_once that is no whole number"),
        ("pods_per_minute = 300.0", "has pods_per_minute that is no whole number"),
        ("failure_budget = -1", "has failure_budget that is no number from 0 to 1000000000"),
        ("failure_budget = true", "has failure_budget that is no number from 0 to 1000000000"),
        ("soak_seconds = inf", "has soak_seconds that is no number from 0 to 1000000000"),
        (f"pods_per_minute = 1{'0' * 30}", "has pods_per_minute that is no number from 0 to 1000000000"),
        ("soak_seconds = nan", "has soak_seconds that is no number from 0 to 1000000000"),
    ],
)
def test_a_limit_that_can_not_be_kept_is_refused(written: str, fault: str, tmp_path: Path) -> None:
    """The journal keeps no half workload and no endless wait, and the upgrade's options with it would be unreadable."""
    _, faults = parse_clusters(f"{CLUSTER}limits = {{{written}}}\n", tmp_path / "clusters.toml")
    assert faults == [f"clusters.toml: [clusters.cluster-x] limits {fault}."]


@pytest.mark.parametrize("limit", ["nan", "inf", "-inf", "true", '"5"', "9" * 40])
def test_a_promql_limit_that_nothing_is_above_is_refused(limit: str, tmp_path: Path) -> None:
    """It would pass whatever the metric says, and the journal could not keep it."""
    _, faults = parse_clusters(f"{CLUSTER}promql_limits = {{errors = {limit}}}\n", tmp_path / "clusters.toml")
    assert faults == [
        "clusters.toml: [clusters.cluster-x] promql_limits must be a table of PromQL expressions and the number that "
        "each must not exceed."
    ]


def test_limits_come_back_from_the_journal(tmp_path: Path) -> None:
    """A whole number does for seconds, and what isn't given stays as it is."""
    written = f"{CLUSTER}limits = {{workloads_at_once = 3, soak_seconds = 90, failure_budget = 0}}\n"
    clusters, faults = parse_clusters(written, tmp_path / "clusters.toml")
    assert faults == []
    options = clusters["cluster-x"].options
    assert options.limits == Limits(workloads_at_once=3, soak_seconds=90.0, failure_budget=0)
    assert msgspec.json.decode(msgspec.json.encode(options), type=UpgradeOptions) == options
