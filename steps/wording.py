"""Small helps for sentences."""

from __future__ import annotations


def count_things(number: int, one: str, many: str = "") -> str:
    """`1 pod`, `2 pods`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"
