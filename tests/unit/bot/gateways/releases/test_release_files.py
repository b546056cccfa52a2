from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.release.signing import SigningKey
from steps.contract.errors import GiveUp, TryAgain
from tests.unit.bot.gateways.conftest import Serve
from tests.unit.bot.gateways.loopback import HandClock, Reply, Silence, in_order
from tests.unit.bot.gateways.releases.conftest import NAME, VERSION, Offer, Open

Room = namedtuple("Room", "total used free")


def tick(clock: HandClock) -> Callable[[], float]:
    """Make a clock on which a second passes with every look."""

    def look() -> float:
        clock.now += 1.0
        return clock.now

    return look


@pytest.mark.parametrize("name", [NAME, f"istio-{VERSION}-osx.tar.gz", f"istio-{VERSION}-win.zip"])
def test_every_platforms_archive_becomes_tools(offer: Offer, open_files: Open, name: str) -> None:
    """It is fetched, verified and unpacked, with programs that may be run."""
    files, archive = open_files(), offer.describe(name)
    assert files.fetch_archive(archive).complete
    tools = files.unpack_archive(archive, files.verify_archive(archive).sha256)
    assert tools.istioctl.stat().st_mode & 0o777 == 0o755
    assert hashlib.sha256(tools.asmctl.read_bytes()).hexdigest() == tools.asmctl_sha256
    assert (tools.folder / "samples").is_dir()


def test_a_slow_download_is_resumed_by_range(offer: Offer, open_files: Open, hand_clock: HandClock) -> None:
    """Each call takes one slice, and the next one asks for the rest."""
    files = open_files(clock=tick(hand_clock), slice_seconds=4.0)
    slices = [files.fetch_archive(offer.describe())]
    while not slices[-1].complete:
        slices.append(files.fetch_archive(offer.describe()))
    received = [fetched.received for fetched in slices]
    assert offer.ranges == ["", *(f"bytes={offset}-" for offset in received[:-1])]
    assert received == sorted(set(received))
    assert {fetched.total for fetched in slices} == {received[-1]}


def test_a_restarted_bot_goes_on_where_it_stopped(offer: Offer, open_files: Open, hand_clock: HandClock) -> None:
    """A part on disk is not fetched twice."""
    first = open_files(clock=hand_clock, slice_seconds=0.0).fetch_archive(offer.describe())
    assert open_files().fetch_archive(offer.describe()).complete
    assert offer.ranges == ["", f"bytes={first.received}-"]


def test_a_cut_download_keeps_what_arrived(offer: Offer, open_files: Open) -> None:
    """A connection that breaks costs only the rest."""
    offer.switches.truncate = 1_000_000
    with pytest.raises(TryAgain, match="could not be reached"):
        open_files().fetch_archive(offer.describe())
    offer.switches.truncate = 0
    assert open_files().fetch_archive(offer.describe()).complete
    kept = int(offer.ranges[-1].removeprefix("bytes=").rstrip("-"))
    assert 0 < kept <= 1_000_000


def test_a_server_that_ignores_range_is_read_to_the_end(offer: Offer, open_files: Open, hand_clock: HandClock) -> None:
    """What can't be resumed is fetched in one go."""
    offer.switches.ignore_range = True
    files = open_files(clock=tick(hand_clock), slice_seconds=4.0)
    assert not files.fetch_archive(offer.describe()).complete
    assert files.fetch_archive(offer.describe()).complete
    files.verify_archive(offer.describe())


def test_a_file_that_changed_is_fetched_anew(offer: Offer, open_files: Open, hand_clock: HandClock) -> None:
    """If-Range keeps the halves of two files apart."""
    first = open_files(clock=hand_clock, slice_seconds=0.0)
    first.fetch_archive(offer.describe())
    offer.switches.tool_pace = 0.5
    files = open_files()
    assert files.fetch_archive(offer.describe()).complete
    files.verify_archive(offer.describe())


