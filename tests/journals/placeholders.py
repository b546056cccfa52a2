"""What differs from machine to machine and from run to run: paths, addresses, keys, and the hashes of the archives."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.app.wiring import read_known_releases
from sandbox.cluster.http.tls import ensure_certificate
from sandbox.release.archives import VERSIONS, Platform, archive_name, find_archive
from sandbox.release.programs import Tool, program, stand_in_kubectl
from sandbox.release.server import FOLDER
from tests.scenarios.rig import World

PLATFORM: Platform = "osx" if sys.platform == "darwin" else "linux"
TOOLS: tuple[Tool, ...] = ("istioctl", "asmctl")
NAMED = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True)
class Placeholders:
    """Names in double braces for values of this world; `archives` and `signatures` are the releases' by version."""

    values: Mapping[str, str]
    archives: Mapping[str, bytes]
    signatures: Mapping[str, bytes]

    def hide(self, text: str) -> str:
        """The text with names in place of values, the longest value first."""
        for name, value in sorted(self.values.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(value, "{{" + name + "}}")
        return text

    def fill(self, text: str) -> str:
        """The text with this world's values in place of names."""
        return NAMED.sub(lambda found: self.values.get(found[1], found[0]), text)


def list_placeholders(world: World) -> Placeholders:
    """The placeholders of this world."""
    addresses, certificate = world.addresses, ensure_certificate(world.folder.certificates)
    archives = {version: find_archive(version, PLATFORM) for version in VERSIONS}
    values = {
        "root": str(world.folder.root),
        "slack": addresses.slack,
        "google": addresses.google,
        "releases": addresses.releases,
        "release host": addresses.releases.removeprefix("http://"),
        "kubernetes": addresses.kubernetes,
        "endpoint": addresses.kubernetes.removeprefix("https://"),
        "authority": certificate.ca_base64,
        "authority hash": hashlib.sha256("".join(certificate.ca_pem.split()).encode()).hexdigest(),
        "key": _fingerprint_key(world),
        "kubectl": hashlib.sha256(stand_in_kubectl().encode()).hexdigest(),
        "python": sys.executable,
        "path": os.environ["PATH"],
    }
    # an approval binds what its release's file says, the server's address among it
    values |= {f"values {version}": release.digest for version, release in read_known_releases(world.settings).items()}
    for version, content in archives.items():
        values |= {f"{name} {version}": value for name, value in _describe_archive(world, version, content)}
    signatures = {version: world.releases.key.sign(content) for version, content in archives.items()}
    return Placeholders(values, archives, signatures)


def _fingerprint_key(world: World) -> str:
    public = world.releases.key.private.public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _describe_archive(world: World, version: str, content: bytes) -> Iterator[tuple[str, str]]:
    name, sha256 = archive_name(version, PLATFORM), hashlib.sha256(content).hexdigest()
    address = f"{world.addresses.releases}{FOLDER}/{name}"
    yield "archive", name
    yield "sha256", sha256
    yield "sha256 in short", sha256[:12]
    yield "etag", hashlib.md5(content, usedforsecurity=False).hexdigest()
    yield "index", hashlib.sha256(f"{address}\n{world.releases.key.public_pem().strip()}".encode()).hexdigest()[:16]
    for tool in TOOLS:
        yield tool, _hash_program(tool, version)


@cache
def _hash_program(tool: Tool, version: str) -> str:
    return hashlib.sha256(program(tool, version, sys.executable)).hexdigest()
