"""Plugin: files of whole upgrades and with slow tests come first, so that all workers end together.

`--shuffle SEED` runs the files in a random order, and the tests of each file as well.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

# Folders in which nearly every test takes an upgrade from one question to the next.
UPGRADING = frozenset({"journals", "scenarios"})


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
    """Order or shuffle; every worker comes to the same order."""
    seed = config.getoption("shuffle")
    slow = {item.path for item in items if item.get_closest_marker("slow") or UPGRADING.intersection(item.path.parts)}
    items[:] = put_first(items, slow) if seed is None else shuffle(items, seed)


def put_first(items: Sequence[T], slow: Collection[Path]) -> list[T]:
    """The tests of these files first, a file of many before one of few: what takes long must not be begun last."""
    counts = Counter(item.path for item in items)
    return sorted(items, key=lambda item: -counts[item.path] if item.path in slow else 0)


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
