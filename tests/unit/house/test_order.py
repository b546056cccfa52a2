"""The order in which tests run: slow files first, or as `--shuffle SEED` has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.order import put_first, shuffle


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


def test_files_with_slow_tests_come_first() -> None:
    """Whole, the one with most tests before the others, and otherwise in the order that they had."""
    more = [Written(Path("test_d.py"), number) for number in range(6, 9)]
    order = put_first([*TESTS, *more], {Path("test_b.py"), Path("test_d.py"), Path("test_f.py")})
    assert [one.path.stem[-1] for one in order] == [*"d" * 9, *"b" * 6, *"f" * 6, *"a" * 6, *"c" * 6, *"e" * 6]
    assert [one.number for one in order] == [*range(9), *[*range(6)] * 5]
