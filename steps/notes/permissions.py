"""What was given and edited with a person's approval: the bot's own binding, and authorization policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from steps.contract.notes import Json, Note, encode_note, read_as


@dataclass(frozen=True)
class OwnBinding:
    """The binding that the upgrade works with; only one that is ours is removed at the end."""

    name: str
    ours: bool


@dataclass(frozen=True)
class KeptLease:
    """The upgrade's Lease as it was last written, and when; `why_not` where it may not have one.

    `idle`: it was renewed while nothing acted, so the step that acts next looks at the cluster for itself.
    """

    at: datetime
    version: str = ""
    acquired: datetime | None = None
    why_not: str = ""
    idle: bool = False


@dataclass(frozen=True)
class FirstTaker:
    """The first of two people who take a cluster over from a bot that may still act, and from whom."""

    holder: str
    by: str
    reason: str
    at: datetime


def write_kept_lease(kept: KeptLease) -> Json:
    """The Lease as JSON; that it is idle stands there where it is."""
    plain = encode_note(kept)
    assert isinstance(plain, dict)
    return {name: value for name, value in plain.items() if name != "idle" or value}


BINDING = Note("access/binding", read_as(OwnBinding))
# The account that the bot itself bound, by the name of the binding that it made, or found empty and filled. Remembered
# before it is written, so that a bot that was killed in between still takes it back.
CREATED = Note("access/created", read_as(str))
# The findings that a person has seen, whatever was decided; earlier versions of the bot kept none.
SEEN_FINDINGS = Note("authorization/seen", read_as(tuple[str, ...]))
FILLED = Note("access/filled", read_as(str))
# Whether what the bot was given was taken back because nothing acted; the next step that acts binds it again.
RESTED = Note("access/rested", read_as(bool))
# Findings whose edit was approved, and the objects that were edited.
APPROVED_EDITS = Note("authorization/approved", read_as(tuple[str, ...]))
EDITED = Note("authorization/edited", read_as(tuple[str, ...]))
# Whether the upgrade ever took the cluster's Lease, remembered before it is written; and how it stood at last.
LEASE_BEGUN = Note("access/lease-begun", read_as(bool))
LEASE = Note("access/lease", read_as(KeptLease), write_kept_lease)
# The holder that a person was asked about, with its last renewal where that lies back long enough.
LEASE_SHOWN = Note("access/lease-shown", read_as(str))
LEASE_FIRST = Note("access/lease-first", read_as(FirstTaker))
# Who has the Lease that this upgrade held before.
LEASE_LOST = Note("access/lease-lost", read_as(str))
