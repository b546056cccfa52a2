"""What a mistyped word was probably meant to be."""

from __future__ import annotations

import pytest

from bot.likeness import find_alike, suggest

CLUSTERS = ("cluster-x", "prod-eu", "prod-us", "staging")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("cluster-y", ["cluster-x"]),
        ("clusterx", ["cluster-x"]),
        ("cluster_x", ["cluster-x"]),
        ("Cluster X", ["cluster-x"]),
        ("cluser-x", ["cluster-x"]),
        ("stagging", ["staging"]),
        ("prod-ue", ["prod-eu", "prod-us"]),
        ("x", ["cluster-x"]),
        ("prod", ["prod-eu", "prod-us"]),
        ("stag", ["staging"]),
        ("zzz", []),
        ("", []),
        ("-", []),
    ],
)
def test_a_name_like_the_word(word: str, meant: list[str]) -> None:
    """The likest first, and none where nothing is like it."""
    assert find_alike(word, CLUSTERS) == meant


def test_a_question_to_copy_from() -> None:
    """With what stands around the name."""
    assert suggest("prod", CLUSTERS, "status ") == " Did you mean `status prod-eu` or `status prod-us`?"
    assert suggest("zzz", CLUSTERS) == ""
