"""Log lines carry no secret."""

from __future__ import annotations

from bot.serving import redact_event


def test_a_token_in_a_log_line_is_blotted_out() -> None:
    """Whatever field it came in."""
    event = redact_event(None, "info", {"event": "failed", "why": "Bearer abcdefghijklmnop", "attempts": 3})
    assert event == {"event": "failed", "why": "[redacted]", "attempts": 3}
