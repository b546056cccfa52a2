"""What a person is shown: cards, choices, progress and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Weight: TypeAlias = Literal["main", "grave", ""]


@dataclass(frozen=True)
class Attachment:
    """A long text that belongs in the thread as a file."""

    name: str
    text: str


@dataclass(frozen=True)
class Detail:
    """A folded part of a card: a heading and lines of plain text."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """What a person is shown at a gate, in a proposal or in a report; plain text, escaped where it is drawn.

    `details` are folded; `snippet` is for copying and stands open.
    """

    title: str
    summary: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    risks: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    estimate: str = ""
    snippet: Detail | None = None


@dataclass(frozen=True)
class Choice:
    """One decision that a person may take; `weight` says whether it is the expected one or one to think twice about."""

    id: str
    label: str
    weight: Weight = ""
    needs_reason: bool = False
    confirm: str = ""


APPROVE = Choice("approve", "Approve", "main")


# Approves all that follows as well, while nothing more is asked.
THROUGH = Choice("through", "Approve through")


# Approves all but the workloads that were not ready before; a gate words its label.
APPROVE_HEALTHY = Choice("approve:healthy", "Approve all that is ready")

# Whoever chose one of these lets a gate be passed: in part, in full, or with all that follows.
APPROVALS = (APPROVE.id, APPROVE_HEALTHY.id, THROUGH.id)


DENY = Choice("deny", "Deny", "grave", needs_reason=True)


@dataclass(frozen=True)
class Progress:
    """How far a counted piece of work is; `seconds_left` is None while no pace is known."""

    done: int
    total: int
    unit: str = "pods"
    per_minute: float = 0.0
    seconds_left: float | None = None
