"""What a way back takes over from the upgrade that it takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from steps.contract.notes import Json, Note
from steps.contract.options import UpgradeOptions
from steps.gates import bind_planned
from steps.install.overlays import join_overlays
from steps.notes.control_plane import CREATED, KEPT, KEPT_FLAGS, REMOVED
from steps.notes.download import ARGUMENTS
from steps.notes.permissions import EDITED
from steps.notes.prepare import CLUSTER_SERVER, CLUSTER_UID, FLAGS, MTLS, NODES, OWNERS_ACCEPTED, SOURCE, Source
from steps.notes.sidecars import APPROVED
from steps.notes.way_back import TAKEN_BACK, Cover, TakenBack
from steps.phases.through import MOVED
from steps.workloads.waves import PLAN

T = TypeVar("T")


class Recall(Protocol):
    """Reads a note of the upgrade that is taken back."""

    def __call__(self, note: Note[T], /) -> T | None: ...


def name_source(recall: Recall) -> str:
    """The release that the upgrade came from."""
    return (recall(SOURCE) or Source()).version


def choose_options(options: UpgradeOptions, release: str) -> UpgradeOptions:
    """The options of a way back: those of the earlier install are notes, the upgrade's own are left; nothing soaks."""
    return replace(
        options, mtls=None, set_flags=(), overlays=(), archive="", gates="each", only_from=release,
        canary_soak_seconds=0.0, earlier_options="take",
    )  # fmt: skip


def list_inherited(
    recall: Recall, upgrade: str, release: str, options: UpgradeOptions, cover: Cover | None
) -> Mapping[str, Json]:
    """The notes that a way back begins with, by key: cluster, earlier install, and what the upgrade did."""
    taken = TakenBack(
        upgrade=upgrade,
        release=release,
        arguments=recall(ARGUMENTS) or (),
        overlays=join_overlays(options.overlays),
        created=recall(CREATED) or (),
        removed=recall(REMOVED) or (),
        edited=recall(EDITED) or (),
        cover=cover,
    )
    refs = recall(APPROVED)
    moved = bind_planned(one for one in recall(PLAN) or () if str(one.ref) in (refs or ()))
    shared = (_keep(recall, CLUSTER_UID), _keep(recall, CLUSTER_SERVER), _keep(recall, MTLS), _keep(recall, FLAGS))
    own = (_write(SOURCE, Source(release)), _write(MOVED, moved), _write(TAKEN_BACK, taken), _keep(recall, NODES))
    # what an approver let stay stays; an owner is accepted for as long as the approval holds
    kept = (_keep(recall, KEPT), _keep(recall, KEPT_FLAGS), *([_keep(recall, OWNERS_ACCEPTED)] if cover else []))
    return {key: value for key, value in (*shared, *own, *kept) if value is not None}


def _keep(recall: Recall, note: Note[T]) -> tuple[str, Json]:
    kept = recall(note)
    return note.key, None if kept is None else note.write(kept)


def _write(note: Note[T], value: T) -> tuple[str, Json]:
    return note.key, note.write(value)
