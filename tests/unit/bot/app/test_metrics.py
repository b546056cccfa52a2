"""Metrics: what a scrape tells."""

from __future__ import annotations

from prometheus_client import generate_latest

from bot.app.metrics import Signs, build_registry
from bot.windows.permits import OPEN
from steps.contract.step import Done
from tests.unit.bot.workbench import Build


def test_a_scrape_counts_open_upgrades_by_state(build: Build) -> None:
    """Read from the journal at that moment."""
    engine = build({"prepare/a": lambda _ctx: Done("seen")})
    engine.add_upgrade(["prepare/a"])
    signs = Signs(lambda: True, lambda: True, lambda: True, lambda: 1)
    registry = build_registry(engine.journal, engine.outbox, engine.clock, lambda _row, _now: OPEN, signs)
    assert 'asm_upgrade_open_upgrades{state="running"} 1.0' in generate_latest(registry).decode()
