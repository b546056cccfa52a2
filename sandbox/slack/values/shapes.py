"""Shapes shared by the stand-in's modules: JSON objects, calls of the Web API, refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Json = dict[str, Any]
TRUE_WORDS = frozenset({"1", "true", "True"})


class Refusal(Exception):
    """A Web API error: its code as Slack spells it, with details for the answer's other fields."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


def refuse_arguments(*messages: str, code: str = "invalid_arguments") -> Refusal:
    """Build the refusal that says in response_metadata what is wrong, one sentence each."""
    metadata = {"messages": [f"[ERROR] {message}" for message in messages]}
    if code.startswith("invalid_blocks"):
        return Refusal(code, errors=list(messages), response_metadata=metadata)
    return Refusal(code, response_metadata=metadata)


@dataclass(frozen=True)
class Call:
    """One call of a Web API method; `origin` is the address at which the caller reached the stand-in."""

    method: str
    args: Json
    origin: str

    def text(self, name: str) -> str | None:
        """Return an argument as text, or None where it is absent or empty."""
        value = self.args.get(name)
        return None if value is None or value == "" else str(value)

    def required(self, name: str) -> str:
        """Return an argument as text. Raises Refusal(invalid_arguments) where it is missing."""
        value = self.text(name)
        if value is None:
            raise refuse_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """Return an argument as a boolean; forms spell it 1 or true."""
        value = self.args.get(name)
        return value is True or str(value) in TRUE_WORDS

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1 to `most`. Raises Refusal(invalid_limit)."""
        value = self.text(name)
        if value is None:
            return default
        if not value.isdigit() or int(value) < 1:
            raise Refusal("invalid_limit")
        return min(int(value), most)

    def parsed(self, name: str) -> Any:
        """Return an argument that may be JSON text inside a form. Raises Refusal(invalid_json)."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            code = "invalid_blocks_format" if name == "blocks" else "invalid_json"
            raise refuse_arguments(f"{name} is not valid JSON: {error}", code=code) from error


def copy_json(value: T) -> T:
    """Copy a JSON tree."""
    copied: T = msgspec.to_builtins(value)
    return copied


def parse_json_object(text: str) -> Json:
    """Read a JSON object. Raises ValueError where it is anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")
    return value


class ActFault(ValueError):
    """An act that cannot be done; the message says why and what would do."""
