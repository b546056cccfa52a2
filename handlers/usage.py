"""The commands: how each is written and what it does."""

from __future__ import annotations

from collections.abc import Mapping

from bot.journal.records import Action

COMMAND = "/asm-upgrade"
USAGE: Mapping[Action, tuple[str, str]] = {
    "start": (
        "start CLUSTER [mtls=STRICT|PERMISSIVE] [set KEY=VALUE]... [canary=NS,NS] [skip=NS,NS] [testing=yes|no]",
        "start an upgrade",
    ),
    "approve": ("approve CLUSTER CODE", "approve what is asked, by the code on its card; without it you see the card"),
    "deny": ("deny CLUSTER REASON", "deny what is asked"),
    "decide": ("decide CLUSTER CODE CHOICE [REASON]", "take another choice of a card, such as accept or skip"),
    "schedule": (
        "schedule CLUSTER [YYYY-MM-DD HH:MM ZONE [for 3h] [START OPTIONS]]",
        "set when an upgrade may act, or move it; without a time a form opens",
    ),
    "extend": ("extend CLUSTER 1h REASON", "let an upgrade act beyond its window"),
    "windows": ("windows [CLUSTER]", "when clusters may be changed"),
    "calendar": ("calendar [CLUSTER]", "upgrades, windows and freezes of the next 30 days"),
    "break-glass": (
        "break-glass CLUSTER CODE REASON",
        "approve alone what is asked; the approvers are told at once",
    ),
    "status": ("status [CLUSTER]", "where upgrades stand and what may be done"),
    "pause": ("pause CLUSTER", "start nothing more from this moment, until resumed"),
    "resume": ("resume CLUSTER", "go on"),
    "retry": ("retry CLUSTER", "try the blocked step again"),
    "abort": ("abort CLUSTER REASON", "end the upgrade; what has moved stays moved"),
    "rollback": (
        "rollback CLUSTER REASON",
        "take the last upgrade back: the earlier release, its options, then the pods that were moved",
    ),
    "history": ("history [CLUSTER]", "earlier upgrades and how they ended"),
    "help": ("help", "this text"),
}


def list_commands() -> str:
    """One sentence that names every command."""
    return f"The commands are {', '.join(USAGE)}; `{COMMAND} help` explains them."


def write_help() -> str:
    """What `/asm-upgrade help` answers."""
    lines = [f"• `{COMMAND} {usage}`: {meaning}" for usage, meaning in USAGE.values()]
    return "\n".join(
        [
            "*Upgrades of Anthos Service Mesh, phase by phase*",
            *lines,
            "Every phase that changes the cluster waits for an approval. Answers to commands are only visible to you; "
            "the thread in the cluster's channel is for all.",
        ]
    )
