"""The key of decisions: given by the environment, or made once in a file outside of the state folder."""

from __future__ import annotations

import secrets
from pathlib import Path

import structlog

from bot.files import read_bounded, write_once
from bot.journal.proofs import Key
from bot.settings.environment import ConfigError, KeyPlace

BYTES = 32


def open_key(place: KeyPlace) -> Key:
    """The key that is given, else the one in the file, which is made where there is none.

    If none can be kept, one lasts until the bot ends; what was decided and not done by then is asked again.
    """
    if place.text:
        return Key(place.text.encode())
    try:
        return Key(_read_or_make(place.file))
    except OSError as error:
        structlog.get_logger(__name__).warning(
            "key can't be kept",
            file=str(place.file),
            why=error.strerror or str(error),
            remedy="give ASM_UPGRADE_KEY: without it, each open upgrade asks once after a start whether to go on",
        )
        return Key(secrets.token_bytes(BYTES))


def _read_or_make(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_once(file, f"{secrets.token_hex(BYTES)}\n".encode())
    try:
        text = read_bounded(file).strip()
    except ValueError as error:
        raise ConfigError([f"the key in {file} can't be read: {error}"]) from error
    if len(text) < BYTES:
        raise ConfigError([f"the key in {file} is shorter than {BYTES} letters; remove the file to have one made"])
    return text.encode()
