"""The order in which tests run: slow files first, or as `--shuffle SEED` has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.order import LONGEST, USUAL, Numbered, name_group, put_first, shuffle


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


def name_file(one: Written) -> str:
    """The file of a test."""
    return one.path.stem[-1]


def test_files_with_slow_tests_come_first() -> None:
    """Whole, the one with most tests before the others, and otherwise in the order that they had."""
    more = [Written(Path("test_d.py"), number) for number in range(6, 9)]
    order = put_first([*TESTS, *more], dict.fromkeys("bdf", USUAL), name_file)
    assert [one.path.stem[-1] for one in order] == [*"d" * 9, *"b" * 6, *"f" * 6, *"a" * 6, *"c" * 6, *"e" * 6]
    assert [one.number for one in order] == [*range(9), *[*range(6)] * 5]


def test_what_may_take_longest_is_begun_first() -> None:
    """However few its tests are: it would keep one worker when all others have ended."""
    one = Written(Path("test_g.py"), 0)
    order = put_first([*TESTS, one], {"b": USUAL, "g": LONGEST}, name_file)
    assert [name_file(other) for other in order[:7]] == [*"g", *"b" * 6]


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("tests/contracts/test_reads.py", "tests/contracts"),
        ("tests/contracts/test_node_loss.py", "tests/contracts/test_node_loss.py"),
        ("tests/contracts/istioctl/test_seam.py", "tests/contracts/istioctl/test_seam.py"),
        ("tests/unit/sandbox/test_control.py", "tests/unit/sandbox/test_control.py"),
    ],
)
def test_one_worker_takes_what_shares_a_control_plane(file: str, group: str) -> None:
    """And a file at a time where there is none, as xdist asks for it."""
    assert LoadFileScheduling._split_scope(None, f"{file}::test_it[real]") == file
    assert name_group(f"{file}::test_it[real]", real=True) == group
    assert name_group(f"{file}::test_it[real]", real=False) == file


@pytest.mark.parametrize("real", [False, True])
def test_one_worker_takes_what_reads_the_whole_project(real: bool) -> None:
    """The house is one group, on whichever cluster the contracts run."""
    files = ("tests/unit/house/test_style.py::test_it", "tests/unit/house/test_words.py::test_it")
    assert {name_group(file, real=real) for file in files} == {"tests/unit/house"}


def test_a_test_is_found_by_its_place() -> None:
    """Each where a list would find it."""
    names = [f"{one.path}::test_{one.number}" for one in TESTS]
    assert [Numbered(names).index(name) for name in names] == [*range(len(names))]
