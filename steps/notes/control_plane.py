"""What the control-plane phase keeps between turns: its backup, and what it saw of the rollout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from steps.contract.notes import Note, read_as


@dataclass(frozen=True)
class AgentsSeen:
    """How many nodes had the new node agent at the first look, and when that was."""

    at: datetime
    done: int


APPROVED_REMOVALS = Note("control-plane/approved-removals", read_as(tuple[str, ...]))
# How many objects of each kind are in the backup.
BACKUP = Note("control-plane/backup", read_as(dict[str, int]))
# The address of the ingress before the apply.
INGRESS = Note("control-plane/ingress", read_as(str))
# Since when each pod, by uid, was seen to terminate.
LEAVING = Note("control-plane/terminating", read_as(dict[str, datetime]))
AGENTS = Note("control-plane/agents", read_as(AgentsSeen))
