"""What people type after /asm-upgrade, as Slack sends it: understood, or answered with what was meant."""

from __future__ import annotations

import pytest

from bot.clicks.orders import Order
from handlers.grammar import Misread, read_order
from tests.unit.handlers.typed_lines import ANSWERED, UNDERSTOOD


@pytest.mark.parametrize(("typed", "order"), [(typed, order) for order, all_of in UNDERSTOOD for typed in all_of])
def test_what_people_type_is_understood(typed: str, order: Order) -> None:
    """As the order that it is, however it was formatted, quoted, spelt or pasted."""
    assert read_order(typed) == order


@pytest.mark.parametrize("typed", ANSWERED)
def test_what_is_not_understood_is_answered_with_what_was_meant(typed: str) -> None:
    """As a line to copy."""
    read = read_order(typed)
    assert isinstance(read, Misread)
    assert ANSWERED[typed] in read.answer


def test_all_faults_of_a_command_are_told_at_once() -> None:
    """Nobody types it three times."""
    read = read_order("start cluster-x mtls=maybe canry=shop testing=perhaps fast")
    assert isinstance(read, Misread)
    for part in ("mtls is `maybe`", "Did you mean `canary=shop`?", "testing is `perhaps`", "`fast` is no option"):
        assert part in read.answer


def test_two_hundred_ways_to_type_it() -> None:
    """The table stays as large as it was promised."""
    assert sum(len(typed) for _, typed in UNDERSTOOD) + len(ANSWERED) >= 200
