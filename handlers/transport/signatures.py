"""What HTTP mode lets through to Bolt: requests that Slack signed, whose body can be read."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from slack_sdk.signature import SignatureVerifier

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    Site: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

EVENTS_PATH = "/slack/events"
LOGGED_EVERY = 60.0
# What Bolt stumbles over in a body that is no JSON, or JSON of another form.
UNREADABLE = (ValueError, RecursionError, LookupError, TypeError, AttributeError)


class Refusals:
    """Counts requests that were refused and logs them, once a minute at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._logged_at: float | None = None

    def note(self) -> None:
        """One more was refused."""
        self._count += 1
        now = self._clock()
        if self._logged_at is not None and now - self._logged_at < LOGGED_EVERY:
            return
        structlog.get_logger(__name__).warning("requests refused: not signed by Slack", count=self._count)
        self._count, self._logged_at = 0, now


class SignedSite:
    """Answers 401 where the signature is not Slack's, and 400 where a signed body can't be read."""

    def __init__(self, site: Site, secret: str, refusals: Refusals) -> None:
        self._site = site
        self._verifier = SignatureVerifier(secret)
        self._refusals = refusals

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") != "POST" or environ.get("PATH_INFO") != EVENTS_PATH:
            return self._site(environ, start)
        body: bytes = environ["wsgi.input"].read()
        if not self._is_signed(environ, body):
            self._refusals.note()
            return _refuse(start, "401 Unauthorized", b'{"error": "invalid request"}')
        try:
            return self._site({**environ, "wsgi.input": io.BytesIO(body)}, start)
        except UNREADABLE:  # of Bolt, which reads the body first; what a listener raises it answers
            return _refuse(start, "400 Bad Request", b'{"error": "the body can\'t be read"}')

    def _is_signed(self, environ: dict[str, Any], body: bytes) -> bool:
        timestamp = str(environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", ""))
        signature = str(environ.get("HTTP_X_SLACK_SIGNATURE", ""))
        # On others slack_sdk's verifier would stumble instead of refusing them.
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20 and signature.isascii()):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:
            return False


def _refuse(start: StartResponse, status: str, content: bytes) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json;charset=utf-8")])
    return [content]
