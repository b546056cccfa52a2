"""Engines that are closed at the end of their test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bot.workbench import Build, Engine, build_engine


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Build engines over the test's folder."""
    built: list[Engine] = []

    def build_one(steps: Any, *args: Any, **options: Any) -> Engine:
        built.append(build_engine(tmp_path, steps, *args, **options))
        return built[-1]

    yield build_one
    for engine in built:
        engine.store.close()
