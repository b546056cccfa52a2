"""Snapshots: the workspace as one JSON file, written soon after a change and at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path

from sandbox.slack.workspace.workspace import Workspace

PAUSE_SECONDS = 0.5
FORMAT = 1


class SnapshotError(RuntimeError):
    """A snapshot that cannot be read; the message names the file and what to do."""


class Snapshots:
    """Keeps one file in step with the workspace."""

    def __init__(self, workspace: Workspace, path: Path) -> None:
        self._workspace = workspace
        self._path = path
        self._follower: asyncio.Task[None] | None = None
        self._written = -1

    def load(self) -> None:
        """Take the workspace from the file if it is there. Raises SnapshotError."""
        if not self._path.exists():
            return
        try:
            saved = json.loads(self._path.read_text(encoding="utf-8"))
            if saved.get("format") != FORMAT:
                raise ValueError(f"format {saved.get('format')}, this version reads {FORMAT}")
            self._workspace.restore(saved["workspace"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"{self._path} is not a snapshot of the Slack stand-in ({error}); remove it to start afresh"
            raise SnapshotError(why) from error

    def start(self) -> None:
        """Follow the feed and write what changed."""
        self._follower = asyncio.ensure_future(self._follow())

    async def close(self) -> None:
        """Stop following and write a last time."""
        if self._follower is not None:
            self._follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._follower
        self.write()

    def write(self) -> None:
        """Write the file atomically, unless nothing changed since the last time."""
        seq = self._workspace.feed.seq
        if seq == self._written:
            return
        text = json.dumps({"format": FORMAT, "workspace": self._workspace.save()}, ensure_ascii=False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._written = seq

    async def _follow(self) -> None:
        async for batch in self._workspace.feed.follow(self._workspace.feed.seq, 60.0):
            if batch:
                self.write()
                await asyncio.sleep(PAUSE_SECONDS)
