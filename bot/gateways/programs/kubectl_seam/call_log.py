"""What the guard wrote down of each call of kubectl."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.gateways.calls.faults import judge_disk
from steps.contract.ports import CallVerdict, ForbiddenRead
from steps.contract.redaction import redact

MOST_SHOWN = 64_000
FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
)


class Begun(msgspec.Struct, frozen=True):
    """What the guard writes when a call begins."""

    arguments: tuple[str, ...]


class End(msgspec.Struct, frozen=True):
    """What it writes when the call has ended."""

    component: str = ""
    verdict: CallVerdict = "unknown"
    exit_code: int | None = None
    sentence: str = ""
    attempts: int = 0
    deprecations: int = 0


@dataclass(frozen=True)
class LoggedCall:
    """One call of kubectl. An `unknown` one began and its end was never written: the guard was killed.

    `sentence` is the guard's own; the output is redacted and shortened. `folder` has all of it.
    """

    verb: str
    arguments: tuple[str, ...]
    component: str
    verdict: CallVerdict
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
    arguments = msgspec.json.decode((place / "begun.json").read_bytes(), type=Begun).arguments
    end = place / "end.json"
    ended = msgspec.json.decode(end.read_bytes(), type=End) if end.exists() else End()
    return LoggedCall(
        verb=arguments[0] if arguments else "",
        arguments=arguments,
        component=ended.component,
        verdict=ended.verdict,
        exit_code=ended.exit_code,
        sentence=ended.sentence,
        stdout=_read_shortened(place / "stdout"),
        stderr=_read_shortened(place / "stderr"),
        attempts=ended.attempts,
        deprecations=ended.deprecations,
        folder=place,
    )


def _read_shortened(path: Path) -> str:
    """The first part of what kubectl printed: the first error is the one that counts."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return redact(file.read(MOST_SHOWN).decode("utf-8", "replace"))
