"""The two Web API clients: one that posts and never repeats a call by itself, one that reads and may."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slack_sdk import WebClient

CALL_SECONDS = 10


def build_posting_client(token: str, base_url: str) -> WebClient:
    """A client without retries. The SDK's default one posts twice when a reply is lost; the outbox decides instead."""
    from slack_sdk import WebClient

    return WebClient(token=token, base_url=base_url, timeout=CALL_SECONDS, retry_handlers=[])


def build_reading_client(token: str, base_url: str) -> WebClient:
    """A client for calls that may be repeated: lost connections and server errors once; never a wait for a 429."""
    from slack_sdk import WebClient
    from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler, ServerErrorRetryHandler

    handlers = [ConnectionErrorRetryHandler(max_retry_count=1), ServerErrorRetryHandler(max_retry_count=1)]
    return WebClient(token=token, base_url=base_url, timeout=CALL_SECONDS, retry_handlers=handlers)
