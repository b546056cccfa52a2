"""The sandbox's release archives: the guide's layout, with small programs as istioctl and asmctl."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sandbox.release.programs import ToolFault, program

Platform = Literal["linux", "osx", "win"]
PLATFORMS: tuple[Platform, ...] = ("linux", "osx", "win")
VERSIONS = ("1.4.10-asm.18", "1.4.7-asm.0")
SAMPLE_BYTES = 2_900_000
SAMPLES = ("bookinfo", "helloworld", "httpbin", "sleep")
# A fixed time keeps the archive's bytes, and so its SHA-256, the same from one start to the next.
BUILT_AT = 1_601_337_600
ZIPPED_AT = (2020, 9, 29, 0, 0, 0)


@dataclass(frozen=True)
class Member:
    """One file of an archive, its path relative to the release's folder."""

    path: str
    content: bytes
    executable: bool = False


def archive_name(version: str, platform: Platform) -> str:
    """Return the file name that the guide downloads."""
    return f"istio-{version}-{platform}.{'zip' if platform == 'win' else 'tar.gz'}"


def build_archive(version: str, platform: Platform, fault: ToolFault = "", pace: float = 0.0) -> bytes:
    """Return the archive's bytes; the same arguments give the same bytes.

    `fault` breaks the tools on purpose; `pace` is the time in seconds that istioctl spends on each component.
    """
    members = [*_documents(version), *_samples(version), *_tools(version, platform, fault, pace)]
    folder = f"istio-{version}"
    return _zipped(folder, members) if platform == "win" else _tarred(folder, members)


@lru_cache(maxsize=8)
def find_archive(version: str, platform: Platform, fault: ToolFault = "", pace: float = 0.0) -> bytes:
    """Return the same, built once a process: all servers of a process offer the same archives."""
    return build_archive(version, platform, fault, pace)


def _documents(version: str) -> list[Member]:
    readme = f"Anthos Service Mesh {version}, made by the sandbox: the tools change a simulated cluster only.\n"
    return [
        Member("README.md", readme.encode()),
        Member("manifest.yaml", f"profile: asm\ntag: {version}\n".encode()),
    ]


def _samples(version: str) -> list[Member]:
    seed = int.from_bytes(hashlib.sha256(version.encode()).digest()[:8], "big")
    source = random.Random(seed)
    size = SAMPLE_BYTES // len(SAMPLES)
    return [Member(f"samples/{name}/{name}.bin", source.randbytes(size)) for name in SAMPLES]


def _tools(version: str, platform: Platform, fault: ToolFault, pace: float) -> list[Member]:
    suffix = ".exe" if platform == "win" else ""
    tools = [Member(f"bin/asmctl{suffix}", program("asmctl", version, sys.executable), executable=True)]
    if fault != "missing":
        istioctl = program("istioctl", version, sys.executable, fault=fault, pace=pace)
        tools.insert(0, Member(f"bin/istioctl{suffix}", istioctl, executable=True))
    return tools


def _tarred(folder: str, members: list[Member]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in _folders(folder, members):
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, BUILT_AT
            tar.addfile(entry)
        for member in members:
            entry = tarfile.TarInfo(f"{folder}/{member.path}")
            entry.size, entry.mtime = len(member.content), BUILT_AT
            entry.mode = 0o755 if member.executable else 0o644
            tar.addfile(entry, io.BytesIO(member.content))
    return _gzipped(packed.getvalue())


def _gzipped(content: bytes) -> bytes:
    # The samples are noise, which no level makes smaller; the lowest one is the quickest.
    return gzip.compress(content, compresslevel=1, mtime=BUILT_AT)


def _zipped(folder: str, members: list[Member]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member in members:
            entry = zipfile.ZipInfo(f"{folder}/{member.path}", ZIPPED_AT)
            entry.external_attr = (0o755 if member.executable else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.content)
    return packed.getvalue()


def _folders(folder: str, members: list[Member]) -> list[str]:
    found = {folder}
    for member in members:
        parts = f"{folder}/{member.path}".split("/")[:-1]
        found.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return sorted(found)
