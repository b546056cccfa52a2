"""The check of a release's detached signature: ECDSA on P-256 over SHA-256, as the guide does it with openssl.

Where the two do not match, what evidently is something else is told as that: a page, nothing, or the file unpacked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from bot.gateways.calls.faults import is_page
from steps.contract.errors import GiveUp, StepError, TryAgain
from steps.contract.ports import Verified
from steps.contract.release import Archive

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


Oddity: TypeAlias = Literal["", "nothing at all", "a web page", "the archive unpacked"]
# From the release's host, from a person, or verified before and kept by the bot.
FileOrigin: TypeAlias = Literal["fetched", "brought", "kept"]

LOOKED_AT = 1024
# Where the head of a tar says so (pax, "ustar Interchange Format").
TAR, TAR_AT = b"ustar", 257
# A page in place of a file comes from somewhere on the way, and goes after a while.
FETCHED_AGAIN = 30.0


@dataclass(frozen=True)
class FoundFile:
    """A file as it is called, where it came from, and what it evidently is."""

    name: str
    origin: FileOrigin
    oddity: Oddity


class BadSignature(Exception):
    """The signature does not belong to the file; `sha256` is the file's."""

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256)
        self.sha256 = sha256


def verify_file(path: Path, signature: bytes, public_key: str) -> Verified:
    """Hash the file in chunks and check the signature over the hash. Raises BadSignature, OSError, GiveUp."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    key = read_public_key(public_key)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        size = file.tell()
    try:
        key.verify(signature, digest.digest(), ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        raise BadSignature(digest.hexdigest()) from None
    return Verified(digest.hexdigest(), size, take_fingerprint(key))


def hash_file(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_public_key(pem: str) -> EllipticCurvePublicKey:
    """The release's key. GiveUp where it is not an ECDSA key on P-256."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise GiveUp(
        "the release file's public_key is not an ECDSA key on P-256 in PEM",
        "Put in the key that the guide prints (BEGIN PUBLIC KEY ... END PUBLIC KEY), then retry.",
    )


def take_fingerprint(key: EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's own bytes, however it is written."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def find_oddity(path: Path) -> Oddity:
    """What the file evidently is that no archive and no signature is, "" where it may be one. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if not head.strip(b"\0"):
        return "nothing at all"
    if is_page(head):
        return "a web page"
    if head[TAR_AT:].startswith(TAR):
        return "the archive unpacked"
    return ""


def judge_mismatch(archive: Archive, sha256: str, files: Sequence[FoundFile]) -> StepError:
    """What is said of an archive and a signature that do not match; what evidently is something else is no attack."""
    odd = next((file for file in files if file.oddity), None)
    if odd is None:
        return GiveUp(
            f"the signature of {archive.file_name} does not match it: Verification Failure, sha256 {sha256}",
            "Nothing of it was used. Retry fetches both anew; if that fails too, compare address and public key in "
            "the release file with Google's guide, and report it.",
        )
    match odd.origin:
        case "brought":
            return GiveUp(f"{odd.name} is {odd.oddity}", "Put the files there as they are published, then retry.")
        case "kept":
            return TryAgain(f"{odd.name} on the bot's own disk is {odd.oddity} by now", FETCHED_AGAIN)
        case "fetched":
            return _judge_fetched(archive.url.partition("//")[2].partition("/")[0], odd)
        case _:
            assert_never(odd.origin)


def _judge_fetched(host: str, odd: FoundFile) -> StepError:
    if odd.oddity != "the archive unpacked":
        return TryAgain(f"{host} gave {odd.oddity} in place of {odd.name}", FETCHED_AGAIN)
    return GiveUp(
        f"{host} gave {odd.oddity} on its way in place of {odd.name}, which its signature does not cover",
        "Have the store or the proxy hand the file on as it is (on Cloud Storage: without a Content-Encoding in "
        "the object's metadata), then retry.",
    )
