"""How fast a release's signature is checked, beside `openssl dgst -verify` on the same file."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.gateways.releases.signatures import verify_file
from sandbox.release.signing import SigningKey
from tests.bench.findings import Finding

TITLE = "Signature check of a 200 MB archive"
SIZE = 200_000_000
BLOCK = 1_000_000
ROUNDS = 7


def measure() -> list[Finding]:
    """Median of interleaved runs; both read the file from the page cache. Nothing where there is no openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        archive, signature, key = write_archive(Path(folder))
        expected = [openssl, "dgst", "-sha256", "-verify", str(key), "-signature", str(signature), str(archive)]
        pem, signed = key.read_text(), signature.read_bytes()
        times = [
            (time_call(lambda: verify_file(archive, signed, pem)), time_call(lambda: run_openssl(expected)))
            for _ in range(ROUNDS + 1)
        ][1:]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return [
        Finding(
            "speed beside openssl dgst -verify", theirs / ours, "times", 0.9, at_least=True, how="interleaved runs"
        ),
        Finding("time", ours, "s", 5, how=f"median of {ROUNDS}"),
    ]


def write_archive(folder: Path) -> tuple[Path, Path, Path]:
    """Write a file of noise, its signature and the public key."""
    archive, signature, key = folder / "archive", folder / "archive.1.sig", folder / "key.pem"
    noise = random.Random(1).randbytes(BLOCK)
    archive.write_bytes(noise * (SIZE // BLOCK))
    made = SigningKey.make()
    signature.write_bytes(made.sign(archive.read_bytes()))
    key.write_text(made.public_pem())
    return archive, signature, key


def run_openssl(command: list[str]) -> None:
    """Check as the guide does; raises where openssl does not say Verified OK."""
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    if printed != "Verified OK\n":
        raise ValueError(f"openssl said {printed!r}")


def time_call(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
