"""Quantities of Kubernetes."""

from __future__ import annotations

import pytest

from bot.gateways.kubernetes.wire_nodes import count_bytes, count_millicores


@pytest.mark.parametrize(("text", "count"), [("250m", 250), ("2", 2000), ("1e3", 1_000_000), ("0.1m", 1), ("", 0)])
def test_processors_are_counted_in_thousandths(text: str, count: int) -> None:
    """Rounded up, as the scheduler does."""
    assert count_millicores(text) == count


@pytest.mark.parametrize("text", ["1e999999999", "NaN", "Infinity", "-Infinity", "9" * 100_000, "1E99", "x", "Ki"])
def test_what_counts_nothing_there_is_is_none(text: str) -> None:
    """A number of a thousand million digits would fill the memory of the bot."""
    assert count_bytes(text) == 0
