"""What the page of the stand-in for Slack asks of it, over connections that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from urllib3 import BaseHTTPResponse, PoolManager

# People act at the same time in some tests.
CONNECTIONS = 16
# A bot answers Slack when its machine gets to it, which on a busy one is not within three seconds.
ACK_SECONDS = 60.0
SECONDS = 2 * ACK_SECONDS


class Page:
    """The requests of a page at `url`."""

    def __init__(self, url: str, pool: PoolManager) -> None:
        self.url = url
        self._pool = pool

    def read(self, path: str) -> dict[str, Any]:
        """What stands there; AssertionError where it is refused."""
        return _decode(path, self._pool.request("GET", f"{self.url}{path}"))

    def act(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One act of a person; the answer, refusals included."""
        answer = self._pool.request("POST", f"{self.url}/ui/{name}", json=body)
        return msgspec.json.decode(answer.data, type=dict[str, Any])

    def must_act(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One act of a person; AssertionError where it is refused."""
        return _decode(f"/ui/{name}", self._pool.request("POST", f"{self.url}/ui/{name}", json=body))

    def download(self, url: str, headers: Mapping[str, str]) -> bytes:
        """A file at its own address."""
        return self._pool.request("GET", url, headers=headers).data


@contextmanager
def open_page(url: str) -> Iterator[Page]:
    """A page for the time of the block."""
    pool = PoolManager(maxsize=CONNECTIONS, retries=False, timeout=SECONDS)
    try:
        yield Page(url, pool)
    finally:
        pool.clear()


def _decode(path: str, answer: BaseHTTPResponse) -> dict[str, Any]:
    assert answer.status < 400, f"{path} answered {answer.status}: {answer.data.decode()}"
    return msgspec.json.decode(answer.data, type=dict[str, Any])
