"""YAML, JSON and TOML that others wrote: bounded before anything is built of it; and YAML as it is written. Pure."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

LARGEST = 1024 * 1024
DEEPEST = 50
DEEPEST_JSON = 100
# YAML allows numbers that are longer than Python will print, and base-60 ones take quadratic time to read.
LONGEST_NUMBER = 1000
LONGEST_COUNT = 18
NUMBER = re.compile(r"[-+.0-9][0-9a-fA-FxXob_:.]*")


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
    except (KeyError, AttributeError, TypeError) as error:  # PyYAML's own, of a value that is not what its tag says
        raise BadDocument("is not YAML: a value is not what its tag says") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise BadDocument(f"is not YAML: {' '.join(str(error).split())[:200]}") from error


def write_yaml(documents: Iterable[object], *, allow_unicode: bool = False) -> str:
    """The documents as one YAML text, keys in the order that they have."""
    documents = list(documents)
    try:
        return _dump(documents, _dumper(), allow_unicode)
    except UnicodeEncodeError:  # half of a surrogate pair, which libyaml knows no way to write
        return _dump(documents, yaml.SafeDumper, allow_unicode)


def read_json(text: str, largest: int = LARGEST) -> Any:
    """The value of a JSON text. Raises BadDocument."""
    _check_size(text, largest)
    try:
        value = json.loads(text, parse_float=_read_float)
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"is not JSON: {' '.join(str(error).split())[:200]}") from error
    if _is_deep(value):
        raise BadDocument(f"is nested deeper than {DEEPEST_JSON} levels")
    return value


def read_table(text: str, largest: int = LARGEST) -> Mapping[str, Any]:
    """The object that a JSON text holds. Raises BadDocument where it is something else."""
    value = read_json(text, largest)
    if not isinstance(value, Mapping):
        raise BadDocument("is no JSON object")
    return value


def read_toml(text: str, largest: int = LARGEST) -> dict[str, Any]:
    """The tables of a TOML text. Raises BadDocument."""
    _check_size(text, largest)
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise BadDocument("is nested too deep") from error
    except ValueError as error:  # a number of thousands of digits is none of tomllib's own
        raise BadDocument(f"is not TOML: {' '.join(str(error).split())[:200]}") from error


def read_count(text: str, otherwise: int = 0) -> int:
    """A whole number of at most 18 digits; `otherwise` where the text isn't one."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_COUNT else otherwise


def _check_size(text: str, largest: int) -> None:
    if len(text.encode(errors="replace")) > largest:
        raise BadDocument(f"is larger than {largest // 1024} KiB")


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.AliasEvent):
            raise BadDocument("uses YAML anchors, which are refused because they can grow without bound")
        if isinstance(event, yaml.ScalarEvent) and _is_long_number(event.value):
            raise BadDocument(f"holds a number of more than {LONGEST_NUMBER} digits")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadDocument(f"is nested deeper than {DEEPEST} levels")


def _is_long_number(text: str) -> bool:
    return len(text) > LONGEST_NUMBER and NUMBER.fullmatch(text) is not None


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [inner for outer in level for inner in _open(outer)]
        if not level:
            return False
    return True


def _open(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _dump(documents: list[object], dumper: type[yaml.SafeDumper], allow_unicode: bool) -> str:
    text: str = yaml.dump_all(documents, Dumper=dumper, sort_keys=False, allow_unicode=allow_unicode)
    return text


def _loader() -> type[yaml.SafeLoader]:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _dumper() -> type[yaml.SafeDumper]:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)
