"""The check of a release's detached signature: ECDSA on P-256 over SHA-256, as the guide does it with openssl."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from steps.contract.errors import GiveUp
from steps.contract.ports import Verified

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


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
