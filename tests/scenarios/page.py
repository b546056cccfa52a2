"""Slack's page as somebody sees it who looks again and again: it is drawn anew only where something has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from tests.scenarios.rig import CHANNEL

Json: TypeAlias = dict[str, Any]
# To draw all of it takes as long as a bot takes for a step.
KINDS = "message,message_changed,message_deleted,connection,mode"


@dataclass
class Page:
    """The page at this address."""

    address: str
    http: httpx.Client
    _seen: Json = field(default_factory=dict)

    def look(self) -> Json:
        """Messages and connections as they are now, and the rest as it was when they changed last."""
        if not self._seen or self._has_changed():
            self._seen = self._ask("/ui/state")
        return self._seen

    def read_messages(self) -> list[Json]:
        """The channel's messages."""
        return next(list(channel["messages"]) for channel in self.look()["channels"] if channel["id"] == CHANNEL)

    def is_bot_there(self) -> bool:
        """Whether a bot has connected."""
        return bool(self.look()["bot"]["connections"])

    def _has_changed(self) -> bool:
        return bool(self._ask(f"/ui/wait?after={self._seen['seq']}&timeout=0&kinds={KINDS}")["events"])

    def _ask(self, path: str) -> Json:
        return dict(self.http.get(f"{self.address}{path}").raise_for_status().json())
