"""Plugin: `--shuffle SEED` runs the files in a random order, and the tests of each file as well."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeVar

import pytest


class Placed(Protocol):
    """What stands in a file."""

    @property
    def path(self) -> Path: ...


T = TypeVar("T", bound=Placed)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--shuffle", metavar="SEED", help="run files and tests in an order that this word decides")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the seed, with which the order comes again."""
    seed = config.getoption("shuffle")
    return None if seed is None else f"shuffled by {seed!r}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle; every worker comes to the same order."""
    seed = config.getoption("shuffle")
    if seed is not None:
        items[:] = shuffle(items, seed)


def shuffle(items: Iterable[T], seed: str) -> list[T]:
    """The tests of a file stay together, as it may hold what is slow to build."""
    dice = random.Random(seed)
    files: dict[Path, list[T]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    groups = list(files.values())
    dice.shuffle(groups)
    for group in groups:
        dice.shuffle(group)
    return [item for group in groups for item in group]
