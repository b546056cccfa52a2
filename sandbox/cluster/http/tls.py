"""The cluster's certificate authority, its serving certificate for loopback, and kubeconfig files."""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=30)
_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class ServingCertificate:
    """PEM files in a folder: ca.crt, tls.crt, tls.key."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority that clients trust."""
        return self.folder / "ca.crt"

    @property
    def ca_pem(self) -> str:
        """The authority as PEM text."""
        return self.ca_file.read_text(encoding="ascii")

    @property
    def ca_base64(self) -> str:
        """The authority as GKE's masterAuth.clusterCaCertificate gives it."""
        return base64.b64encode(self.ca_file.read_bytes()).decode("ascii")

    def server_context(self) -> ssl.SSLContext:
        """Return the context to serve with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "tls.crt", self.folder / "tls.key")
        return context


def ensure_certificate(folder: Path, names: Sequence[str] = ()) -> ServingCertificate:
    """Return the folder's certificate for 127.0.0.1 and further names or addresses, made where there is none yet."""
    made = ServingCertificate(folder)
    if not (made.ca_file.exists() and (folder / "tls.crt").exists() and (folder / "tls.key").exists()):
        folder.mkdir(parents=True, exist_ok=True)
        _write_pair(folder, names)
    return made


def write_kubeconfig(
    path: Path, *, server: str, ca_base64: str, token: str, user: str = "admin", cluster: str = "cluster-x"
) -> None:
    """Write a kubeconfig for one cluster and one bearer token, as JSON so that any program can read it."""
    context = f"{cluster}-{user}"
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": context,
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": ca_base64}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def _write_pair(folder: Path, names: Sequence[str]) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _serving(key, authority, authority_key, names)
    (folder / "ca.crt").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / "tls.key"
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated cluster CA")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _unsigned(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _serving(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    hosts = [_host(name) for name in dict.fromkeys(("127.0.0.1", "localhost", *names))]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _unsigned(name, authority.subject, key)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    # Real time: TLS clients check certificates by their own clock, not by the simulated one.
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
    )
