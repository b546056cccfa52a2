"""How many programs there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.gateways.programs.places import MEGABYTE, MOST, Places, check_memory, count_places, read_memory
from steps.contract.checks import Severity


@pytest.mark.parametrize(
    ("asked", "megabytes", "places"),
    [
        (0, 64, Places(1, 0)),
        (0, 512, Places(1, 0)),
        (0, 700, Places(1, 1)),
        (0, 1024, Places(3, 1)),
        (0, 64_000, Places(4, 1)),
        (9, 64, Places(9, 1)),
    ],
)
def test_the_memory_says_how_many_unless_a_person_does(asked: int, megabytes: int, places: Places) -> None:
    """At least one, at most four by itself; the memory holds the one to spare as well."""
    assert count_places(asked, megabytes * MEGABYTE) == places


@pytest.mark.parametrize(("limit", "total", "places"), [("max", "999999999", MOST), ("536870912", "999999999", 1)])
def test_a_containers_limit_counts_before_the_machine(limit: str, total: str, places: int, tmp_path: Path) -> None:
    """Where there is none the machine's memory does."""
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "meminfo").write_text(f"MemTotal:  {total} kB\nMemFree: 1 kB\n")
    memory = read_memory([tmp_path / "memory.max", tmp_path / "none"], tmp_path / "meminfo")
    assert count_places(0, memory).most == places


def test_a_machine_that_says_nothing_has_room(tmp_path: Path) -> None:
    """As on systems without /proc."""
    assert count_places(0, read_memory([], tmp_path / "none")) == Places(MOST, 1)


@pytest.mark.parametrize(
    ("asked", "megabytes", "severity"),
    [(0, 300, "warning"), (0, 512, "ok"), (0, 64_000, "ok"), (4, 512, "warning"), (4, 1024, "ok")],
)
def test_the_doctor_says_where_memory_is_short(asked: int, megabytes: int, severity: Severity) -> None:
    """For as many programs as a person lets run, or for the one that is run in any case."""
    assert check_memory(asked, megabytes * MEGABYTE).severity == severity
