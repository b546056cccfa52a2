"""The commands: how each is written, what it does and an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.journal.records import Action

COMMAND = "/asm-upgrade"
Group: TypeAlias = Literal["Begin", "Decide", "Steer", "Look"]
GROUPS: tuple[Group, ...] = ("Look", "Begin", "Decide", "Steer")


@dataclass(frozen=True)
class Usage:
    """One command: the line to type, what it does, where it stands in the help, an example and what else to know."""

    line: str
    meaning: str
    group: Group
    example: str
    more: str = ""


USAGE: Mapping[Action, Usage] = {
    "start": Usage(
        "start CLUSTER [mtls=STRICT|PERMISSIVE] [set KEY=VALUE]... [canary=NS,NS] [skip=NS,NS] [testing=yes|no] "
        "[earlier=leave]",
        "start an upgrade",
        "Begin",
        "start cluster-x canary=shop,blog skip=ops",
        "Alone, `start` opens a form. The first phase only reads and makes a proposal; each later one asks first. "
        "The options of the earlier install are taken over; `earlier=leave` leaves them, and a gate asks about that.",
    ),
    "approve": Usage(
        "approve CLUSTER CODE",
        "approve what is asked, by the code on its card; without it you see the card",
        "Decide",
        "approve cluster-x K7Q2MD",
    ),
    "deny": Usage("deny CLUSTER REASON", "deny what is asked", "Decide", "deny cluster-x not before the weekend"),
    "decide": Usage(
        "decide CLUSTER CODE CHOICE [REASON]",
        "take another choice of a card, such as accept or skip",
        "Decide",
        "decide cluster-x K7Q2MD accept this check is known to fail here",
        "The choices are the buttons of the card.",
    ),
    "schedule": Usage(
        "schedule CLUSTER [YYYY-MM-DD HH:MM [ZONE] [for 3h] [START OPTIONS]]",
        "set when an upgrade may act, or reschedule it; without a time a form opens",
        "Begin",
        "schedule cluster-x 2026-12-01 02:00 Asia/Seoul for 3h",
        "Approvals can be given before; nothing is changed until then.",
    ),
    "extend": Usage(
        "extend CLUSTER 1h REASON",
        "let an upgrade act beyond its window",
        "Steer",
        "extend cluster-x 90m the last 4 pods are slow",
    ),
    "move": Usage(
        "move CLUSTER #CHANNEL",
        "let an open upgrade go on in another channel, where its own is archived or lost",
        "Steer",
        "move cluster-x C0MESHOPS1",
        "Root and open card are posted there anew, and the old ones lose their buttons where they still can. "
        f"`{COMMAND} schedule CLUSTER` changes the time.",
    ),
    "windows": Usage("windows [CLUSTER]", "when clusters may be changed", "Look", "windows cluster-x"),
    "calendar": Usage(
        "calendar [CLUSTER]", "upgrades, windows and freezes of the next 30 days", "Look", "calendar cluster-x"
    ),
    "break-glass": Usage(
        "break-glass CLUSTER CODE REASON",
        "approve alone what is asked; the approvers are told at once",
        "Decide",
        "break-glass cluster-x K7Q2MD the gateway is down and nobody answers",
    ),
    "status": Usage("status [CLUSTER]", "where upgrades stand and what may be done", "Look", "status cluster-x"),
    "pause": Usage(
        "pause CLUSTER",
        "start nothing more from this moment, until resumed",
        "Steer",
        "pause cluster-x",
        "What has begun is let end.",
    ),
    "resume": Usage("resume CLUSTER", "go on", "Steer", "resume cluster-x"),
    "retry": Usage("retry CLUSTER", "try the blocked step again", "Steer", "retry cluster-x"),
    "abort": Usage(
        "abort CLUSTER REASON",
        "end the upgrade; what it has changed stays changed",
        "Steer",
        "abort cluster-x wrong week",
        f"`{COMMAND} pause CLUSTER` stops as quickly, and can be undone.",
    ),
    "rollback": Usage(
        "rollback CLUSTER REASON",
        "take the last upgrade back: the earlier release, its options, then the pods that were restarted",
        "Steer",
        "rollback cluster-x errors since the gateway moved",
    ),
    "history": Usage(
        "history [CLUSTER]",
        "who asked, who approved what and when, how long it took, the way back",
        "Look",
        "history cluster-x",
        f"`{COMMAND} history UPGRADE` tells one upgrade alone, with the commands of what is left to do.",
    ),
    "log": Usage(
        "log CLUSTER", "all that was told of its latest upgrade, each line with its time", "Look", "log cluster-x"
    ),
    "help": Usage("help [COMMAND]", "what you can do now, or one command with an example", "Look", "help start"),
}


def list_commands() -> str:
    """One sentence that names every command."""
    return f"The commands are {', '.join(USAGE)}; `{COMMAND} help` explains them."
