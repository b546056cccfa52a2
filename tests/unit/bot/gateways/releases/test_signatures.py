"""What came in place of a release, and what a power cut leaves of one."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.release.server import FOLDER
from steps.contract.errors import GiveUp, TryAgain
from steps.contract.release import Archive
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import Reply
from tests.unit.bot.gateways.releases.conftest import NAME, Offer, Open

PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><title>Sign in</title>"
# As most are: larger than any signature.
LONG_PAGE = PAGE + b"<p>Who are you?</p>" * 1000
NO_SIGNATURE = r"fetch the signature of istio-.* with a page for people \(Sign in\)"


def unpack(archive: bytes) -> bytes:
    """What a store that takes the object's encoding for its own hands out."""
    return gzip.decompress(archive)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda archive, signature: (PAGE, signature), "a web page in place of istio-"),
        (lambda archive, signature: (archive, PAGE), NO_SIGNATURE),
        (lambda archive, signature: (archive, LONG_PAGE), NO_SIGNATURE),
        (lambda archive, signature: (PAGE, PAGE), NO_SIGNATURE),
        (lambda archive, signature: (LONG_PAGE, LONG_PAGE), NO_SIGNATURE),
        (lambda archive, signature: (LONG_PAGE, signature), "a web page in place of istio-"),
        (lambda archive, signature: (b"", signature), "nothing at all in place of istio-"),
        (lambda archive, signature: (archive, b""), "nothing at all in place of the signature of istio-"),
        (lambda archive, signature: (bytes(len(archive)), signature), "nothing at all in place of istio-"),
        (lambda archive, signature: (unpack(archive), signature), "the archive unpacked on its way in place of istio-"),
    ],
)
def test_what_came_in_place_of_a_file_is_told_as_what_it_is(
    harm: Callable[[bytes, bytes], tuple[bytes, bytes]], told: str, serve: Serve, offer: Offer, open_files: Open
) -> None:
    """Nobody cries tampering over a sign-in page; where it may pass, nobody has to do anything."""
    archive = offer.describe()
    right = [httpx.get(url, trust_env=False).content for url in (archive.url, archive.signature_url)]
    came = list(harm(right[0], right[1]))
    files = {f"/{NAME}": 0, f"/{NAME}.1.sig": 1}
    server = serve(lambda request: Reply(body=came[files[request.path.removeprefix(FOLDER)]]))
    fetched = offer.describe(base=server.url)
    with pytest.raises((TryAgain, GiveUp), match=told) as raised:
        open_files().verify_archive(fetched)
    assert isinstance(raised.value, GiveUp) == ("unpacked" in told)
    assert "fetched again" not in str(raised.value)  # whether it is, whoever asked for it knows
    came[:] = right
    assert open_files().verify_archive(fetched).size == len(right[0])


def test_what_is_no_page_and_too_large_is_no_signature(serve: Serve, offer: Offer, open_files: Open) -> None:
    """An address that leads to something else is a person's to mend."""
    server = serve(lambda _request: Reply(body=b"\x1f" * 5000))
    with pytest.raises(GiveUp, match="is larger than 4096 bytes"):
        open_files().fetch_archive(offer.describe(base=server.url))


def bring(offer: Offer, folder: Path, came: tuple[bytes, bytes | None]) -> Archive:
    """An archive that a person put down, with its signature beside it or without."""
    folder.mkdir()
    for name, content in zip((NAME, f"{NAME}.1.sig"), came, strict=True):
        if content is not None:
            (folder / name).write_bytes(content)
    return offer.describe(local_path=str(folder / NAME))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda archive, signature: (unpack(archive), signature), r"^istio-\S+ is the archive unpacked$"),
        (lambda archive, signature: (PAGE, signature), r"^istio-\S+ is a web page$"),
        (lambda archive, signature: (b"", None), r"^istio-\S+ is nothing at all$"),
        (lambda archive, signature: (archive, PAGE), r"^the signature of istio-\S+ is a web page$"),
    ],
)
def test_what_a_person_brought_is_told_as_theirs(
    harm: Callable[[bytes, bytes], tuple[bytes, bytes | None]],
    told: str,
    offer: Offer,
    open_files: Open,
    tmp_path: Path,
) -> None:
    """Nobody gave it on its way, and nothing is fetched that could mend it."""
    archive = offer.describe()
    right = [httpx.get(url, trust_env=False).content for url in (archive.url, archive.signature_url)]
    brought = bring(offer, tmp_path / "given", harm(right[0], right[1]))
    with pytest.raises(GiveUp, match=told) as raised:
        open_files().verify_archive(brought)
    assert raised.value.remedy == "Put the files there as they are published, then retry."


def test_a_signature_that_was_fetched_for_a_persons_file_is_the_hosts(
    serve: Serve, offer: Offer, open_files: Open, tmp_path: Path
) -> None:
    """Nobody is sent to a file that they never had."""
    content = httpx.get(offer.describe().url, trust_env=False).content
    server = serve(lambda _request: Reply(body=b""))
    place = bring(offer, tmp_path / "given", (content, None)).local_path
    brought = offer.describe(base=server.url, local_path=place)
    with pytest.raises(TryAgain, match="nothing at all in place of the signature of istio-"):
        open_files().verify_archive(brought)


@pytest.mark.parametrize("name", [NAME, f"{NAME}.1.sig"])
def test_what_the_disk_lost_is_told_as_the_bots_own(name: str, offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """No host gave it: it was whole when it was kept, and is fetched anew."""
    sha256 = open_files().verify_archive(offer.describe()).sha256
    kept = tmp_path / "releases" / "archives" / sha256 / name
    kept.write_bytes(bytes(kept.stat().st_size))
    with pytest.raises(TryAgain, match="on the bot's own disk is nothing at all by now") as raised:
        open_files().verify_archive(offer.describe())
    assert "127.0.0.1" not in raised.value.why
    assert open_files().verify_archive(offer.describe()).sha256 == sha256


@pytest.mark.parametrize("is_local", [False, True])
def test_what_is_kept_survives_a_power_cut(
    is_local: bool, offer: Offer, open_files: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is synced before it has its name; one that was not may be empty afterwards."""
    archive = offer.describe()
    if is_local:
        place = tmp_path / "given"
        place.mkdir()
        for url in (archive.url, archive.signature_url):
            (place / url.rpartition("/")[2]).write_bytes(httpx.get(url, trust_env=False).content)
        archive = offer.describe(local_path=str(place / NAME))
    synced: set[int] = set()
    really = os.fsync

    def note(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        really(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    open_files().verify_archive(archive)
    kept = [path for path in (tmp_path / "releases" / "archives").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert [path.name for path in kept if path.stat().st_ino not in synced] == []
