"""The bot's Google credentials in the form that Google's own clients take; imported where such a client is built."""

from __future__ import annotations

from collections.abc import MutableMapping

from google.auth.credentials import Credentials

from bot.gateways.google.credentials import QUOTA_HEADER, GoogleCredentials


class TokenSource(Credentials):
    """Takes each token from the bot's credentials, so that refreshes are shared, locked and bounded in time."""

    def __init__(self, source: GoogleCredentials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._source = source

    def before_request(self, request: object, method: str, url: str, headers: MutableMapping[str, str]) -> None:
        """Put the token in force on a request, and whose quota it counts against."""
        self.token = self._source.read_token()
        headers["authorization"] = f"Bearer {self.token}"
        if project := self._source.find_quota_project():
            headers[QUOTA_HEADER] = project

    def refresh(self, request: object) -> None:
        """Replace a token that was refused with 401."""
        self.token = self._source.replace_token(self.token or "")
