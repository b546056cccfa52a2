"""What every weather of the table keeps to."""

from __future__ import annotations

import dataclasses

import pytest

from sandbox.cluster.http.server import SimulatedCluster
from sandbox.cluster.weather.sky import WeatherKind
from sandbox.cluster.weather.table import WEATHERS, describe_weathers
from tests.unit.sandbox.cluster.yard import HandClock


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    """cluster-x as the sandbox opens it."""
    return SimulatedCluster(HandClock())


@pytest.mark.parametrize("kind", WEATHERS, ids=[kind.name for kind in WEATHERS])
def test_each_begins_and_ends_on_cluster_x_without_fields(cluster: SimulatedCluster, kind: WeatherKind) -> None:
    """`./dev sandbox --weather NAME` says nothing but the name."""
    cluster.sky.begin(kind.name)
    cluster.tick()
    assert [row["name"] for row in cluster.sky.show()["in_force"]] == [kind.name]
    cluster.sky.end(kind.name)
    cluster.tick()
    assert cluster.sky.show()["in_force"] == []


def test_each_has_a_name_of_its_own_and_one_sentence() -> None:
    """A row is a line of a terminal."""
    assert len({kind.name for kind in WEATHERS}) == len(WEATHERS)
    for kind in WEATHERS:
        assert (kind.sentence.endswith("."), kind.sentence.count(". "), "\n" in kind.sentence) == (True, 0, False)
        assert kind.name in describe_weathers()


def test_each_is_a_frozen_dataclass() -> None:
    """Its fields are what a POST may set."""
    for kind in WEATHERS:
        assert dataclasses.is_dataclass(kind.act)
        assert kind.act.__dataclass_params__.frozen
        assert "name" not in {field.name for field in dataclasses.fields(kind.act)}
