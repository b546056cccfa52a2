"""What kubectl says when an apply of objects goes wrong, read by its real forms (kubectl 1.20 and 1.32 were seen).

A failed object is several lines, from `error when applying patch:` over the patch and the object's name to
`for: "STDIN": CAUSE`; the cause stands in the last one. Everything else is a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

FaultKind: TypeAlias = Literal["connection", "token", "forbidden", "webhook", "immutable", "other"]

_KIND = re.compile(r'GroupVersionKind: "[^"]*Kind=(\w+)"')
_NAME = re.compile(r'Name: "([^"]*)", Namespace: "([^"]*)"')
_CAUSE = re.compile(r'^(?:from server )?for: "[^"]*": (.*)$')
_CREATING = re.compile(r'error when (?:creating|replacing|deleting) "[^"]*": (.*)')
_OPENING = re.compile(r"error when (?:applying patch|retrieving current configuration of|patching)")
_SERVER = re.compile(r"^Error from server(?: \(\w+\))?: ")
_REPEATED = re.compile(r" \(repeated \d+ times\)$")
_CONNECTION = re.compile(
    r"connection to the server \S+ was refused|connection (?:refused|reset)|TLS handshake timeout|i/o timeout"
    r"|\bEOF\b|client connection lost|etcdserver|ServiceUnavailable|TooManyRequests|server is currently unable"
    r"|the server was unable to return a response in the time|context deadline exceeded",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"failed calling webhook|admission webhook \"[^\"]*\" denied|failed calling admission webhook")
_TOKEN = re.compile(r"must be logged in to the server|\bUnauthorized\b|provide credentials")
_FORBIDDEN = re.compile(r'User "[^"]*" cannot |is forbidden: ')
_IMMUTABLE = re.compile(
    r"field is immutable|Forbidden: updates to (?:(?!Forbidden: ).)* are forbidden|may not change once set"
)
_LARGEST_LINE = 2000


@dataclass(frozen=True)
class ObjectFault:
    """One thing that went wrong: `name` is `Deployment istio-system/istio-pilot`, "" where kubectl named no object."""

    name: str
    cause: str
    kind: FaultKind

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}" if self.name else self.cause


def read_kubectl_errors(stderr: str) -> tuple[ObjectFault, ...]:
    """Everything that went wrong in one call, each once."""
    return tuple(dict.fromkeys(_read(stderr)))


def judge_cause(text: str) -> FaultKind:
    """What kind of cause a text tells; a webhook that can't be reached is no connection fault of ours."""
    if _WEBHOOK.search(text):
        return "webhook"
    if _TOKEN.search(text):
        return "token"
    if _CONNECTION.search(text):
        return "connection"
    if _IMMUTABLE.search(text):
        return "immutable"
    return "forbidden" if _FORBIDDEN.search(text) else "other"


def choose_remedy(kind: FaultKind) -> str:
    """What a person can do about a cause."""
    match kind:
        case "connection":
            return "See that the API server can be reached; GKE takes a zonal one away at each resize."
        case "token":
            return "The bot's token was refused: check its account and its key."
        case "forbidden":
            return "Let the bot's account do what the message names."
        case "webhook":
            return "Mend or suspend the admission webhook that the message names."
        case "immutable":
            return "The field can't be changed in place: look at the object, and delete it by hand if that may be."
        case "other":
            return "Mend what the message names."
        case _:
            assert_never(kind)


def _read(stderr: str) -> Iterator[ObjectFault]:
    kind = name = ""
    opened = False
    for raw in stderr.replace("\r\n", "\n").split("\n"):
        line = _REPEATED.sub("", raw.strip())[:_LARGEST_LINE]
        if not line:
            continue
        if found := _CREATING.search(line):
            yield _fault("", found[1])
        elif _OPENING.search(line):
            kind, name, opened = "", "", True
        elif found := _KIND.search(line):
            kind = found[1]
        elif found := _NAME.search(line):
            name = f"{found[2]}/{found[1]}" if found[2] else found[1]
        elif found := _CAUSE.match(line):
            yield _fault(f"{kind} {name}".strip(), found[1])
            opened = False
        elif not opened:
            yield _fault("", _SERVER.sub("", line).removeprefix("error: "), line)


def _fault(name: str, cause: str, whole: str = "") -> ObjectFault:
    return ObjectFault(name, cause, judge_cause(whole or cause))
