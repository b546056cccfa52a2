"""Where Slack's payloads keep what every listener needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def find_user(body: Mapping[str, Any]) -> str:
    """Who acted."""
    return str((body.get("user") or {}).get("id") or "")


def find_team(body: Mapping[str, Any]) -> str:
    """The actor's own team, which in a channel shared with another company is not the workspace's."""
    return str((body.get("user") or {}).get("team_id") or (body.get("team") or {}).get("id") or "")


def find_channel(body: Mapping[str, Any]) -> str:
    """Where an answer can be given: the channel, or in the Home tab, which has none, the person's own id."""
    return str((body.get("channel") or {}).get("id") or "") or find_user(body)


def hash_id(*parts: str) -> str:
    """A click's id. Triggers open forms in Slack, so they themselves go into neither journal nor log."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
