"""Archives of releases: whoever changes one, or the server that has it, gets nothing unpacked elsewhere or run."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.gateways.calls.faults import OutsideCall
from bot.gateways.releases.signatures import BadSignature, verify_file
from bot.gateways.releases.unpacking import ArchiveLimits, Unpacking
from bot.gateways.releases.web_files import open_client, open_file
from sandbox.release.signing import SigningKey
from steps.contract.errors import StepError
from tests.attacks.table import Attack, Kind
from tests.unit.bot.gateways.loopback import Loopback, Reply
from tests.unit.bot.gateways.releases.test_unpacking import FOLDER, entry, tar_of, zip_of

Entry = tuple[tarfile.TarInfo, bytes]
SMALL = ArchiveLimits(total=1_000_000, entries=50)


@dataclass
class Shelf:
    """Where archives are unpacked, with a file beside it that nobody may touch."""

    folder: Path
    key: SigningKey

    def unpack(self, make: Callable[[Path], Path]) -> str:
        """What became of an archive: it is refused, and nothing stands outside of its folder."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            place = Path(name)
            target = place / "inner" / "target"
            target.mkdir(parents=True)
            archive = make(place)
            before = {path for path in place.rglob("*") if target not in path.parents}
            try:
                Unpacking(target, FOLDER, SMALL).unpack(archive)
            except StepError:
                after = {path for path in place.rglob("*") if target not in path.parents}
                return f"it wrote {after - before}" if after - before else ""
        return "it was unpacked"

    def verify(self, change: Callable[[bytes, bytes], tuple[bytes, bytes]], key: SigningKey | None = None) -> str:
        """What became of an archive whose bytes or signature were changed."""
        archive, signature = change(b"an archive", (key or self.key).sign(b"an archive"))
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            path = Path(name) / "archive"
            path.write_bytes(archive)
            try:
                verify_file(path, signature, self.key.public_pem())
            except (StepError, BadSignature):
                return ""
        return "it was believed"

    def fetch(self, reply: Reply) -> str:
        """What became of a server's answer that leads elsewhere."""
        with Loopback(lambda _request: Reply(200, b"x")) as elsewhere:
            headers = {name: text.replace("ELSEWHERE", elsewhere.url) for name, text in reply.headers.items()}
            with (
                Loopback(lambda _request: Reply(reply.status, reply.body, headers)) as server,
                open_client((2.0, 2.0)) as client,
            ):
                try:
                    with open_file(
                        client, OutsideCall("the release server", "fetch"), f"{server.url}/archive"
                    ) as answer:
                        answer.read()
                except StepError:
                    return "another host was asked" if elsewhere.requests else ""
        return "it was followed"


@contextmanager
def open_shelf(folder: Path) -> Iterator[Shelf]:
    """An empty shelf, and the key of its releases."""
    yield Shelf(folder, SigningKey.make())


def pack(kind: Kind, name: str, *entries: Entry) -> Attack:
    """An attack by what a tar holds."""
    return Attack("archive", kind, name, lambda shelf: shelf.unpack(lambda folder: tar_of(folder, *entries)))


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    return entry(f"{FOLDER}/{name}", tarfile.SYMTYPE, target), b""


def zipped(kind: Kind, name: str, file: str, mode: int = 0o644) -> Attack:
    """An attack by what a zip holds."""
    return Attack(
        "archive", kind, f"zip: {name}", lambda shelf: shelf.unpack(lambda folder: zip_of(folder, file, mode=mode))
    )


def huge() -> Entry:
    """A file that says that it has ten gigabytes."""
    made = entry(f"{FOLDER}/huge", tarfile.REGTYPE)
    return made, b"\0" * 2_000_000


def forge(kind: Kind, name: str, change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> Attack:
    """An attack by other bytes or another signature."""
    return Attack("archive", kind, name, lambda shelf: shelf.verify(change))


def follow(name: str, reply: Reply) -> Attack:
    """An attack by where a server leads."""
    return Attack("archive", "lead astray", name, lambda shelf: shelf.fetch(reply))


ATTACKS: list[Attack] = [
    pack("lead astray", "up and out", (entry(f"{FOLDER}/../../escaped"), b"x")),
    pack("lead astray", "up at once", (entry("../escaped"), b"x")),
    pack("lead astray", "from the root", (entry("/etc/escaped"), b"x")),
    pack("lead astray", "a drive", (entry("C:/escaped"), b"x")),
    pack("lead astray", "backslashes", (entry(f"{FOLDER}\\..\\escaped"), b"x")),
    pack("lead astray", "another folder", (entry("elsewhere/file"), b"x")),
    pack("lead astray", "a link out", link("link", "../../../escaped")),
    pack("lead astray", "a link to the root", link("link", "/etc/passwd")),
    pack("lead astray", "through a link", link("link", "elsewhere"), (entry(f"{FOLDER}/link/file"), b"x")),
    pack("lead astray", "a hard link out", (entry(f"{FOLDER}/link", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    zipped("lead astray", "up and out", f"{FOLDER}/../../escaped"),
    zipped("lead astray", "from the root", "/etc/escaped"),
    zipped("lead astray", "a link", f"{FOLDER}/link", 0o120777),
    pack("break", "a device", (entry(f"{FOLDER}/null", tarfile.CHRTYPE), b"")),
    pack("break", "a disk", (entry(f"{FOLDER}/disk", tarfile.BLKTYPE), b"")),
    pack("break", "a pipe", (entry(f"{FOLDER}/pipe", tarfile.FIFOTYPE), b"")),
    pack("break", "the same name twice", (entry(f"{FOLDER}/a"), b"x"), (entry(f"{FOLDER}/a"), b"y")),
    pack("overload", "more than it may hold", huge()),
    pack("overload", "more files than it may hold", *((entry(f"{FOLDER}/{n}"), b"") for n in range(60))),
    Attack("archive", "break", "no archive", lambda shelf: shelf.unpack(lambda folder: write(folder, b"x" * 1000))),
    Attack("archive", "break", "half an archive", lambda shelf: shelf.unpack(cut)),
    forge("forge", "one more byte", lambda archive, signature: (archive + b"x", signature)),
    forge("forge", "another archive", lambda archive, signature: (b"another", signature)),
    forge("forge", "no signature", lambda archive, signature: (archive, b"")),
    forge("forge", "a signature of zeros", lambda archive, signature: (archive, bytes(len(signature)))),
    forge("forge", "half a signature", lambda archive, signature: (archive, signature[: len(signature) // 2])),
    forge("forge", "another key", lambda archive, signature: (archive, SigningKey.make().sign(archive))),
    follow("another host", Reply(302, b"", {"Location": "ELSEWHERE/archive"})),
    follow("a file", Reply(302, b"", {"Location": "file:///etc/passwd"})),
    follow("a circle", Reply(302, b"", {"Location": "/archive"})),
]


def write(folder: Path, content: bytes) -> Path:
    """A file that is no archive."""
    path = folder / "archive.tar.gz"
    path.write_bytes(content)
    return path


def cut(folder: Path) -> Path:
    """An archive that ends in the middle."""
    path = tar_of(folder, (entry(f"{FOLDER}/a"), b"x" * 100_000))
    path.write_bytes(path.read_bytes()[:80])
    return path
