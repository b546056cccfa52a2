"""What istioctl hands to kubectl: the objects of an apply, call by call, as they were written down before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

MADE_ANEW = "(made anew at each rendering)"
TEXT_MADE_ANEW = r"[A-Za-z0-9+/=_-]{8,}"


@dataclass(frozen=True, order=True)
class ObjectKey:
    """What makes an object the same one; `namespace` is empty where the kind has none."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Leaf:
    """A text that each rendering makes anew: a whole value, or that of one `line` of it."""

    key: ObjectKey
    path: tuple[str | int, ...]
    line: str = ""


@dataclass(frozen=True)
class RecordedObject:
    """One object as istioctl hands it to kubectl. `text` is its JSON with the keys in order."""

    key: ObjectKey
    text: str

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The object; not to be changed."""
        content: Mapping[str, Any] = json.loads(self.text)
        return content


@dataclass(frozen=True)
class Call:
    """One `kubectl apply`: its arguments but for the kubeconfig, and the SHA-256 of what came on standard input."""

    component: str
    arguments: tuple[str, ...]
    objects: tuple[RecordedObject, ...]
    sha256: str


@dataclass(frozen=True)
class Record:
    """All writes of one `istioctl manifest apply`. `renewed` names what another recording would have otherwise."""

    calls: tuple[Call, ...]
    renewed: tuple[Leaf, ...] = ()

    @property
    def components(self) -> tuple[str, ...]:
        """The components that would be applied, each once."""
        return tuple(dict.fromkeys(call.component for call in self.calls))

    def list_objects(self, component: str = "") -> Iterator[RecordedObject]:
        """The objects of one component, or of all."""
        return (made for call in self.calls if component in ("", call.component) for made in call.objects)

    def with_renewed(self, renewed: tuple[Leaf, ...]) -> Record:
        """The same writes, with the leaves that are known to be made anew."""
        return replace(self, renewed=renewed)

    @cached_property
    def digest(self) -> str:
        """What an approval binds: the same for two recordings that differ in nothing but the renewed leaves."""
        lines = sorted(
            f"{call.component} {' '.join(call.arguments)} {made.key} {blank_leaves(made, self.renewed)}"
            for call in self.calls
            for made in call.objects
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def blank_leaves(made: RecordedObject, renewed: tuple[Leaf, ...]) -> str:
    """The object's JSON with a mark in the place of each leaf of the usual form."""
    leaves = [leaf for leaf in renewed if leaf.key == made.key]
    content = json.loads(made.text) if leaves else {}
    for leaf in leaves:
        _blank_leaf(content, leaf)
    return write_canonically(content) if leaves else made.text


def write_canonically(content: object) -> str:
    """JSON that is the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _blank_leaf(content: Any, leaf: Leaf) -> None:
    *branches, last = leaf.path
    for part in branches:
        content = content[part]
    before = rf"(?m)^([^\S\n]*{re.escape(leaf.line)}:\s*)" if leaf.line else r"\A()"
    value = rf"{before}[\"']?{TEXT_MADE_ANEW}[\"']?$"
    content[last] = re.sub(value, lambda found: found.group(1) + MADE_ANEW, content[last])


@dataclass(frozen=True, order=True)
class ForbiddenRead:
    """A kind that may not be read: one rule of RBAC would let it."""

    group: str
    resource: str
    verb: str


CallVerdict: TypeAlias = Literal["recorded", "passed", "answered", "failed", "refused", "late", "unknown"]


@dataclass(frozen=True)
class KubectlCall:
    """One call of kubectl as it was written down; an `unknown` one began and its end was never written.

    `sentence` is our own kubectl's; the output is redacted and shortened. `attempts` counts tries of the connection.
    """

    verb: str
    component: str
    verdict: CallVerdict
    exit_code: int | None
    sentence: str = ""
    stdout: str = ""
    stderr: str = ""
    attempts: int = 1
    forbidden: tuple[ForbiddenRead, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether it would have changed the cluster."""
        return self.verb not in ("get", "")

    @property
    def was_cut_short(self) -> bool:
        """Whether it, or the kubectl behind it, was killed; a shell's code is 128 and the signal's number."""
        return self.verdict in ("unknown", "late") or (self.exit_code or 0) > 128


@dataclass(frozen=True)
class Recording:
    """What istioctl would hand over, and every call by which it did."""

    record: Record
    calls: tuple[KubectlCall, ...]
