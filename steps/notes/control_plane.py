"""What the control-plane phase keeps between turns: its backup, and what it saw of the rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from steps.contract.notes import Json, Note, read_as
from steps.contract.step import Context
from steps.contract.wording import count_things


@dataclass(frozen=True)
class AgentsSeen:
    """How many nodes had the new node agent at the first look, and when that was."""

    at: datetime
    done: int


@dataclass(frozen=True)
class ApprovedApply:
    """What a person approved of an apply: its record's digest, and what leaves the guide's path with it."""

    record: str
    removals: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


def read_frame(kept: Json) -> Mapping[str, Json]:
    """A binding as it was kept."""
    return kept if isinstance(kept, Mapping) else {}


# Kept by earlier versions of the bot; what they had approved is asked about once more.
APPROVED_REMOVALS = Note("control-plane/approved-removals", read_as(tuple[str, ...]))
# What leaves the guide's path and was approved on a card of its own.
APPROVED_DEPARTURES = Note("control-plane/approved-departures", read_as(ApprovedApply))
APPROVED_APPLY = Note("control-plane/approved-apply", read_as(ApprovedApply))
# What that approval holds for besides: cluster, release, options, arguments and programs. Earlier versions kept none.
APPROVED_FRAME = Note("control-plane/approved-frame", read_frame)
# The objects that were not there before that apply.
CREATED = Note("control-plane/created", read_as(tuple[str, ...]))
# The run with which the control plane was written to first; from then on what it changes says nothing new.
FIRST_WRITE = Note("control-plane/first-write", read_as(str))
# The digest of the record that the cluster held already when the gate looked: nothing is asked, backed up or applied.
IN_PLACE = Note("control-plane/in-place", read_as(str))
# Objects that would be removed and that a person keeps.
KEPT = Note("control-plane/kept", read_as(tuple[str, ...]))
# Flags that hand over what the cluster has now, where a person kept it.
KEPT_FLAGS = Note("control-plane/kept-flags", read_as(tuple[str, ...]))
# The UIDs of what would be removed, by name: what is born anew under a name is another object.
REMOVAL_UIDS = Note("control-plane/removal-uids", read_as(dict[str, str]))
# What the bot has removed after a right apply.
REMOVED = Note("control-plane/removed", read_as(tuple[str, ...]))
# How many objects of each kind are in the backup.
BACKUP = Note("control-plane/backup", read_as(dict[str, int]))
# When the backup was begun: files that lie there before that are of another upgrade.
BACKUP_BEGUN = Note("control-plane/backup-begun", read_as(datetime))
# The address of the ingress before the apply.
INGRESS = Note("control-plane/ingress", read_as(str))
# Since when each pod, by uid, was seen to terminate.
LEAVING = Note("control-plane/terminating", read_as(dict[str, datetime]))
# Since when each stall, by its key, was seen.
STALLS = Note("control-plane/stalls", read_as(dict[str, datetime]))
AGENTS = Note("control-plane/agents", read_as(AgentsSeen))


def describe_backup(ctx: Context) -> str:
    """How much was kept before the first write."""
    kept = ctx.recall(BACKUP) or {}
    return count_things(sum(kept.values()), "object") if kept else "none: nothing was applied"
