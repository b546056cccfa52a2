"""An API server's client that counts what is sent, pages and repetitions included."""

from __future__ import annotations

from typing import Any

from bot.gateways.kubernetes.api_server import ApiServer, HttpAnswer


class CountingServer(ApiServer):
    """Counts requests."""

    sent = 0

    def send(self, *request: Any, **more: Any) -> HttpAnswer:
        """One request more."""
        self.sent += 1
        return super().send(*request, **more)
