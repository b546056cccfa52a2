"""Plugin: files that may take long and those of whole upgrades come first, so that all workers end together.

`--shuffle SEED` runs the files in a random order, and the tests of each file as well. Of the files that share a control
plane one worker takes all: each other would start one for itself, which costs as much as their tests.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from xdist.scheduler import LoadFileScheduling

# Folders in which nearly every test takes an upgrade from one question to the next.
UPGRADING = frozenset({"journals", "scenarios"})
# A test's usual limit in seconds, as pyproject.toml has it, and that of what is begun before all else.
USUAL, LONGEST = 180.0, 900.0
# Lost nodes are waited for as long as all other contracts take: they get a control plane of their own.
SHARING, APART = re.compile(r"tests/contracts/test_\w+\.py"), "tests/contracts/test_node_loss.py"
CONTRACTS = "tests/contracts"


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
    seed, real = config.getoption("shuffle"), bool(config.getoption("real_cluster"))
    if seed is not None:
        items[:] = shuffle(items, seed)
        return
    limits: dict[str, float] = {}
    for item in items:
        group = name_group(item.nodeid, real=real)
        limits[group] = max(limits.get(group, 0.0), find_limit(item, real=real))
    items[:] = put_first(items, limits, lambda item: name_group(item.nodeid, real=real))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out files as xdist does, but what shares a control plane in one."""
    if not config.getoption("real_cluster") or config.getoption("dist") != "loadfile":
        return None
    scheduler: Any = LoadFileScheduling(config, log)
    scheduler._split_scope = partial(name_group, real=True)
    return scheduler


def name_group(nodeid: str, *, real: bool) -> str:
    """What one worker takes as a whole: a test's file, or all that use its control plane."""
    file = nodeid.split("::", 1)[0]
    return CONTRACTS if real and file != APART and SHARING.fullmatch(file) else file


def find_limit(item: pytest.Item, *, real: bool) -> float:
    """How long a test may take, where it takes long at all."""
    if real and item.get_closest_marker("realcluster"):
        return LONGEST
    limit = item.get_closest_marker("timeout")
    if limit is not None:
        return float(limit.args[0])
    slow = item.get_closest_marker("slow") or UPGRADING.intersection(item.path.parts)
    return USUAL if slow else 0.0


def put_first(items: Sequence[T], limits: Mapping[str, float], name: Callable[[T], str]) -> list[T]:
    """What may take longest is begun first, and of equals the group of most tests; the others stay as they are."""
    counts = Counter(map(name, items))
    places: dict[str, int] = {}
    for item in items:
        places.setdefault(name(item), len(places))

    def rank(item: T) -> tuple[float, int, int]:
        limit = limits.get(name(item), 0.0)
        return -limit, -counts[name(item)] if limit else 0, places[name(item)]

    return sorted(items, key=rank)


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
