"""What the guard wrote down of each call of kubectl."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.gateways.calls.faults import judge_disk
from bot.gateways.programs.kubectl_seam.latest import keep_latest
from steps.contract.ports import CallVerdict, ForbiddenRead
from steps.contract.redaction import redact

MOST_SHOWN = 64_000
# Bytes of output whose text stays in memory, for each look reads it again.
MOST_KEPT = 2_000_000
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
        return tuple(_read_calls(folder))
    except OSError as error:
        raise judge_disk(error, folder) from error


def list_forbidden(call: LoggedCall) -> tuple[ForbiddenRead, ...]:
    """What kubectl was forbidden to read, each kind once."""
    found = {
        ForbiddenRead(match["group"], match["resource"], match["verb"]) for match in FORBIDDEN.finditer(call.stderr)
    }
    return tuple(sorted(found))


def _read_calls(folder: Path) -> Iterator[LoggedCall]:
    for place in sorted(folder.iterdir()):
        begun = _read_start(place / "begun.json")
        if begun is not None:
            yield _read_call(place, msgspec.json.decode(begun, type=Begun).arguments)


def _read_call(place: Path, arguments: tuple[str, ...]) -> LoggedCall:
    end = _read_start(place / "end.json")
    ended = End() if end is None else msgspec.json.decode(end, type=End)
    return LoggedCall(
        verb=arguments[0] if arguments else "",
        arguments=arguments,
        component=ended.component,
        verdict=ended.verdict,
        exit_code=ended.exit_code,
        sentence=ended.sentence,
        stdout=_redact_output(_read_start(place / "stdout", MOST_SHOWN) or b""),
        stderr=_redact_output(_read_start(place / "stderr", MOST_SHOWN) or b""),
        attempts=ended.attempts,
        deprecations=ended.deprecations,
        folder=place,
    )


def _read_start(path: Path, most: int = -1) -> bytes | None:
    """A file's first bytes, or all of it; None where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (FileNotFoundError, NotADirectoryError):
        return None


@keep_latest(MOST_KEPT)
def _redact_output(printed: bytes) -> str:
    """The first part of what kubectl printed: the first error is the one that counts. Each look reads it again."""
    return redact(printed.decode("utf-8", "replace"))
