"""A release server and gateways on one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.gateways.releases.release_files import ReleaseFilesGateway
from sandbox.release.server import FOLDER, ReleaseServer
from sandbox.release.signing import SigningKey
from sandbox.release.switches import ReleaseSwitches
from sandbox.web.sites import serve_in_thread
from steps.contract.release import Archive

VERSION = "1.4.10-asm.18"
NAME = f"istio-{VERSION}-linux.tar.gz"
Open = Callable[..., ReleaseFilesGateway]


class Offer:
    """The sandbox's release server with its key."""

    def __init__(self) -> None:
        self.key = SigningKey.make()
        self.server = ReleaseServer(self.key)
        self.site = serve_in_thread(self.server.app())

    @property
    def switches(self) -> ReleaseSwitches:
        """What is broken about the server."""
        return self.server.switches

    @property
    def ranges(self) -> list[str]:
        """The Range headers of the requests for the archive."""
        return [asked for name, asked in self.server.requests if name == NAME]

    def describe(self, name: str = NAME, base: str = "", **fields: str) -> Archive:
        """Describe one of the archives on offer."""
        place = (base or self.site.url) + FOLDER
        return Archive(
            version=VERSION,
            file_name=name,
            url=f"{place}/{name}",
            signature_url=f"{place}/{name}.1.sig",
            public_key=fields.pop("public_key", self.key.public_pem()),
            directory=f"istio-{VERSION}",
            **fields,
        )


@pytest.fixture(scope="module")
def shared_offer() -> Iterator[Offer]:
    """Build archives once for all tests."""
    offer = Offer()
    yield offer
    offer.site.stop()


@pytest.fixture
def offer(shared_offer: Offer) -> Offer:
    """Give the server with every switch off."""
    vars(shared_offer.switches).update(vars(ReleaseSwitches()))
    shared_offer.server.requests.clear()
    return shared_offer


@pytest.fixture
def open_files(tmp_path: Path) -> Iterator[Open]:
    """Open gateways on one folder, as restarts of the bot do."""
    opened: list[ReleaseFilesGateway] = []

    def open_gateway(**options: Any) -> ReleaseFilesGateway:
        opened.append(ReleaseFilesGateway(tmp_path / "releases", **options))
        return opened[-1]

    yield open_gateway
    for gateway in opened:
        gateway.close()
