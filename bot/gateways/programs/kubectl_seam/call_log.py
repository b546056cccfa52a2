"""What the guard wrote down of each call of kubectl."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.gateways.calls.faults import judge_disk
from steps.contract.ports import ForbiddenRead, Verdict
from steps.contract.redaction import redact

MOST_SHOWN = 64_000
FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
)


@dataclass(frozen=True)
class LoggedCall:
    """One call of kubectl. An `unknown` one began and its end was never written: the guard was killed.

    `sentence` is the guard's own; the output is redacted and shortened. `folder` has all of it.
    """

    verb: str
    arguments: tuple[str, ...]
    component: str
    verdict: Verdict
    exit_code: int | None
    sentence: str
    stdout: str
    stderr: str
    attempts: int
    deprecations: int
    folder: Path

    @property
    def is_write(self) -> bool:
        """Whether it would have changed the cluster."""
        return self.verb not in ("get", "")


def read_calls(folder: Path) -> tuple[LoggedCall, ...]:
    """The calls of a run in the order in which they began. Raises TryAgain or GiveUp where the disk fails."""
    try:
        return tuple(_read_call(place) for place in sorted(folder.iterdir()) if (place / "begun.json").exists())
    except OSError as error:
        raise judge_disk(error, folder) from error


def list_forbidden(call: LoggedCall) -> tuple[ForbiddenRead, ...]:
    """What kubectl was forbidden to read, each kind once."""
    found = {
        ForbiddenRead(match["group"], match["resource"], match["verb"]) for match in FORBIDDEN.finditer(call.stderr)
    }
    return tuple(sorted(found))


def _read_call(place: Path) -> LoggedCall:
    arguments = tuple(_read_json(place / "begun.json")["arguments"])
    ended = _read_json(place / "end.json") if (place / "end.json").exists() else {}
    return LoggedCall(
        verb=arguments[0] if arguments else "",
        arguments=arguments,
        component=ended.get("component", ""),
        verdict=ended.get("verdict", "unknown"),
        exit_code=ended.get("exit_code"),
        sentence=ended.get("sentence", ""),
        stdout=_read_shortened(place / "stdout"),
        stderr=_read_shortened(place / "stderr"),
        attempts=ended.get("attempts", 0),
        deprecations=ended.get("deprecations", 0),
        folder=place,
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_bytes())
    return content


def _read_shortened(path: Path) -> str:
    """The first part of what kubectl printed: the first error is the one that counts."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return redact(file.read(MOST_SHOWN).decode("utf-8", "replace"))
