"""The order in which `--shuffle SEED` runs the tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.order import shuffle


@dataclass(frozen=True)
class Written:
    """A test in its file."""

    path: Path
    number: int


TESTS = [Written(Path(f"test_{name}.py"), number) for name in "abcdef" for number in range(6)]


def test_a_seed_brings_an_order_back() -> None:
    """Every worker has to come to the same."""
    assert shuffle(TESTS, "7") == shuffle(TESTS, "7")
    assert shuffle(TESTS, "7") != shuffle(TESTS, "8")


def test_the_tests_of_a_file_stay_together() -> None:
    """In an order of their own; none is lost."""
    order = shuffle(TESTS, "7")
    files = [one.path for one in order]
    changes = sum(here != before for here, before in zip(files[1:], files, strict=False))
    assert changes == len(set(files)) - 1
    assert order != TESTS
    assert sorted(order, key=TESTS.index) == TESTS
