"""YAML and JSON that others wrote: bounded before anything is built of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

LARGEST = 1024 * 1024
DEEPEST = 50


class BadDocument(Exception):
    """The text can't be read; its words are the end of a sentence that begins with the text's name."""


def read_yaml(text: str, largest: int = LARGEST) -> Sequence[Any]:
    """The documents of a YAML text, empty ones left out. Raises BadDocument.

    Anchors are refused, because aliases grow without bound: 471 bytes of them came to 675 MB.
    """
    _check_size(text, largest)
    try:
        _check_events(text)
        return [document for document in yaml.load_all(text, _loader()) if document is not None]
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise BadDocument(f"is not YAML: {' '.join(str(error).split())[:200]}") from error


def read_json(text: str, largest: int = LARGEST) -> Any:
    """The value of a JSON text. Raises BadDocument."""
    _check_size(text, largest)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"is not JSON: {' '.join(str(error).split())[:200]}") from error


def _check_size(text: str, largest: int) -> None:
    if len(text.encode(errors="replace")) > largest:
        raise BadDocument(f"is larger than {largest // 1024} KiB")


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.AliasEvent):
            raise BadDocument("uses YAML anchors, which are refused because they can grow without bound")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadDocument(f"is nested deeper than {DEEPEST} levels")


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
