"""Metrics: what a scrape tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bot.app.metrics import Signs, build_registry
from bot.clock import Clock
from bot.windows.permits import OPEN
from steps.contract.step import Done
from steps.mesh import ClusterAddress
from tests.unit.bot.workbench import Build, Engine

SIGNS = Signs(lambda: True, lambda: True, lambda: True, lambda: 1, tuple)


class Running:
    """A clock that goes on while it is looked at."""

    def __init__(self, start: datetime) -> None:
        self._time = start

    def now(self) -> datetime:
        """A second later than before."""
        self._time += timedelta(seconds=1)
        return self._time


def scrape(engine: Engine, clock: Clock) -> CollectorRegistry:
    """The metrics of a healthy bot."""
    return build_registry(engine.journal, engine.outbox, clock, lambda _row, _now: OPEN, SIGNS)


def test_a_scrape_counts_open_upgrades_by_state(build: Build) -> None:
    """Read from the journal at that moment."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    engine.add_upgrade(["prepare/a"])
    told = generate_latest(scrape(engine, engine.clock)).decode()
    assert 'asm_upgrade_open_upgrades{state="running"} 1.0' in told


def test_where_nothing_waits_nothing_has_an_age(build: Build) -> None:
    """A scrape takes its time."""
    engine = build({})
    assert scrape(engine, Running(engine.clock.now())).get_sample_value("asm_upgrade_outbox_oldest_seconds") == 0


@pytest.mark.parametrize(
    ("refusing", "samples"),
    [
        (lambda address: {address}, 1),
        (lambda address: {replace(address, context="earlier")}, 0),
        (lambda address: {address, replace(address, context="earlier")}, 1),
        (lambda address: {replace(address, key="another")}, 0),
    ],
    ids=["it refuses", "only its earlier address does", "both do", "a cluster without an upgrade does"],
)
def test_a_cluster_is_told_once_and_by_where_its_upgrade_goes(
    build: Build, refusing: Callable[[ClusterAddress], set[ClusterAddress]], samples: int
) -> None:
    """Two samples of one label are none to Prometheus, and an address that nobody uses has nothing to renew."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    row = engine.add_upgrade(["prepare/a"])
    signs = replace(SIGNS, list_refusing=lambda: refusing(row.address))
    told = generate_latest(build_registry(engine.journal, engine.outbox, engine.clock, lambda _r, _n: OPEN, signs))
    assert told.decode().count(f'asm_upgrade_credentials_taken{{of="{row.cluster}"}} 0.0') == samples
    assert told.decode().count("asm_upgrade_credentials_taken{") == samples + 1
