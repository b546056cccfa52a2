"""Plugin: files that may take long and those of whole upgrades come first, so that all workers end together.

`--shuffle SEED` runs the files in a random order, and the tests of each file as well. Of the files that share a control
plane, or the trees of the whole project, one worker takes all: each other would start one for itself, or parse them
again, which costs as much as their tests.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from xdist.scheduler import LoadFileScheduling

# Folders in which nearly every test takes an upgrade from one question to the next, or a phase of it to its end.
UPGRADING = frozenset({"journals", "scenarios", "sidecars"})
# A test's usual limit in seconds, as pyproject.toml has it, and that of what is begun before all else.
USUAL, LONGEST = 180.0, 900.0
# Lost nodes are waited for as long as all other contracts take: they get a control plane of their own.
SHARING, APART = re.compile(r"tests/contracts/test_\w+\.py"), "tests/contracts/test_node_loss.py"
CONTRACTS = "tests/contracts"
HOUSE = "tests/unit/house"


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
    groups = {item: name_group(item.nodeid, real=real) for item in items}
    limits: dict[str, float] = {}
    for item, group in groups.items():
        limits[group] = max(limits.get(group, 0.0), find_limit(item, real=real))
    items[:] = put_first(items, limits, groups.__getitem__)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out files as xdist does, but what shares a control plane, or the project's trees, in one."""
    if config.getoption("dist") != "loadfile":
        return None
    return Scheduling(config, log, real=bool(config.getoption("real_cluster")))


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist says nothing of its types
    """xdist's own, by our groups; it looks for a test among all by its place, and no more at what is done."""

    def __init__(self, config: pytest.Config, log: Any, *, real: bool) -> None:
        super().__init__(config, log)
        self._real = real

    def _split_scope(self, nodeid: str) -> str:
        return name_group(nodeid, real=self._real)

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        super().add_node_collection(node, collection)
        if node in self.registered_collections:
            self.registered_collections[node] = Numbered(collection)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        group = self._split_scope(self.registered_collections[node][item_index])
        super().mark_test_complete(node, item_index, duration)
        if all(self.assigned_work[node][group].values()):
            del self.assigned_work[node][group]


class Numbered(list[str]):
    """Tests that know their places: to compare each with all before it takes seconds for ten thousand."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names)
        self._places = {name: place for place, name in enumerate(self)}

    def index(self, name: str, *_bounds: Any) -> int:
        """Where it is."""
        return self._places[name]


def name_group(nodeid: str, *, real: bool) -> str:
    """What one worker takes as a whole: a test's file, or all that use its control plane or the project's trees."""
    file = nodeid.split("::", 1)[0]
    if file.startswith(f"{HOUSE}/"):
        return HOUSE
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
