"""Values that the journal keeps and the Slack side draws; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from bot.journal.bodies import Body, MessageKind

UpgradeState: TypeAlias = Literal["running", "asking", "blocked", "upgraded", "proposed", "aborted"]
ENDED: frozenset[UpgradeState] = frozenset({"upgraded", "proposed", "aborted"})
Action: TypeAlias = Literal[
    "start",
    "approve",
    "deny",
    "pause",
    "resume",
    "retry",
    "abort",
    "status",
    "history",
    "help",
    "decide",
    "break-glass",
    "schedule",
    "extend",
    "snooze",
    "windows",
    "calendar",
]
# Who gives orders on the command line of the bot's machine; no Slack id can look like it.
OPERATOR = "command-line"


@dataclass(frozen=True)
class Message:
    """A row of the outbox.

    `slot` names an editable message within its upgrade ("root", "progress:sidecars", "gate:access/approve:1"), "" for
    one that is posted once. `ts` is Slack's, "" until posted. `revision` grows with each change of `body`;
    `sent_revision` is the last one that Slack has. `attempts` > 0 with no `ts` means that an earlier post may have
    arrived: look for `id` in the metadata before posting again.
    """

    id: str
    upgrade: str
    slot: str
    channel: str
    body: Body
    created_at: datetime
    revision: int = 1
    sent_revision: int = 0
    ts: str = ""
    attempts: int = 0
    not_before: datetime | None = None

    @property
    def kind(self) -> MessageKind:
        """What the message is for; its body's type tells."""
        return self.body.message_kind
