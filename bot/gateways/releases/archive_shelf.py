"""Where archives stand on disk: what is being fetched, what was verified, what was put aside."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from pathlib import Path

from bot.files import sync_file, sync_folder, write_atomically
from bot.gateways.releases.signatures import FileOrigin
from steps.contract.release import Archive


class ArchiveShelf:
    """downloads/KEY/ holds what is being fetched, archives/SHA256/ what was verified, index/KEY which file that is.

    KEY stands for an address and the public key that it is verified by. All methods may raise OSError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name_key(self, archive: Archive) -> str:
        """The archive's KEY."""
        return hashlib.sha256(f"{archive.url}\n{archive.public_key.strip()}".encode()).hexdigest()[:16]

    def find_archive(self, archive: Archive) -> Path:
        """Where the archive is, or where it will be: a person's own file, the verified one, the download."""
        if archive.local_path:
            return Path(archive.local_path).expanduser()
        try:
            verified = self.place_verified(archive, self._index(archive).read_text())
        except FileNotFoundError:
            verified = None
        if verified is not None and verified.is_file():
            return verified
        return self._downloads(archive) / archive.file_name

    def find_signature(self, archive: Archive, path: Path) -> Path:
        """Where the signature of the archive at `path` is or will be: beside it, or fetched for a person's file."""
        suffix = archive.signature_url.removeprefix(archive.url)
        beside = path.with_name(path.name + suffix)
        if archive.local_path and not beside.is_file():
            return self._downloads(archive) / (archive.file_name + suffix)
        return beside

    def find_origin(self, archive: Archive, path: Path) -> FileOrigin:
        """Where a file that was found came from: what stands under downloads was fetched, for a person's file too."""
        if path.is_relative_to(self.folder / "downloads"):
            return "fetched"
        return "brought" if archive.local_path else "kept"

    def place_verified(self, archive: Archive, sha256: str) -> Path:
        """Where a verified archive is kept."""
        return self.folder / "archives" / sha256 / archive.file_name

    def keep(self, archive: Archive, path: Path, sha256: str) -> None:
        """Put a verified archive and its signature where later upgrades find them; a person's own file is copied."""
        kept = self.place_verified(archive, sha256)
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            suffix = archive.signature_url.removeprefix(archive.url)
            signature = self.find_signature(archive, path).read_bytes()
            write_atomically(kept.with_name(kept.name + suffix), signature, 0o644)
            beside = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}")
            if archive.local_path:
                shutil.copyfile(path, beside)
            else:
                path.replace(beside)
            sync_file(beside)
            beside.replace(kept)
            sync_folder(kept.parent)
        if not archive.local_path:
            self._index(archive).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._index(archive), sha256.encode())

    def reject(self, archive: Archive, path: Path) -> None:
        """Put a bad archive aside as evidence, so that a retry fetches all anew; a person's own file stays."""
        signature = self.find_signature(archive, path)
        if archive.local_path:
            if signature.parent != path.parent:
                signature.unlink(missing_ok=True)
            return
        self._index(archive).unlink(missing_ok=True)
        signature.unlink(missing_ok=True)
        rejected = self.folder / "rejected"
        rejected.mkdir(parents=True, exist_ok=True)
        path.replace(rejected / path.name)

    def _downloads(self, archive: Archive) -> Path:
        folder = self.folder / "downloads" / self.name_key(archive)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _index(self, archive: Archive) -> Path:
        return self.folder / "index" / self.name_key(archive)
