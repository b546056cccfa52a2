"""What is tried, and through which door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

Door: TypeAlias = Literal[
    "command", "button", "form", "event", "http", "file", "cluster", "archive", "state folder", "environment"
]
Kind: TypeAlias = Literal["take rights", "forge", "replay", "overload", "break", "inject", "lead astray"]
DOORS: tuple[Door, ...] = get_args(Door)
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Attack:
    """One attack. `launch` gets what stands behind the door and answers what it did, "" where it was stopped."""

    door: Door
    kind: Kind
    name: str
    launch: Callable[[Any], str]

    @property
    def id(self) -> str:
        """Its name among the tests."""
        return f"{self.door}-{self.kind}-{self.name}".replace(" ", "-")
