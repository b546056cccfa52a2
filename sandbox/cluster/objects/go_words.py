"""How a server written in Go writes values into its sentences: by `%v` and by `%#v`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REQUIREMENTS = "[]v1.LabelSelectorRequirement"


def write_value(value: Any) -> str:
    """Return a JSON value as `%v` writes it: `map[image:x ports:[80]]`."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case Mapping():
            return f"map[{' '.join(f'{key}:{write_value(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(write_value, value))}]"
        case _:
            return str(value)


def write_texts(texts: Mapping[str, str] | None) -> str:
    """Return a map of texts as `%#v` writes it."""
    if not texts:
        return "map[string]string(nil)"
    return f"map[string]string{{{', '.join(f'{quote(key)}:{quote(texts[key])}' for key in sorted(texts))}}}"


def write_selector(selector: Mapping[str, Any] | None) -> str:
    """Return a LabelSelector as `%#v` writes it."""
    given = selector or {}
    rows = [_write_requirement(row) for row in given.get("matchExpressions") or ()]
    listed = f"{_REQUIREMENTS}{{{', '.join(rows)}}}" if rows else f"{_REQUIREMENTS}(nil)"
    return f"v1.LabelSelector{{MatchLabels:{write_texts(given.get('matchLabels'))}, MatchExpressions:{listed}}}"


def quote(text: str) -> str:
    """Return a text in Go's quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_requirement(row: Mapping[str, Any]) -> str:
    values = row.get("values")
    listed = f"[]string{{{', '.join(map(quote, values))}}}" if values else "[]string(nil)"
    key, operator = quote(str(row.get("key", ""))), quote(str(row.get("operator", "")))
    return f"v1.LabelSelectorRequirement{{Key:{key}, Operator:{operator}, Values:{listed}}}"