def test_a_part_longer_than_the_file_is_dropped(serve: Serve, open_files: Open, offer: Offer) -> None:
    """416 is no dead end."""
    tagged = {"ETag": '"one"'}
    server = serve(
        in_order(
            Reply(body=b"signature"),
            Reply(body=b"x" * 1000, headers=tagged, cut=900),
            Reply(416, b""),
            Reply(body=b"y" * 100, headers=tagged),
        )
    )
    archive = offer.describe(base=server.url)
    for _ in range(2):
        with pytest.raises(TryAgain):
            open_files().fetch_archive(archive)
    assert open_files().fetch_archive(archive).received == 100


def test_tampered_archive_is_refused(offer: Offer, open_files: Open) -> None:
    """One flipped bit is one refused archive, and its SHA-256 is named."""
    offer.switches.tamper = True
    files = open_files()
    files.fetch_archive(offer.describe())
    with pytest.raises(GiveUp, match=r"does not match it: Verification Failure, sha256 [0-9a-f]{64}"):
        files.verify_archive(offer.describe())


def test_refused_archive_is_kept_aside_and_fetched_anew(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """The evidence stays, and a retry is a real one."""
    offer.switches.tamper = True
    files = open_files()
    files.fetch_archive(offer.describe())
    with pytest.raises(GiveUp):
        files.verify_archive(offer.describe())
    offer.switches.tamper = False
    files.verify_archive(offer.describe())
    assert (tmp_path / "releases" / "rejected" / NAME).is_file()


def test_tampering_in_the_cache_is_noticed(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """An archive is verified again whenever it is taken from the cache."""
    files = open_files()
    sha256 = files.verify_archive(offer.describe()).sha256
    kept = tmp_path / "releases" / "archives" / sha256 / NAME
    kept.write_bytes(kept.read_bytes()[:-1] + b"!")
    with pytest.raises(GiveUp, match="does not match"):
        files.unpack_archive(offer.describe(), sha256)


def test_missing_signature_is_refused(offer: Offer, open_files: Open) -> None:
    """Nothing unsigned is ever used."""
    offer.switches.drop_signature = True
    with pytest.raises(GiveUp, match="fetch the signature of"):
        open_files().fetch_archive(offer.describe())


def test_another_key_is_refused(offer: Offer, open_files: Open) -> None:
    """A signature counts for the release file's key alone."""
    other = offer.describe(public_key=SigningKey.make().public_pem())
    with pytest.raises(GiveUp, match="does not match"):
        open_files().verify_archive(other)


def test_a_key_that_is_none_is_named(offer: Offer, open_files: Open) -> None:
    """A broken release file is one clear sentence."""
    with pytest.raises(GiveUp, match="not an ECDSA key on P-256"):
        open_files().verify_archive(offer.describe(public_key="-----BEGIN NONSENSE-----"))


def test_absent_archive_says_what_to_do(offer: Offer, open_files: Open) -> None:
    """404 names the release and the ways out."""
    with pytest.raises(GiveUp, match="answered 404") as raised:
        open_files().fetch_archive(offer.describe("istio-1.4.11-asm.1-linux.tar.gz"))
    assert "ASM_UPGRADE_MIRROR" in raised.value.remedy


def test_redirect_to_another_host_is_refused(offer: Offer, open_files: Open) -> None:
    """The release file says who is asked, nobody else."""
    offer.switches.redirect = "http://downloads.example.com"
    with pytest.raises(GiveUp, match=r"to another host, downloads\.example\.com"):
        open_files().fetch_archive(offer.describe())


def test_redirect_within_the_host_is_followed(serve: Serve, offer: Offer, open_files: Open) -> None:
    """A renamed folder is no fault."""
    moved = Reply(302, b"", {"Location": "/elsewhere"})
    server = serve(in_order(moved, Reply(body=b"signature"), moved, Reply(body=b"archive")))
    assert open_files().fetch_archive(offer.describe(base=server.url)).received == 7


def test_endless_redirects_end(serve: Serve, offer: Offer, open_files: Open) -> None:
    """A circle is refused after a few rounds."""
    server = serve(in_order(Reply(302, b"", {"Location": "/round"})))
    with pytest.raises(GiveUp, match="in a circle"):
        open_files().fetch_archive(offer.describe(base=server.url))


def test_a_silent_server_is_tried_again(serve: Serve, offer: Offer, open_files: Open) -> None:
    """A half-open connection ends with the time limit."""
    server = serve(in_order(Silence()))
    with pytest.raises(TryAgain, match="gave no answer"):
        open_files(limits=(1.0, 0.2)).fetch_archive(offer.describe(base=server.url))


def test_full_disk_is_told_before_the_download(offer: Offer, open_files: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What won't fit isn't begun."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Room(100, 99, 1))
    with pytest.raises(GiveUp, match="free and the archive needs 3 MB"):
        open_files().fetch_archive(offer.describe())


def test_full_disk_during_the_download_is_told(
    offer: Offer, open_files: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was fetched stays, so that the rest follows once there is room."""

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    files = open_files()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(GiveUp, match=r"the disk of .* is full") as raised:
            files.fetch_archive(offer.describe())
    assert raised.value.remedy.startswith("Free ")
    assert files.fetch_archive(offer.describe()).complete


def test_verified_archive_is_fetched_once_for_all_upgrades(offer: Offer, open_files: Open) -> None:
    """The cache serves the next upgrade, also after a restart."""
    open_files().verify_archive(offer.describe())
    offer.switches.status = 500
    assert open_files().fetch_archive(offer.describe()).complete


def test_an_archive_other_than_the_approved_one_is_refused(offer: Offer, open_files: Open) -> None:
    """What was shown at the gate is what is unpacked."""
    with pytest.raises(GiveUp, match="not the file that was approved"):
        open_files().unpack_archive(offer.describe(), "0" * 64)


def test_unpacking_again_gives_the_same_hashes(offer: Offer, open_files: Open) -> None:
    """The hashes are those taken at unpacking, not of what is on disk now."""
    sha256 = open_files().verify_archive(offer.describe()).sha256
    tools = open_files().unpack_archive(offer.describe(), sha256)
    tools.istioctl.write_bytes(b"changed")
    assert open_files().unpack_archive(offer.describe(), sha256) == tools


def test_half_an_unpacking_is_begun_anew(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """What a killed bot left is removed, and never taken for a release."""
    sha256 = open_files().verify_archive(offer.describe()).sha256
    half = tmp_path / "releases" / "unpacked" / f".{sha256[:16]}.abcd"
    (half / f"istio-{VERSION}" / "bin").mkdir(parents=True)
    open_files().unpack_archive(offer.describe(), sha256)
    assert [path.name for path in half.parent.iterdir()] == [sha256]


def test_local_archive_is_verified_all_the_same(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """A file that a person brings needs the signature, too."""
    source = open_files().fetch_archive(offer.describe()).path
    local = Path(shutil.copy(source, tmp_path / "brought.tar.gz"))
    shutil.copy(source.with_name(f"{NAME}.1.sig"), tmp_path / "brought.tar.gz.1.sig")
    offer.switches.status = 500
    archive = offer.describe(local_path=str(local))
    sha256 = open_files().verify_archive(archive).sha256
    local.write_bytes(b"something else")
    with pytest.raises(GiveUp, match="does not match"):
        open_files().unpack_archive(archive, sha256)
    assert local.read_bytes() == b"something else"


def test_local_archive_without_signature_takes_the_publishers(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """The signature is small enough to be fetched where the archive isn't."""
    source = open_files().fetch_archive(offer.describe()).path
    local = Path(shutil.copy(source, tmp_path / "brought.tar.gz"))
    archive = offer.describe(local_path=str(local))
    tools = open_files().unpack_archive(archive, open_files().verify_archive(archive).sha256)
    assert tools.istioctl.is_file()


def test_absent_local_archive_is_named(offer: Offer, open_files: Open, tmp_path: Path) -> None:
    """A mistyped path is one clear sentence."""
    with pytest.raises(GiveUp, match="there is no file"):
        open_files().fetch_archive(offer.describe(local_path=str(tmp_path / "none.tar.gz")))


def test_archive_without_istioctl_is_refused(offer: Offer, open_files: Open) -> None:
    """A signed archive that lacks the program is named at unpacking."""
    offer.switches.tool_fault = "missing"
    with pytest.raises(GiveUp, match=r"holds no program istio-1\.4\.10-asm\.18/bin/istioctl"):
        open_files().unpack_archive(offer.describe(), open_files().verify_archive(offer.describe()).sha256)
