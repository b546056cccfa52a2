"""The key that signs the sandbox's release: ECDSA on P-256 over SHA-256, as the real release is signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sandbox.state_folder import write_private


@dataclass(frozen=True)
class SigningKey:
    """A private key; only its public half ever leaves the sandbox, inside the release file."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls) -> SigningKey:
        """Make a new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def kept_in(cls, path: Path) -> SigningKey:
        """Read the key from a PEM file, or make one and write it there (mode 0600)."""
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), password=None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return cls(key)
        made = cls.make()
        pem = made.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem.decode())
        return made

    def public_pem(self) -> str:
        """Return the public key as the guide prints it: PEM, SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, content: bytes) -> bytes:
        """Return the DER signature that `openssl dgst -sha256 -verify` accepts."""
        return self.private.sign(content, ec.ECDSA(hashes.SHA256()))
