"""What a way back goes by: the upgrade that it takes back, and how far an approval of that covers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from steps.contract.notes import Note, read_as
from steps.contract.step import Context


@dataclass(frozen=True)
class WayBack:
    """What the earlier release would hand to kubectl, and the SHA-256 of its istioctl."""

    record: str
    istioctl: str


@dataclass(frozen=True)
class Cover:
    """The approval of the control plane that also holds for the way back: whose, until when, and for what."""

    by: str
    until: datetime
    way: WayBack


@dataclass(frozen=True)
class TakenBack:
    """The upgrade that is taken back, as it stood when that was ordered.

    `arguments` and `overlays` are what its istioctl was given; `created`, `removed` and `edited` name the objects that
    it brought, took away, and the policies that it edited.
    """

    upgrade: str
    release: str
    arguments: tuple[str, ...] = ()
    overlays: tuple[tuple[str, str], ...] = ()
    created: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    cover: Cover | None = None


@dataclass(frozen=True)
class OrderedReturn:
    """Who wants an upgrade taken back, and why; it begins once nothing of the upgrade runs any more."""

    by: str
    reason: str


TAKEN_BACK = Note("rollback/taken-back", read_as(TakenBack))
# The policies whose restoring was approved, each as it stood on the card: as it was, and as it would be put back.
APPROVED_POLICIES = Note("rollback/policies", read_as(dict[str, str]))
ORDERED_RETURN = Note("rollback/ordered", read_as(OrderedReturn))


def name_undertaking(ctx: Context) -> str:
    """What the plan at hand is in a sentence: `upgrade`, or `way back`."""
    return "upgrade" if ctx.recall(TAKEN_BACK) is None else "way back"


def name_sidecar(ctx: Context) -> str:
    """The sidecar that pods are moved from, which is not the older one where an upgrade is taken back."""
    taken = ctx.recall(TAKEN_BACK)
    return f"the sidecar of {taken.release}" if taken else "the old sidecar"


def name_moved(ctx: Context) -> str:
    """What a pod of the ledger is once it has been moved, in a word."""
    return "upgraded" if ctx.recall(TAKEN_BACK) is None else f"on {ctx.release.version}"


def find_cover(ctx: Context) -> Cover | None:
    """The approval that covers this way back, None where none does (any more)."""
    taken = ctx.recall(TAKEN_BACK)
    cover = taken.cover if taken else None
    return cover if cover and ctx.now < cover.until else None
