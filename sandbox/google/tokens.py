"""Access tokens that the sandbox's Google hands out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class AccessTokens:
    """Tokens in force. `issued` counts what was handed out, so that a test sees refreshes; times are Unix seconds."""

    clock: Callable[[], float] = time.time
    issued: int = 0
    _expiry: dict[str, float] = field(default_factory=dict)

    def issue(self, lifetime: float) -> str:
        """Hand out a token for so many seconds."""
        token = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
        self._expiry[token] = self.clock() + lifetime
        self.issued += 1
        return token

    def accepts(self, bearer: str) -> bool:
        """Refuse nothing, a withdrawn token and an expired one. Self-signed JWTs of client libraries pass."""
        if not bearer:
            return False
        expiry = self._expiry.get(bearer)
        if expiry is not None:
            return self.clock() < expiry
        return not bearer.startswith("ya29.sandbox-")

    def withdraw_all(self) -> None:
        """Make every token handed out so far worthless."""
        self._expiry.clear()
