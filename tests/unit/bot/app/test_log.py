"""Log lines carry no secret."""

from __future__ import annotations

from bot.app.log import redact_event


def test_a_token_in_a_log_line_is_blotted_out() -> None:
    """Whatever field it came in."""
    event = redact_event(None, "info", {"event": "failed", "why": "Bearer abcdefghijklmnop", "attempts": 3})
    assert event == {"event": "failed", "why": "[redacted]", "attempts": 3}


def test_secrets_deep_inside_a_log_line_are_blotted_out() -> None:
    """In lists, mappings and exceptions as well."""
    token = "xoxb-123456789012-abcdef"
    event = redact_event(None, "info", {"a": [token], "b": {"c": (token,)}, "error": ValueError(token)})
    assert token not in str(event)
