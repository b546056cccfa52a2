"""Texts of others, bounded before they are read."""

from __future__ import annotations

import tracemalloc

import pytest

from steps.contract.documents import BadDocument, read_json, read_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_documents_are_read() -> None:
    """Empty ones are left out."""
    assert read_yaml("a: 1\n---\n---\n- b\n") == [{"a": 1}, ["b"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "anchors"),
        ("[" * 60 + "]" * 60, "deeper than 50"),
        ("a: [", "not YAML"),
        ("a: 2001-99-99", "not YAML"),
        ("a: " + "x" * 1_100_000, "larger than 1024 KiB"),
        ("\x00", "not YAML"),
        ("a: !!python/object:os.system x", "not YAML"),
    ],
)
def test_what_can_t_be_read_is_a_sentence(text: str, why: str) -> None:
    """Whatever it is, it is the end of a sentence."""
    with pytest.raises(BadDocument, match=why):
        read_yaml(text)


@pytest.mark.parametrize(("text", "why"), [("{", "not JSON"), ("[" * 200_000, "not JSON"), (" " * 1_100_000, "larger")])
def test_json_has_bounds_too(text: str, why: str) -> None:
    """Deep nesting and size."""
    with pytest.raises(BadDocument, match=why):
        read_json(text)


def test_a_bomb_takes_no_memory() -> None:
    """It is refused before anything is built of it."""
    tracemalloc.start()
    with pytest.raises(BadDocument):
        read_yaml(BOMB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
