"""Foreign text in Slack: nothing escapes, nothing is cut in the middle of an entity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.drawing.text import Pen, cut, cut_written, escape, write_code

STRANGERS = Pen(lambda _user: False)


@pytest.mark.parametrize("attack", ["<!channel>", "<!here>", "<https://evil.example|click>", "<@U0ANA00001>", "<#C1>"])
def test_foreign_text_can_neither_mention_nor_link(attack: str) -> None:
    """Slack's markup needs angle brackets."""
    assert "<" not in escape(attack)


def test_known_person_stays_a_mention() -> None:
    """Sentences of ours may name people."""
    assert (
        Pen(lambda user: user == "U0BEN00002").write_sentence("approved by <@U0BEN00002>")
        == "approved by <@U0BEN00002>"
    )


def test_a_channel_stays_a_link() -> None:
    """It notifies nobody."""
    assert STRANGERS.write_sentence("in <#C0MESHOPS1>") == "in <#C0MESHOPS1>"


def test_unknown_person_is_only_text() -> None:
    """An id that came with foreign text pings nobody."""
    assert STRANGERS.write_sentence("<@U0EVIL0001> says") == "&lt;@U0EVIL0001&gt; says"


def test_backticks_cannot_end_a_code_span() -> None:
    """A code span holds exactly two backticks."""
    assert write_code("a`b\n<c>") == "`a'b &lt;c&gt;`"


def test_bidirectional_controls_are_dropped() -> None:
    """A name must not be read backwards."""
    assert escape("web\u202egnp") == "webgnp"


@given(st.text(alphabet="&<>ab \n", max_size=200), st.integers(min_value=60, max_value=120))
def test_cutting_splits_no_entity(text: str, limit: int) -> None:
    """What remains is at most the limit, and each & begins a whole entity."""
    written = cut_written(text, limit)
    assert len(written) <= limit
    assert written.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0


def test_a_cut_is_said() -> None:
    """Nobody takes a part for the whole."""
    assert cut("x" * 100, 50).endswith("more characters)")


def test_secrets_are_redacted() -> None:
    """No token, kubeconfig or key reaches Slack."""
    assert escape("before xoxb-123456789012-abcdef after") == "before [redacted] after"


def test_time_is_shown_in_the_readers_zone() -> None:
    """Slack's date format, with UTC where it can't be."""
    at = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert STRANGERS.write_time(at) == "<!date^1796090400^{date_short_pretty} {time}|2026-12-01 02:00 UTC>"


def test_a_time_of_a_sentence_is_shown_in_the_readers_zone() -> None:
    """Code is left as it is, and so is what is no time."""
    text = "until 2026-12-01 02:00 UTC, not 2026-13-01 02:00 UTC or `2026-12-01 02:00 UTC`"
    assert STRANGERS.write_sentence(text) == (
        "until <!date^1796090400^{date_short_pretty} {time}|2026-12-01 02:00 UTC>, not 2026-13-01 02:00 UTC or "
        "`2026-12-01 02:00 UTC`"
    )


def test_a_person_is_mentioned_where_they_are_known() -> None:
    """Anybody else is only an id."""
    pen = Pen(lambda user: user == "U0BEN00002")
    assert [pen.write_person(user) for user in ("U0BEN00002", "U0EVIL0001")] == [
        "<@U0BEN00002>",
        "&lt;@U0EVIL0001&gt;",
    ]


def test_a_link_leads_to_a_message_of_the_readers_workspace() -> None:
    """None leads nowhere."""
    pen = Pen(lambda _user: False, "https://example.slack.com/")
    link = pen.write_link("C0MESHOPS1", "1796090400.000100", "Open the thread")
    assert link == "<https://example.slack.com/archives/C0MESHOPS1/p1796090400000100|Open the thread>"
    reply = pen.write_link("C0MESHOPS1", "1796090400.000200", "Open the card", "1796090400.000100")
    there = "p1796090400000200?thread_ts=1796090400.000100&amp;cid=C0MESHOPS1"
    assert reply == f"<https://example.slack.com/archives/C0MESHOPS1/{there}|Open the card>"
    assert [pen.write_link("C0MESHOPS1", "", "Open"), STRANGERS.write_link("C0", "1.2", "Open")] == ["", ""]


def test_a_long_sentence_is_cut_and_its_mentions_stay_whole() -> None:
    """Nothing is cut after it was written."""
    written = Pen(lambda _user: True).write_sentence("<@U0BEN00002> " + "<" * 400, 200)
    assert len(written) <= 200
    assert written.startswith("<@U0BEN00002> &lt;")
    assert written.endswith("more characters)")


def test_the_parts_of_a_sentence_tell_mentions_from_text() -> None:
    """Rich text has elements of their own for them."""
    assert STRANGERS.split_sentence("in <#C0MESHOPS1> by <@U0BEN00002>") == [
        ("in ", False),
        ("<#C0MESHOPS1>", True),
        (" by ", False),
        ("<@U0BEN00002>", False),
        ("", False),
    ]
