from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.release.signing import SigningKey
from tests.unit.sandbox.release.conftest import Offer

LINUX = "istio-1.4.10-asm.18-linux.tar.gz"


def read(url: str, **headers: str) -> httpx.Response:
    """Get a file with a time limit."""
    return httpx.get(url, headers=headers, timeout=10)


@pytest.mark.parametrize(
    "name",
    [LINUX, "istio-1.4.10-asm.18-osx.tar.gz", "istio-1.4.10-asm.18-win.zip", "istio-1.4.7-asm.0-linux.tar.gz"],
)
def test_the_signature_of_every_archive_holds(offer: Offer, signing_key: SigningKey, name: str) -> None:
    """Archive and signature fit together under the public key."""
    archive, signature = read(f"{offer.url}/{name}"), read(f"{offer.url}/{name}.1.sig")
    signing_key.private.public_key().verify(signature.content, archive.content, ec.ECDSA(hashes.SHA256()))


def test_openssl_says_verified_ok(offer: Offer, signing_key: SigningKey, tmp_path: Path) -> None:
    """The guide's own command accepts the signature."""
    for suffix in ("", ".1.sig"):
        (tmp_path / f"archive{suffix}").write_bytes(read(f"{offer.url}/{LINUX}{suffix}").content)
    (tmp_path / "key.pem").write_text(signing_key.public_pem())
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "archive.1.sig", "archive"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=True)
    assert answer.stdout.strip() == "Verified OK"


def test_a_range_continues_a_download(offer: Offer) -> None:
    """Two slices make the whole file."""
    whole = read(f"{offer.url}/{LINUX}")
    first = read(f"{offer.url}/{LINUX}", Range="bytes=0-999999")
    rest = read(f"{offer.url}/{LINUX}", Range="bytes=1000000-", **{"If-Range": first.headers["ETag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole.content


def test_a_range_of_another_file_gets_the_whole_one(offer: Offer) -> None:
    """If-Range with a stale ETag is answered with 200 and everything."""
    answer = read(f"{offer.url}/{LINUX}", Range="bytes=1000-", **{"If-Range": '"stale"'})
    assert answer.status_code == 200


def test_a_range_past_the_end_is_refused(offer: Offer) -> None:
    """416 names the size."""
    answer = read(f"{offer.url}/{LINUX}", Range="bytes=99999999-")
    assert (answer.status_code, answer.headers["Content-Range"][:8]) == (416, "bytes */")


def test_head_tells_the_size_without_the_bytes(offer: Offer) -> None:
    """HEAD carries length and ETag."""
    answer = httpx.head(f"{offer.url}/{LINUX}", timeout=10)
    assert int(answer.headers["Content-Length"]) > 2_000_000


def test_an_unknown_file_is_missing(offer: Offer) -> None:
    """A version that isn't offered answers 404."""
    assert read(f"{offer.url}/istio-1.4.9-asm.1-linux.tar.gz").status_code == 404


def test_a_tampered_archive_fails_the_signature(offer: Offer, signing_key: SigningKey) -> None:
    """The signature stays that of the true archive."""
    offer.server.switches.tamper = True
    archive, signature = read(f"{offer.url}/{LINUX}"), read(f"{offer.url}/{LINUX}.1.sig")
    with pytest.raises(InvalidSignature):
        signing_key.private.public_key().verify(signature.content, archive.content, ec.ECDSA(hashes.SHA256()))


def test_a_truncated_download_breaks_off(offer: Offer) -> None:
    """The connection ends before the promised length."""
    offer.server.switches.truncate = 500_000
    with pytest.raises(httpx.RemoteProtocolError):
        read(f"{offer.url}/{LINUX}")


def test_a_server_that_ignores_ranges_sends_everything(offer: Offer) -> None:
    """200 in spite of a Range header."""
    offer.server.switches.ignore_range = True
    answer = read(f"{offer.url}/{LINUX}", Range="bytes=5-9")
    assert (answer.status_code, len(answer.content) > 2_000_000) == (200, True)


def test_a_dropped_signature_is_missing(offer: Offer) -> None:
    """The archive is there, its signature isn't."""
    offer.server.switches.drop_signature = True
    assert [read(f"{offer.url}/{LINUX}{suffix}").status_code for suffix in ("", ".1.sig")] == [200, 404]


def test_a_redirect_leads_to_the_other_host(offer: Offer) -> None:
    """The same path on the site named by the switch."""
    offer.server.switches.redirect = "http://mirror.example"
    assert read(f"{offer.url}/{LINUX}").headers["Location"] == f"http://mirror.example/gke-release/asm/{LINUX}"


def test_switches_are_set_over_http(offer: Offer) -> None:
    """The control path changes the running server."""
    control = offer.url.replace("/gke-release/asm", "/control/releases")
    answer = httpx.post(control, json={"tamper": True}, timeout=10)
    assert (answer.status_code, offer.server.switches.tamper) == (200, True)


def test_an_unknown_switch_is_named(offer: Offer) -> None:
    """The answer lists the switches that exist."""
    control = offer.url.replace("/gke-release/asm", "/control/releases")
    answer = httpx.post(control, json={"tampre": True}, timeout=10)
    assert answer.status_code == 400
    assert "no switch 'tampre'" in answer.json()["error"]


def test_control_refuses_a_foreign_host_name(offer: Offer) -> None:
    """A page that resolves its own name to loopback gets nothing."""
    control = offer.url.replace("/gke-release/asm", "/control/releases")
    assert read(control, Host="evil.example").status_code == 403
