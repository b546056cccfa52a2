"""The inspector's log: every call, envelope and ack with its milliseconds, tokens blotted out."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from sandbox.slack.values.shapes import Json
from sandbox.slack.workspace.feed import Feed

KEPT_ENTRIES = 3_000
MOST_CHARACTERS = 40_000
TOKEN = re.compile(r"\b(xox[a-z]|xapp)-[A-Za-z0-9-]{6,}")
Kind = Literal["api", "envelope", "http", "response_url", "file", "socket", "person", "page", "cluster"]


class Inspector:
    """Keeps the last entries and publishes each on the feed as a `log` event."""

    def __init__(self, clock: Callable[[], float], feed: Feed) -> None:
        self._clock = clock
        self._feed = feed
        self._entries: deque[Json] = deque(maxlen=KEPT_ENTRIES)
        self._count = 0

    def add(
        self,
        kind: Kind,
        name: str,
        *,
        ok: bool,
        ms: float = 0.0,
        request: Any = None,
        response: Any = None,
        note: str = "",
        fault: str = "",
    ) -> None:
        """Record one exchange; `note` says in words what went wrong."""
        self._count += 1
        entry = {
            "n": self._count,
            "at": self._clock(),
            "kind": kind,
            "name": name,
            "ok": ok,
            "ms": round(ms, 1),
            "request": redact(request),
            "response": redact(response),
            "note": note,
            "fault": fault,
        }
        self._entries.append(entry)
        self._feed.publish("log", entry=entry)

    def entries(self, after: int = 0) -> list[Json]:
        """Return the kept entries later than number `after`, oldest first."""
        return [entry for entry in self._entries if entry["n"] > after]


def redact(value: Any) -> Any:
    """Return a copy without tokens, cut to a readable size."""
    text = TOKEN.sub(r"\1-…", json.dumps(value, ensure_ascii=False, default=str))
    if len(text) > MOST_CHARACTERS:
        return {"cut": f"{len(text)} characters, the first {MOST_CHARACTERS} follow", "text": text[:MOST_CHARACTERS]}
    return json.loads(text)
