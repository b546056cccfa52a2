"""The service account that the bot uses, and the access tokens that the sandbox's Google hands out for it."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sandbox.state_folder import read_json, write_private

EMAIL = "asm-upgrade-bot@example-project.iam.gserviceaccount.com"
PROJECT = "example-project"
KEY_BITS = 2048


class BadAssertion(ValueError):
    """A signed token request that isn't valid; the text is Google's."""


@dataclass(frozen=True)
class ServiceAccount:
    """An account and its private key."""

    private: rsa.RSAPrivateKey
    email: str = EMAIL
    project: str = PROJECT

    @classmethod
    def make(cls) -> ServiceAccount:
        """Make an account with a new key."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS))

    @classmethod
    def kept_in(cls, path: Path) -> ServiceAccount:
        """Take the key of an earlier start from its file, or make a new one."""
        known = read_json(path)
        if known is None:
            return cls.make()
        key = load_pem_private_key(str(known["private_key"]).encode(), password=None)
        return cls(key) if isinstance(key, rsa.RSAPrivateKey) else cls.make()

    def write_key(self, path: Path, token_url: str) -> None:
        """Write the JSON key file that GOOGLE_APPLICATION_CREDENTIALS names (mode 0600)."""
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        content = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "sandbox",
            "private_key": pem,
            "client_email": self.email,
            "client_id": "100000000000000000001",
            "token_uri": token_url,
            "universe_domain": "googleapis.com",
        }
        write_private(path, json.dumps(content, indent=2) + "\n")

    def check_assertion(self, assertion: str, now: float) -> str:
        """Return the account's e-mail if it signed this JWT and the JWT is in force. Raises BadAssertion."""
        try:
            signed, _, signature = assertion.rpartition(".")
            claims: dict[str, Any] = json.loads(_decoded(signed.split(".")[1]))
            key = self.private.public_key()
            key.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, IndexError, InvalidSignature) as error:
            raise BadAssertion("Invalid JWT Signature.") from error
        if claims.get("iss") != self.email:
            raise BadAssertion("Invalid grant: account not found")
        if not claims.get("iat", 0) - 600 <= now <= claims.get("exp", 0):
            raise BadAssertion(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            )
        return self.email


@dataclass
class AccessTokens:
    """Tokens in force. `issued` counts what was handed out, so that a test sees refreshes; times are Unix seconds."""

    clock: Callable[[], float] = time.time
    issued: int = 0
    _expiry: dict[str, float] = field(default_factory=dict)

    def issue(self, lifetime: float) -> str:
        """Hand out a token for so many seconds."""
        token = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
        self._expiry[token] = self.clock() + lifetime
        self.issued += 1
        return token

    def accepts(self, bearer: str) -> bool:
        """Tell whether a token is in force; the self-signed JWTs of client libraries always are."""
        if not bearer:
            return False
        expiry = self._expiry.get(bearer)
        if expiry is not None:
            return self.clock() < expiry
        return not bearer.startswith("ya29.sandbox-")

    def withdraw_all(self) -> None:
        """Make every token handed out so far worthless."""
        self._expiry.clear()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
