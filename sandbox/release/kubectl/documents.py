"""Objects as they come on standard input, JSON or YAML, and as they are printed."""

from __future__ import annotations

import json
import sys

from sandbox.release.kubectl.faults import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]

EMPTY_LIST = 'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""\n  selfLink: ""\n'


def read_objects(filename: str) -> list[Json]:
    """Return the objects of standard input, lists opened. Raises Failed."""
    if filename != "-":
        raise Failed("error: this stand-in reads objects from standard input alone (-f -)")
    try:
        found = [made for document in _documents(sys.stdin.read()) for made in _opened(document)]
    except ValueError as error:
        raise Failed(f"error: error parsing STDIN: {error}") from error
    if not found:
        raise Failed("error: no objects passed to apply")
    return found


def print_list(items: list[Json], output: str) -> str:
    """Return a list of objects as YAML or JSON."""
    if output == "json":
        made = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": "", "selfLink": ""}}
        return json.dumps(made, indent=4, sort_keys=True) + "\n"
    return EMPTY_LIST.replace(" []\n", f"\n{_yaml(items)}") if items else EMPTY_LIST


def print_object(made: Json, output: str) -> str:
    """Return one object as YAML or JSON."""
    return json.dumps(made, indent=4, sort_keys=True) + "\n" if output == "json" else _yaml(made)


def _documents(text: str) -> Iterator[Any]:
    if not text.lstrip().startswith("{"):
        yield from _read_yaml(text)
        return
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        made, at = decoder.raw_decode(text, at)
        yield made


def _opened(document: Any) -> Iterator[Json]:
    if isinstance(document, dict) and document.get("kind") == "List":
        yield from document.get("items") or []
    elif isinstance(document, dict):
        yield document


def _read_yaml(text: str) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.safe_load_all(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _yaml(made: object) -> str:
    import yaml

    return str(yaml.safe_dump(made, sort_keys=True, allow_unicode=True))
