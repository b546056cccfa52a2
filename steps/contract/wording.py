"""Small helps for sentences."""

from __future__ import annotations


def count_things(number: int, one: str, many: str = "") -> str:
    """`1 pod`, `2 pods`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def describe_seconds(seconds: float) -> str:
    """`under 1 s`, `40 s`, `12 min`, `2 h 5 min`: as exactly as a person wants to know how long something takes."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s" if whole else "under 1 s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
