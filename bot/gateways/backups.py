"""The port `Backups` over a folder: one folder per upgrade, one file per backup."""

from __future__ import annotations

import os
from pathlib import Path

from bot.files import write_once
from bot.gateways.calls.faults import judge_disk
from steps.contract.errors import GiveUp


class BackupsGateway:
    """Backups under `folder`/UPGRADE/NAME, readable by the bot's user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def write_backup(self, upgrade_id: str, name: str, text: str) -> Path:
        path = self.find_folder(upgrade_id) / _flatten(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_once(path, text.encode())
        except OSError as error:
            raise judge_disk(error, path, len(text)) from error
        return path

    def find_folder(self, upgrade_id: str) -> Path:
        return self._folder / _flatten(upgrade_id)

    def read_backup(self, upgrade_id: str, name: str) -> str | None:
        path = self.find_folder(upgrade_id) / _flatten(name)
        try:
            return path.read_text(encoding="utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise GiveUp(f"{path} can't be read: {error}", "See to the state folder, then retry.") from error

    def read_all(self, upgrade_id: str) -> dict[str, str]:
        """All that was kept of an upgrade by the names of the files."""
        folder = self.find_folder(upgrade_id)
        names = sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []
        texts = {name: self.read_backup(upgrade_id, name) for name in names}
        return {name: text for name, text in texts.items() if text is not None}


def _flatten(name: str) -> str:
    """A file name of an id; separators would lead elsewhere."""
    return name.replace(os.sep, "_").replace("..", "_")
