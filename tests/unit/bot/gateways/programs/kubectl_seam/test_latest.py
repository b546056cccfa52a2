from __future__ import annotations

import pytest

from bot.gateways.programs.kubectl_seam.latest import Latest, keep_latest


def test_the_bytes_are_never_more_than_the_limit() -> None:
    """However many there are and however large; one that is too large for all of it drives out nothing."""
    latest = Latest[int](100)
    for number in range(300):
        latest.find_or_make(number, number % 120, lambda: 0)
        assert latest.size <= 100
    before = latest.size
    latest.find_or_make("large", 101, lambda: 0)
    assert latest.size == before


@pytest.mark.parametrize(("wanted", "made"), [(b"one", 0), (b"two", 1)])
def test_what_was_wanted_longest_ago_goes_first(wanted: bytes, made: int) -> None:
    """Bytes that are wanted again stay; those that went are made sense of anew."""
    seen: list[bytes] = []

    @keep_latest(6)
    def note(given: bytes) -> bytes:
        seen.append(given)
        return given

    for given in (b"one", b"two", b"one", b"six"):
        assert note(given) == given
    seen.clear()
    assert note(wanted) == wanted
    assert len(seen) == made
