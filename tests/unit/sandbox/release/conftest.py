from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.release.signing import SigningKey
from sandbox.web.sites import serve_in_thread


@dataclass(frozen=True)
class Offer:
    """A release server that answers, and its address."""

    server: ReleaseServer
    url: str


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """One key for all tests."""
    return SigningKey.make()


@pytest.fixture
def offer(signing_key: SigningKey) -> Iterator[Offer]:
    """A release server with every switch off."""
    server = ReleaseServer(signing_key)
    site = serve_in_thread(server.app())
    yield Offer(server, f"{site.url}{FOLDER}")
    site.stop()
