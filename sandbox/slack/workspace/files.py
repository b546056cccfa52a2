"""Files: uploads in two calls by the app, and what people attach to a modal."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.values.shapes import Json, Refusal
from sandbox.slack.values.stamps import Ids, make_secret
from sandbox.slack.workspace.cast import Cast

MOST_BYTES = 20 * 1024 * 1024
PREVIEW_CHARACTERS = 1_200


@dataclass
class StoredFile:
    """A file with its bytes; `shared` once it is complete."""

    id: str
    name: str
    user: str
    created: int
    length: int
    title: str = ""
    key: str = field(default_factory=make_secret)
    content: bytes | None = None
    shared: bool = False


class Files:
    """All files by id."""

    def __init__(self, cast: Cast, clock: Callable[[], float], ids: Ids) -> None:
        self._cast = cast
        self._clock = clock
        self._ids = ids
        self.stored: dict[str, StoredFile] = {}

    def begin(self, name: str, length: int, user: str) -> StoredFile:
        """Announce an upload. Raises Refusal(file_upload_size_restricted)."""
        if length > MOST_BYTES:
            raise Refusal("file_upload_size_restricted")
        stored = StoredFile(self._ids.next("F"), name, user, int(self._clock()), length)
        self.stored[stored.id] = stored
        return stored

    def receive(self, key: str, content: bytes) -> StoredFile:
        """Take an upload's bytes. Raises Refusal(file_not_found)."""
        stored = next((one for one in self.stored.values() if one.key == key), None)
        if stored is None:
            raise Refusal("file_not_found")
        stored.content = content
        return stored

    def complete(self, file_id: str, title: str) -> StoredFile:
        """Make an upload a file that can be shared. Raises Refusal(file_not_found)."""
        stored = self.stored.get(file_id)
        if stored is None or stored.content is None:
            raise Refusal("file_not_found")
        stored.title = title or stored.name
        stored.shared = True
        return stored

    def attach(self, user: str, name: str, content: bytes) -> StoredFile:
        """Store what a person attached. Raises Refusal(file_upload_size_restricted)."""
        stored = self.begin(name, len(content), user)
        stored.content = content
        return self.complete(stored.id, name)

    def find(self, file_id: str) -> StoredFile:
        """Return a file. Raises Refusal(file_not_found)."""
        if file_id not in self.stored:
            raise Refusal("file_not_found")
        return self.stored[file_id]

    def shown(self, stored: StoredFile, origin: str) -> Json:
        """Return a file object as Slack writes one."""
        suffix = stored.name.rsplit(".", 1)[-1].lower() if "." in stored.name else "text"
        content = stored.content or b""
        shown: Json = {
            "id": stored.id,
            "created": stored.created,
            "timestamp": stored.created,
            "name": stored.name,
            "title": stored.title or stored.name,
            "mimetype": mimetypes.guess_type(stored.name)[0] or "text/plain",
            "filetype": suffix,
            "pretty_type": suffix.upper(),
            "user": stored.user,
            "user_team": self._cast.team,
            "mode": "snippet" if _readable(content) else "hosted",
            "size": len(content),
            "is_external": False,
            "is_public": False,
            "file_access": "visible",
            "url_private": f"{origin}/files-pri/{self._cast.team}-{stored.id}/{stored.name}",
            "url_private_download": f"{origin}/files-pri/{self._cast.team}-{stored.id}/download/{stored.name}",
            "permalink": f"{origin}/files/{stored.user}/{stored.id}/{stored.name}",
        }
        if _readable(content):
            text = content.decode(errors="replace")
            shown["preview"] = text[:PREVIEW_CHARACTERS]
            shown["lines"] = text.count("\n") + 1
        return shown

    def save(self) -> list[Json]:
        """Return the files for a snapshot, bytes in base64."""
        return [
            {**vars(stored), "content": base64.b64encode(stored.content or b"").decode()}
            for stored in self.stored.values()
            if stored.shared
        ]

    def restore(self, saved: list[Any]) -> None:
        """Take back what `save` returned."""
        for fields in saved:
            stored = StoredFile(**{**fields, "content": base64.b64decode(fields["content"])})
            self.stored[stored.id] = stored


def _readable(content: bytes) -> bool:
    return b"\0" not in content[:4096]
