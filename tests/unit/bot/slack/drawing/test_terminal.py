"""What was written for Slack, on a terminal."""

from __future__ import annotations

import pytest

from bot.slack.drawing.text import write_plain


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*cluster-x*: 1.4.7-asm.0, never upgraded", "cluster-x: 1.4.7-asm.0, never upgraded"),
        ("Asked on cluster-x: <@U0BEN00002>, <@U0CAI00003|cai>", "Asked on cluster-x: U0BEN00002, U0CAI00003"),
        ("in <#C0MESHOPS1>", "in C0MESHOPS1"),
        ("<https://a.slack.com/archives/C1/p2|thread>", "thread (https://a.slack.com/archives/C1/p2)"),
        ("see <https://a.example.com>", "see https://a.example.com"),
        ("until <!date^1796090400^{time}|2026-12-01 02:00 UTC>", "until 2026-12-01 02:00 UTC"),
        ("R&amp;D &lt;b&gt;", "R&D <b>"),
        ("a * b * c", "a * b * c"),
        ("`/asm-upgrade status`", "`/asm-upgrade status`"),
        ("`a*b*c`", "`a*b*c`"),
        ("red\x1b[31m", "red[31m"),
    ],
)
def test_nothing_of_slacks_markup_is_left(written: str, read: str) -> None:
    """Nor what a terminal would obey; signs that only look like it stay."""
    assert write_plain(written) == read
